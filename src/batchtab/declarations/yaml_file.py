"""A YAML file as data that still knows its lines.

PyYAML silently keeps the last of two equal keys and turns `on`, `010` and `1.10` into other values. Here two equal keys
are a fault, numbers are decimal, and where a text is wanted, the text that is in the file is what counts.
"""

from __future__ import annotations

import math
import re
import stat
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
_NODES_MAX = 50_000  # a chain of aliases can mean more nodes than fit in memory
_MEASURED_MAX = 2 * _NODES_MAX  # keys are counted too
_DEPTH_MAX = 50
_BYTES_MAX = 16 * 2**20  # some hundred thousand jobs
_SMALL = 10_000  # characters: at most as many levels, which fit on any stack
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9_]{0,17})")
_BELOW = 10**18  # of numbers, which are not longer in their decimal form
_FIGURES_MAX = 32  # characters of what is looked at as a number: Python's longest float has 24
#: Fields that say where a secret is: they may contain the secret itself, which no message shows.
HIDDEN = frozenset({"secrets", "secret_options", "registry_credentials", "webhook_secret_arn"})


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
    """Read a file; faults of reading are in `problems`, and `data` has what could be read nevertheless.

    Args:
        path: The file.
        texts: Dotted patterns of the values that are texts, `*` for any one key or index: `jobs.*.environment.*`.
    """
    document = Document(path.as_posix())
    try:
        found = path.stat()
        is_file = stat.S_ISREG(found.st_mode)
        # A FIFO is never at its end, and /dev/zero has none; of a folder the system says what it is.
        if not (is_file or stat.S_ISDIR(found.st_mode)) or found.st_size > _BYTES_MAX:
            why = f"has more than {_BYTES_MAX // 2**20} MiB" if is_file else "is not a file"
            document.problems.append(Diagnostic(document.file, None, "", "", None, why))
            return document
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        document.problems.append(Diagnostic(document.file, line, "", "", None, "is not UTF-8 text"))
        return document
    except OSError as error:
        document.problems.append(unreadable(document.file, error))
        return document
    try:
        _measure(content)
        root = _Loader(content).get_single_node()
    except yaml.YAMLError as error:
        document.problems.append(_syntax(document.file, content, error))
        return document
    except _TooMuch as error:
        document.problems.append(error.problem(document))
        return document
    except RecursionError:  # only without libyaml
        document.problems.append(_TooMuch(1, is_deep=True).problem(document))
        return document
    if root is None:
        document.problems.append(Diagnostic(document.file, None, "", "", None, "is empty"))
        return document
    reader = _Reader(document, [tuple(pattern.split(".")) for pattern in texts])
    try:
        data = reader.value(root, ())
    except _TooMuch as error:
        document.problems[:] = [error.problem(document)]
        return document
    if isinstance(data, dict):
        document.data = data
    elif not document.problems:
        document.problems.append(Diagnostic(document.file, 1, "", "", data, "is not a mapping (key: value)"))
    return document


def unreadable(file: str, error: OSError) -> Diagnostic:
    """A file or a folder that can't be read, with the system's reason."""
    reason = (error.strerror or str(error)).lower()
    return Diagnostic(file, None, "", "", None, f"can't be read: {reason}")


class _TooMuch(Exception):  # noqa: N818 - it is what it is
    """More than anybody writes, and than there may be memory for."""

    def __init__(self, line: int, *, is_deep: bool = False) -> None:
        super().__init__()
        self._line, self._is_deep = line, is_deep

    def problem(self, document: Document) -> Diagnostic:
        message, hint = (
            f"has more than {_NODES_MAX:,} values",
            "make several services of it, or a file that the job reads; an alias (*name) counts each time",
        )
        if self._is_deep:
            message, hint = f"is nested more than {_DEPTH_MAX} deep", ""
        return Diagnostic(document.file, self._line, "", "", None, message, hint)


def _measure(content: str) -> None:
    """Looks at a large file first: libyaml composes any number of values, and calls itself for each level.

    Raises:
        _TooMuch: It has more values or levels than a file may have.
        yaml.YAMLError: It is no YAML.
    """
    if len(content) <= _SMALL:
        return
    depth = count = 0
    for event in yaml.parse(content, _Loader):
        count += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if count > _MEASURED_MAX or depth > _DEPTH_MAX + 1:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _TooMuch(line, is_deep=count <= _MEASURED_MAX)


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
        problem, context, hint = "contains more than one document", None, "remove the line '---'"
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
            self._fault(path, "contains itself", "an alias (*name) may not be inside its own anchor (&name)")
            return None
        if self._nodes > _NODES_MAX or len(path) > _DEPTH_MAX:
            raise _TooMuch(node.start_mark.line + 1, is_deep=len(path) > _DEPTH_MAX)
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
                    if isinstance(inherited, yaml.MappingNode):
                        result = {**(merged or {}), **result}
                    else:
                        message = f"{show(merged)} is not a mapping, which is all that << takes in"
                        self._document.problems.append(
                            self._document.problem((*path, "<<"), message, hint="*NAME of a mapping that says &NAME")
                        )
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
            return self._number(node, text, path) if kind in {"int", "float"} else self._made(node)
        except (ValueError, KeyError, IndexError, OverflowError):
            self._fault(path, f"{show(text)} is not a value that can be read")
            return None

    def _made(self, node: yaml.Node) -> Any:
        return self._constructor.construct_object(node)

    def _number(self, node: yaml.Node, text: str, path: Key) -> Any:
        """A decimal number; octal, hexadecimal, binary and sexagesimal ones of YAML 1.1 are mostly meant otherwise."""
        if _DECIMAL.fullmatch(text):
            return self._made(node)
        number = self._made(node) if len(text) <= _FIGURES_MAX else _BELOW
        is_long = _BELOW <= abs(number) < math.inf
        if isinstance(number, float) and ":" not in text and not is_long:
            return number
        shown = "" if HIDDEN & set(path) else f"{show(text)} "
        if is_long:
            return self._fault(path, f"{shown}is a number of more than 18 digits", "put a text in quotes")
        meant = f" means {number} in YAML, and" if shown else ""
        octal = re.fullmatch("([-+]?)[0_]+([1-7][0-7_]*)", text)
        both = f"{number} or {octal[1]}{octal[2]}" if octal else f"{number}"
        hint = f"write {both}, or put a text in quotes" if shown else "put it in quotes"
        return self._fault(path, f"{shown.strip()}{meant} is not a decimal number".strip(), hint)


def _matches(pattern: tuple[str, ...], path: Key) -> bool:
    return len(pattern) == len(path) and all(p in ("*", k) for p, k in zip(pattern, path, strict=True))
