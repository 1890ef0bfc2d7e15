"""A mapping of a source file that records which of its keys were read, so that none is dropped silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from batchtab.importers.findings import Recorder
from batchtab.importers.source_file import line_of

UNKNOWN = "the importer does not know this field"
_DECIDE = "decide whether the job needs it"


class Node:
    """A mapping, its place and a record of the keys that were read.

    Each key is read by `carry`, `change`, `leave`, `take`, `child` or `children`; `rest` reports all others.

    Attributes:
        data: The mapping; empty where the source has none.
        recorder: Where findings go.
        path: The dotted path from the top of the document.
    """

    def __init__(self, data: object, recorder: Recorder, path: str = "") -> None:
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.recorder = recorder
        self.path = path
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self.spelled(key) in self.data

    def __bool__(self) -> bool:
        return bool(self.data)

    def spelled(self, key: str) -> str:
        """A key as the source spells it; kinds whose sources spell keys in several ways say how."""
        return key

    def name(self, key: str) -> str:
        """The dotted path of a key."""
        key = key if key in self.data else self.spelled(key)
        return f"{self.path}.{key}" if self.path else str(key)

    def take(self, key: str, default: Any = None) -> Any:
        """A value; whoever takes it records its result."""
        key = self.spelled(key)
        self._read.add(key)
        return self.data.get(key, default)

    def carry(self, key: str, to: str, default: Any = None) -> Any:
        """A value that jobs.yaml has as it was, in the field `to`. Records nothing for a key that is not there."""
        key = self.spelled(key)
        if key in self.data:
            self._at(key).carried(self.name(key), self.data[key], to)
        return self.take(key, default)

    def change(self, key: str, how: str, todo: str = "", default: Any = None) -> Any:
        """A value that jobs.yaml has in another form."""
        key = self.spelled(key)
        if key in self.data:
            self._at(key).changed(self.name(key), self.data[key], how, todo)
        return self.take(key, default)

    def leave(self, key: str, why: str, todo: str = "") -> Any:
        """A value that jobs.yaml does not have."""
        key = self.spelled(key)
        if key in self.data:
            self._at(key).not_carried(self.name(key), self.data[key], why, todo)
        return self.take(key)

    def child(self, key: str) -> Self:
        """The mapping below a key; an empty one where there is none. A value of another kind is reported."""
        key = self.spelled(key)
        value = self.data.get(key)
        if value is None or isinstance(value, Mapping):
            self._read.add(key)
            return type(self)(value, self._at(key), self.name(key))
        self.leave(key, "is not a mapping", "correct the source")
        return type(self)({}, self.recorder, self.name(key))

    def children(self, key: str) -> list[Self]:
        """The mappings in the list below a key. Values of another kind are reported."""
        key = self.spelled(key)
        value = self.data.get(key)
        if value is None:
            self._read.add(key)
            return []
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.leave(key, "is not a list", "correct the source")
            return []
        self._read.add(key)
        nodes = []
        for index, item in enumerate(value):
            path = f"{self.name(key)}[{index}]"
            if isinstance(item, Mapping):
                nodes.append(type(self)(item, self._at(key), path))
            else:
                self._at(key).not_carried(path, item, "is not a mapping", "correct the source")
        return nodes

    def rest(self, why: str = UNKNOWN, todo: str = _DECIDE) -> None:
        """Report every key that was not read, each of its leaves on a line."""
        for key, value in self.data.items():
            if key not in self._read:
                self._read.add(key)
                for path, leaf in leaves(value, self.name(key)):
                    self._at(key).not_carried(path, leaf, why, todo)

    def _at(self, key: str) -> Recorder:
        line = line_of(self.data, key)
        if line is None:
            return self.recorder
        file = self.recorder.place.partition(":")[0]
        return self.recorder.at(f"{file}:{line}")


def leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Each value that is neither a mapping nor a list, with its path; empty ones count as values."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping) and value:
            waiting += [(f"{path}.{key}", each) for key, each in reversed([*value.items()])]
        elif isinstance(value, Sequence) and not isinstance(value, str) and value:
            waiting += [(f"{path}[{index}]", each) for index, each in reversed([*enumerate(value)])]
        else:
            yield path, value
