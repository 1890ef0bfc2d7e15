"""Moves state from the port that it was made on to another one: URLs of local AWS are in many places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

Record = dict[Any, Any]


class Port:
    """Rewrites `127.0.0.1:<old>` in every text, and in bytes that are text, such as a Terraform state in S3.

    Bytes that are no text, such as a function's zip, stay: a change inside would spoil them.

    Args:
        old: The port of the snapshot.
        new: The port of this local AWS.
        checksum: S3's checksum of an object, by the algorithm's name.
        attributes_md5: SQS's MD5 of a message's attributes.
    """

    def __init__(
        self,
        old: int,
        new: int,
        checksum: Callable[[str, bytes], str | None],
        attributes_md5: Callable[[Any], str | None],
    ) -> None:
        self._same = old == new
        # In URLs that are part of others, the colon is written as %3A.
        self._text = re.compile(rf"((?:127\.0\.0\.1|localhost)(?::|%3A)){old}(?!\d)", re.IGNORECASE)
        self._new = rf"\g<1>{new}"
        self._checksum = checksum
        self._attributes_md5 = attributes_md5

    def moved(self, value: Any) -> Any:
        """Return a value with the new port; dicts and lists are changed in place."""
        return value if self._same else self._moved(value)

    def _moved(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text.sub(self._new, value)
        if isinstance(value, bytes):
            return self._moved_bytes(value)
        if isinstance(value, dict):
            self._move_dict(value)
        elif isinstance(value, list):
            value[:] = [self._moved(item) for item in value]
        elif isinstance(value, tuple | set):
            return type(value)(self._moved(item) for item in value)
        elif hasattr(value, "_data"):  # ministack's dicts by account and region
            self._move_dict(value._data)
        return value

    def _moved_bytes(self, value: bytes) -> bytes:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value
        return self._text.sub(self._new, text).encode()

    def _move_dict(self, record: Record) -> None:
        before = dict(record)
        record.clear()
        record.update({self._moved(key): self._moved(item) for key, item in before.items()})
        for member in ("body", "data"):  # of an S3 object and of one of its versions
            if "etag" in record and isinstance(record.get(member), bytes) and record[member] != before[member]:
                self._sum_object(record, record[member], before[member])
        if "md5_body" in record:
            record["md5_body"] = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
            record["md5_attrs"] = self._attributes_md5(record.get("message_attributes"))

    def _sum_object(self, record: Record, body: bytes, before: bytes) -> None:
        """Give an S3 object the size and the sums of its new body; the sums of parts stay, as no body has them."""
        record["size"] = len(body)
        if record["etag"].strip('"') == hashlib.md5(before, usedforsecurity=False).hexdigest():
            record["etag"] = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        for algorithm, value in (record.get("checksums") or {}).items():
            if value == self._checksum(algorithm, before):
                record["checksums"][algorithm] = self._checksum(algorithm, body)
