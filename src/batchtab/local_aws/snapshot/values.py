"""Python values as JSON and back, exactly: JSON by itself has neither bytes, sets, tuples nor keys that are no text."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

_MARK = "$"


class UnknownValueError(Exception):
    """A value that has no form in JSON here."""


class Values:
    """Encodes and decodes values.

    Args:
        scoped: ministack's dicts by account and region, by a name that is written to the file.
    """

    def __init__(self, scoped: dict[str, type]) -> None:
        self._scoped = scoped
        self._names = {kind: name for name, kind in scoped.items()}

    def encode(self, value: Any) -> Any:
        """Return a value as JSON can have it.

        Raises:
            UnknownValueError: It has another type than these.
        """
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, dict):
            if all(isinstance(key, str) and not key.startswith(_MARK) for key in value):
                return {key: self.encode(item) for key, item in value.items()}
            return {"$dict": self._pairs(value)}
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        if isinstance(value, tuple):
            return {"$tuple": [self.encode(item) for item in value]}
        if isinstance(value, set | frozenset):
            return {"$set": [self.encode(item) for item in value]}
        if isinstance(value, bytes | bytearray):
            return {"$bytes": base64.b64encode(value).decode()}
        if isinstance(value, datetime):
            return {"$datetime": value.isoformat()}
        if name := self._names.get(type(value)):
            return {"$scoped": name, "items": self._pairs(value._data)}
        raise UnknownValueError(f"a snapshot cannot have a {type(value).__module__}.{type(value).__qualname__}")

    def decode(self, encoded: Any) -> Any:
        """Return what `encode` was given."""
        if isinstance(encoded, list):
            return [self.decode(item) for item in encoded]
        if not isinstance(encoded, dict):
            return encoded
        mark = next(iter(encoded), "")
        if not mark.startswith(_MARK):
            return {key: self.decode(item) for key, item in encoded.items()}
        content = encoded[mark]
        if mark == "$bytes":
            return base64.b64decode(content)
        if mark == "$datetime":
            return datetime.fromisoformat(content)
        if mark == "$tuple":
            return tuple(self.decode(item) for item in content)
        if mark == "$set":
            return {self.decode(item) for item in content}
        if mark == "$dict":
            return self._dict(content)
        made: Any = self._scoped[content]()
        made._data = self._dict(encoded["items"])
        return made

    def _pairs(self, items: dict[Any, Any]) -> list[list[Any]]:
        return [[self.encode(key), self.encode(item)] for key, item in items.items()]

    def _dict(self, pairs: list[list[Any]]) -> dict[Any, Any]:
        return {self.decode(key): self.decode(item) for key, item in pairs}
