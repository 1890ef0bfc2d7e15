"""Task definitions of all sources, to be found by what a target calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs.loose import Loose, Part, is_open, scalar
from batchtab.importers.source_file import SourceFile


class Definitions:
    """Task definitions by ARN, family with revision, and family."""

    def __init__(self) -> None:
        self._by_name: dict[str, Part] = {}
        self._all: list[tuple[str, Part]] = []
        self._found: set[int] = set()

    def add(self, part: Part, *names: str) -> None:
        """A task definition, and further names for it."""
        node = Loose(part.data, Recorder(Imported().findings))
        family, revision, arn = (scalar(node.take(key)) for key in ("Family", "Revision", "TaskDefinitionArn|Arn"))
        family = family if family and not is_open(family) else None
        self._all.append((family or next(iter(names), part.path), part))
        for name in (arn, family and f"{family}:{revision}", family, *names):
            if name:
                self._by_name[name] = part

    def find(self, wanted: str) -> Part | None:
        """The one that is meant: of the revision that is named, or of any."""
        short = wanted.rpartition(":task-definition/")[2]
        names = (wanted, short, re.sub(r":[0-9]+$", "", short))
        part = next((self._by_name[name] for name in names if name in self._by_name), None)
        if part is not None:
            self._found.add(id(part.data))
        return part

    def unused(self) -> list[tuple[str, Part]]:
        """Names and task definitions that nothing started."""
        return [(name, part) for name, part in self._all if id(part.data) not in self._found]


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is a task definition, or the answer of `describe-task-definition`."""
    inner = document.get("taskDefinition")
    return "containerDefinitions" in document or (isinstance(inner, Mapping) and "containerDefinitions" in inner)


def read(document: Mapping[str, Any], file: SourceFile, definitions: Definitions, imported: Imported) -> None:
    """Adds a task definition's document."""
    inner = document.get("taskDefinition")
    if not isinstance(inner, Mapping):
        definitions.add(Part(document, file.name), file.path.stem)
        return
    top = Loose(document, Recorder(imported.findings, "", file.name))
    data = dict(inner)
    top.take("taskDefinition")
    if "tags" in top:  # beside the task definition in the API's answer
        data["tags"] = top.take("tags")
    top.rest()
    definitions.add(Part(data, file.name, "taskDefinition"), file.path.stem)
