"""A YAML file as data that still knows its lines.

PyYAML keeps the last of two equal keys without a word and turns `on`, `010` and `1.10` into values that nobody wrote.
Here two equal keys are a fault, and where a text is wanted, the text that stands in the file is what counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from batchtab.declarations.diagnostics import Diagnostic, dotted, show

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Key = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_NODES_MAX = 50_000  # a chain of aliases can stand for more nodes than fit in memory
_DEPTH_MAX = 50


@dataclass(slots=True)
class Document:
    """One file's data, the line of each of its keys, and the faults met while reading it."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    lines: dict[Key, int] = field(default_factory=dict)
    faults: set[Key] = field(default_factory=set)  # what could not be read and is None in `data`

    def line(self, path: Sequence[str | int]) -> int | None:
        """The line of a key, or of the nearest thing around it that is in the file."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key)

    def problem(
        self, path: Sequence[str | int], message: str, *, value: object = None, hint: str = "", suffix: str = ""
    ) -> Diagnostic:
        """A fault at a place in this file; `suffix` names a key that is not in the file."""
        where, inner = _place(path)
        name = ".".join(part for part in (dotted(inner), suffix) if part)
        return Diagnostic(self.file, self.line(path), where, name, value, message, hint)


def read(path: Path, texts: Sequence[str] = ()) -> Document:
    """Read a file; faults of reading are in `problems`, and `data` holds what could be read nevertheless.

    Args:
        path: The file.
        texts: Dotted patterns of the values that are texts, `*` for any one key or index: `jobs.*.environment.*`.
    """
    document = Document(path.as_posix())
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        document.problems.append(Diagnostic(document.file, line, "", "", None, "is not UTF-8 text"))
        return document
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        document.problems.append(Diagnostic(document.file, None, "", "", None, f"can't be read: {reason}"))
        return document
    try:
        root = _Loader(content).get_single_node()
    except yaml.YAMLError as error:
        document.problems.append(_syntax(document.file, content, error))
        return document
    except RecursionError:
        document.problems.append(Diagnostic(document.file, None, "", "", None, "is nested too deeply"))
        return document
    if root is None:
        document.problems.append(Diagnostic(document.file, None, "", "", None, "is empty"))
        return document
    reader = _Reader(document, [tuple(pattern.split(".")) for pattern in texts])
    data = reader.value(root, ())
    if isinstance(data, dict):
        document.data = data
    elif not document.problems:
        document.problems.append(Diagnostic(document.file, 1, "", "", data, "is not a mapping (key: value)"))
    return document


def _place(path: Sequence[str | int]) -> tuple[str, Sequence[str | int]]:
    if len(path) >= 2 and path[0] == "jobs" and isinstance(path[1], str):
        return f"job {path[1]}", path[2:]
    if path and path[0] == "defaults":
        return "defaults", path[1:]
    return "", path


def _syntax(file: str, content: str, error: yaml.YAMLError) -> Diagnostic:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = getattr(error, "context", None)
    hint = ""
    lines = content.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "indent with spaces, not tabs"
    elif "expected a single document" in str(context):
        problem, context, hint = "holds more than one document", None, "remove the line '---'"
    elif "mapping values are not allowed" in problem:
        where = "ends with ':'" if line.rstrip().endswith(":") else "contains ': '"
        hint = f"put a text that {where} in quotes"
    elif "undefined alias" in problem or "scanning an alias" in str(context):  # */5 * * * *
        hint = "put a text that begins with '*' in quotes"
    elif "cannot start any token" in problem or "mapping keys are not allowed" in problem:  # @daily
        hint = "put a text that begins with '@', '?', '%' or '`' in quotes"
    begun = getattr(error, "context_mark", None)
    if begun is not None and begun.line < len(lines) and re.search(r"[:,[{] *\s#", lines[begun.line]):
        hint = "put a text that begins with '#' in quotes: a bare '#' begins a comment"
    if context and begun is not None:
        context = f"{context}, begun in line {begun.line + 1}"
    text = f"{problem} ({context})" if context and str(context) not in problem else problem
    number = None if mark is None else min(mark.line + 1, max(1, len(lines)))
    return Diagnostic(file, number, "", "", None, f"is not valid YAML: {text}", hint)


class _Reader:
    def __init__(self, document: Document, texts: list[tuple[str, ...]]) -> None:
        self._document = document
        self._texts = texts
        self._open: set[int] = set()
        self._nodes = 0
        self._constructor = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: Key) -> Any:
        self._nodes += 1
        if id(node) in self._open:
            self._fault(path, "contains itself", "an alias (*name) may not stand inside its own anchor (&name)")
            return None
        if self._nodes > _NODES_MAX or len(path) > _DEPTH_MAX:
            if self._nodes > _NODES_MAX + _DEPTH_MAX:
                return None
            self._nodes = _NODES_MAX + _DEPTH_MAX if self._nodes > _NODES_MAX else self._nodes
            self._fault(path[:1], "is nested too deeply or too large")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _fault(self, path: Key, message: str, hint: str = "") -> None:
        self._document.faults.add(path)
        self._document.problems.append(self._document.problem(path, message, hint=hint))

    def _mapping(self, node: yaml.MappingNode, path: Key) -> dict[str, Any] | None:
        if node.tag != f"{_TAG}map":
            self._fault(path, f"has the YAML tag {show(node.tag)}, which is not used here")
            return None
        result: dict[str, Any] = {}
        own: dict[str, int] = {}
        for key, value in self._pairs(node, path):
            line = key.start_mark.line + 1
            name = str(key.value)
            if key.tag == f"{_TAG}merge":
                for inherited in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = self.value(inherited, path)
                    result = {**merged, **result} if isinstance(merged, dict) else result
                continue
            if name in own:
                self._document.problems.append(self._twice((*path, name), line, own[name]))
                continue
            own[name] = line
            self._document.lines[(*path, name)] = line
            result[name] = self.value(value, (*path, name))
        return result

    def _pairs(self, node: yaml.MappingNode, path: Key) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key, value
            else:
                line = key.start_mark.line + 1
                where, inner = _place(path)
                self._document.problems.append(
                    Diagnostic(self._document.file, line, where, dotted(inner), None, "has a key that is not a name")
                )

    def _twice(self, path: Key, line: int, first: int) -> Diagnostic:
        where, inner = _place(path)
        verb = "is given" if inner else "is declared"
        hint = "" if inner else "give one of the two another name"
        return Diagnostic(
            self._document.file, line, where, dotted(inner), None, f"{verb} twice, first in line {first}", hint
        )

    def _sequence(self, node: yaml.SequenceNode, path: Key) -> list[Any] | None:
        if node.tag != f"{_TAG}seq":
            self._fault(path, f"has the YAML tag {show(node.tag)}, which is not used here")
            return None
        result = []
        for index, item in enumerate(node.value):
            self._document.lines[(*path, index)] = item.start_mark.line + 1
            result.append(self.value(item, (*path, index)))
        return result

    def _scalar(self, node: yaml.Node, path: Key) -> Any:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        wants_text = any(_matches(pattern, path) for pattern in self._texts)
        if kind in {"str", "timestamp", "value"} or (wants_text and kind in {"int", "float"}):
            return text
        if wants_text and kind == "bool":
            if text.lower() in {"true", "false"}:
                return text
            return self._fault(
                path, f"{show(text)} means true or false in YAML, but a text is wanted: put it in quotes"
            )
        if kind not in {"int", "float", "bool", "null"}:
            self._fault(path, f"has the YAML tag {show(node.tag)}, which is not used here")
            return None
        try:
            return self._constructor.construct_object(node)
        except (ValueError, KeyError, IndexError, OverflowError):
            self._fault(path, f"{show(text)} is not a value that can be read")
            return None


def _matches(pattern: tuple[str, ...], path: Key) -> bool:
    return len(pattern) == len(path) and all(p in ("*", k) for p, k in zip(pattern, path, strict=True))
