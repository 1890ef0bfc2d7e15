"""Fields of AWS's API as each tool spells them, and values that a file leaves open.

`TaskCount` of CloudFormation, `taskCount` of the API and `task_count` of Terraform are one field, and a block of
Terraform is a list with one mapping. A value that only another tool knows (`!Ref Image`, `{{ must_env "TAG" }}`, what
a plan knows after apply) is kept as text between two marks, so that a text may be open in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.node import UNKNOWN, Node, leaves

OPEN, CLOSE = "\ue000", "\ue001"
_SHOWN_VALUES = 60
_DIGITS = 12
_DEPTH = 30


def opened(text: str) -> str:
    """A text whose value the file does not say."""
    return f"{OPEN}{text.replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"


def is_open(value: object) -> bool:
    """Whether a value or one in its list is open, in part at least."""
    if isinstance(value, str):
        return OPEN in value
    return isinstance(value, Sequence) and any(isinstance(each, str) and OPEN in each for each in value)


def shown(value: Any, left: list[int] | None = None) -> Any:
    """A value as the source writes it, without marks, and no more of it than a line of the report has."""
    left = [_SHOWN_VALUES] if left is None else left
    left[0] -= 1
    if left[0] < 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): shown(each, left) for key, each in _first(value.items())}
    if isinstance(value, (list, tuple)):
        return [shown(each, left) for each in _first(value)]
    return closed(value) if isinstance(value, str) else value


def closed(text: str) -> str:
    """A text without marks."""
    return text.replace(OPEN, "").replace(CLOSE, "")


def scalar(value: Any) -> str | None:
    """A text, number or boolean as text; None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


class Loose(Node):
    """A mapping whose keys are found however they are spelled; a key may have other names: `Targets|Target`."""

    def __init__(self, data: object, recorder: Recorder, path: str = "") -> None:
        super().__init__(data, recorder, path)
        self._keys = {_folded(key): key for key in self.data}

    def spelled(self, key: str) -> str:
        """The key as the source spells it, which may be a number."""
        names = str(key).split("|")
        found = (self._keys[_folded(each)] for each in names if _folded(each) in self._keys)
        return next(found, _styled(names[0], self.data))

    def __contains__(self, key: str) -> bool:
        return super().__contains__(self.spelled(key))

    def take(self, key: str, default: Any = None) -> Any:
        """A value; whoever takes it records its result."""
        return super().take(self.spelled(key), default)

    def carry(self, key: str, to: str, default: Any = None) -> Any:
        """As `Node.carry`; an open value is reported instead, and the default returned."""
        key = self.spelled(key)
        if is_open(self.data.get(key)):
            self.leave(key, "its value is not in the file", f"write {to}")
            return default
        return super().carry(key, to, default)

    def change(self, key: str, how: str, todo: str = "", default: Any = None) -> Any:
        """As `Node.change`."""
        return super().change(self.spelled(key), how, todo, default)

    def leave(self, key: str, why: str, todo: str = "") -> Any:
        """As `Node.leave`; an empty value needs no decision."""
        key = self.spelled(key)
        if key in self.data and self.data[key] in (None, "", [], {}):
            why, todo = "is empty", ""
        return super().leave(key, why, todo)

    def rest(self, why: str = UNKNOWN, todo: str = "decide whether the job needs it") -> None:
        """As `Node.rest`; a list of `{name, value}` is reported by its names, which decide what is masked."""
        for key, value in self.data.items():
            if key not in self._read:
                self._read.add(key)
                for path, leaf in leaves(_named(value), self.name(key)):
                    self._at(key).not_carried(path, leaf, why, todo)

    def at(self, key: str) -> Recorder:
        """A recorder at a key's line."""
        return self._at(self.spelled(key))

    def field(self, key: str) -> str:
        """The dotted path of a key, as the source spells it."""
        return self.name(self.spelled(key))

    def child(self, key: str) -> Loose:
        """The mapping below a key, or the only one in a list there."""
        key = self.spelled(key)
        value = self.data.get(key)
        if isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]
        if value is None or isinstance(value, Mapping):
            super().take(key)
            return Loose(value, self._at(key), self.name(key))
        self.leave(key, "is not a mapping", "correct the source")
        return Loose({}, self.recorder, self.name(key))

    def children(self, key: str) -> list[Loose]:
        """The mappings in the list below a key."""
        if is_open(self.data.get(self.spelled(key))):
            self.leave(
                key, "its value is not in the file", "give a file that has it, such as a state in place of a plan"
            )
            return []
        if self.data.get(self.spelled(key)) in ([], ()):
            self.leave(key, "is empty")
        found = super().children(self.spelled(key))
        return [Loose(each.data, each.recorder, each.path) for each in found]

    def number(self, key: str) -> int | None:
        """A whole number, also in quotes; another value is reported. Whoever takes it records its result."""
        value = self.take(key)
        if value is None:
            return None
        text = scalar(value) or ""
        if re.fullmatch(rf"[0-9]{{1,{_DIGITS}}}(\.0)?", text):
            return int(float(text))
        self.leave(key, "is not a whole number" if not is_open(value) else "its value is not in the file", "write it")
        return None

    def texts(self, key: str) -> list[str] | None:
        """A list of texts, perhaps open; another value is reported. Whoever takes it records its result."""
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, (list, tuple)) and all(scalar(each) is not None for each in value):
            return [str(scalar(each)) for each in value]
        self.leave(key, "is not a list of texts", "write it into jobs.yaml")
        return None

    def skip(self, keys: str, why: str, todo: str = "") -> None:
        """Report several keys that jobs.yaml does not have, those that were not read."""
        for key in keys.split():
            if self.spelled(key) not in self._read:
                self.leave(key, why, todo)


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping of a source, and where it is.

    Attributes:
        data: The mapping.
        place: File, and perhaps line.
        path: Its dotted path, before the names of its fields.
    """

    data: object
    place: str
    path: str = ""

    def node(self, findings: Findings, job: str) -> Loose:
        """The mapping, to be read for a job."""
        return Loose(self.data, Recorder(findings, job, self.place), self.path)


def pairs(value: object, name: str = "Name", text: str = "Value") -> dict[str, Any]:
    """A mapping, or a list of `{name, value}` in whatever spelling, as a mapping; other values are left out."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    found: dict[str, Any] = {}
    for each in value if isinstance(value, (list, tuple)) else ():
        if isinstance(each, Mapping):
            folded = {_folded(key): item for key, item in each.items()}
            if (key := scalar(folded.get(_folded(name)))) is not None:
                found[key] = folded.get(_folded(text))
    return found


def _named(value: Any, depth: int = 0) -> Any:
    if depth > _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {key: _named(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        found = pairs(value)
        is_pairs = value and len(found) == len(value) and all(len(each) == 2 for each in value)
        return found if is_pairs else [_named(each, depth + 1) for each in value]
    return value


def _styled(name: str, others: Iterable[object]) -> str:
    """A name that is not there, spelled as the others are."""
    texts = [str(each) for each in others]
    if any("_" in each for each in texts):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return name[:1].lower() + name[1:] if texts and texts[0][:1].islower() else name


def _folded(key: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(key).lower()) or str(key)


def _first(values: Iterable[Any]) -> list[Any]:
    return [each for _, each in zip(range(_SHOWN_VALUES), values, strict=False)]
