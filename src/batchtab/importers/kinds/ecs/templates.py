"""Go templates in YAML and JSON (`{{ must_env "TAG" }}`), as ecschedule and ecspresso read them. None is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.kinds.ecs.loose import CLOSE, OPEN, opened
from batchtab.importers.source_file import SourceFile

_TEMPLATE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_BLOCK = re.compile(r"(if|else|end|range|with|define|block|template)\b")
_MARK = re.compile(f"{OPEN}([0-9]+){CLOSE}")


def documents(file: SourceFile) -> list[Any]:
    """A file's documents; each template is open text. Without templates they are as `SourceFile.documents`.

    Raises:
        UsageError: It is neither YAML nor JSON, or has templates that make more than one value.
    """
    if "{{" not in file.text:
        return file.documents()
    found: list[str] = []

    def masked(match: re.Match[str]) -> str:
        if _BLOCK.match(match[1]):
            line = file.text[: match.start()].count("\n") + 1
            raise UsageError(
                f"{file.path}:{line} has the template '{match[0]}', which import does not run",
                "render the file first; `ecschedule dump` writes one without templates",
            )
        found.append(match[0])
        return f"{OPEN}{len(found) - 1}{CLOSE}"

    text = _TEMPLATE.sub(masked, file.text)
    try:
        read = SourceFile(file.path, text).documents()
    except UsageError:
        if file.path.suffix != ".json":
            raise
        # A template without quotes around it, such as a number: YAML takes it.
        read = SourceFile(Path(f"{file.path}.yaml"), text.replace("\t", " ")).documents()
    return [_filled(each, found, set()) for each in read]


def _filled(value: Any, found: list[str], seen: set[int]) -> Any:
    """The value with the templates' texts in place of their numbers; containers are changed in place."""
    if isinstance(value, str):
        return _MARK.sub(lambda match: opened(found[int(match[1])]), value) if OPEN in value else value
    if id(value) in seen:
        return value
    seen.add(id(value))
    if isinstance(value, Mapping):
        for key in [*value]:
            value[key] = _filled(value[key], found, seen)  # type: ignore[index]  # what documents() reads can be changed
    elif isinstance(value, list):
        for index, each in enumerate(value):
            value[index] = _filled(each, found, seen)
    return value
