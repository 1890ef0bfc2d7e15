"""State that was made on one port works on another."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from batchtab.local_aws.snapshot.port import Port


def sha256(algorithm: str, body: bytes) -> str | None:
    return base64.b64encode(hashlib.sha256(body).digest()).decode() if algorithm == "SHA256" else None


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


PORT = Port(4566, 40123, sha256, lambda attributes: f"md5 of {attributes}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://127.0.0.1:4566/1/queue", "http://127.0.0.1:40123/1/queue"),
        ("http://localhost:4566", "http://localhost:40123"),
        ("http%3A%2F%2F127.0.0.1%3A4566%2F", "http%3A%2F%2F127.0.0.1%3A40123%2F"),
        ("127.0.0.1:45660", "127.0.0.1:45660"),
        ("1.127.0.0.1:4567 and port 4566", "1.127.0.0.1:4567 and port 4566"),
        (b'{"url": "127.0.0.1:4566"}', b'{"url": "127.0.0.1:40123"}'),
        (b"PK\xff 127.0.0.1:4566", b"PK\xff 127.0.0.1:4566"),
        (("127.0.0.1:4566", 4566), ("127.0.0.1:40123", 4566)),
        ({"127.0.0.1:4566"}, {"127.0.0.1:40123"}),
        (
            {"http://127.0.0.1:4566/1/queue": ["127.0.0.1:4566"]},
            {"http://127.0.0.1:40123/1/queue": ["127.0.0.1:40123"]},
        ),
        (None, None),
    ],
)
def test_port_is_moved_where_it_is_local_awss(before: Any, after: Any) -> None:
    assert PORT.moved(before) == after


@pytest.mark.parametrize("member", ["body", "data"])
def test_object_gets_the_size_and_sums_of_its_new_body(member: str) -> None:
    # GIVEN an object of S3, or a version of one, that has a URL
    old, new = b"at 127.0.0.1:4566", b"at 127.0.0.1:40123"
    sums = {"SHA256": sha256("SHA256", old)}
    record = {member: old, "size": len(old), "etag": f'"{md5(old)}"', "checksums": sums}
    # WHEN it is moved THEN all of it fits
    expected = {"SHA256": sha256("SHA256", new)}
    assert PORT.moved(record) == {member: new, "size": len(new), "etag": f'"{md5(new)}"', "checksums": expected}


def test_object_without_a_url_and_sums_of_parts_stay() -> None:
    plain = {"body": b"text", "size": 99, "etag": "any"}
    assert PORT.moved(dict(plain)) == plain
    parts = {"body": b"127.0.0.1:4566", "size": 14, "etag": '"0-2"', "checksums": {"SHA256": "x-2"}}
    moved = PORT.moved(parts)
    assert (moved["size"], moved["etag"], moved["checksums"]) == (15, '"0-2"', {"SHA256": "x-2"})


def test_message_gets_the_sums_of_its_new_body() -> None:
    message = {"body": "at 127.0.0.1:4566", "md5_body": "old", "md5_attrs": "old", "message_attributes": {"a": "b"}}
    moved = PORT.moved(message)
    assert moved["md5_body"] == md5(b"at 127.0.0.1:40123")
    assert moved["md5_attrs"] == "md5 of {'a': 'b'}"


def test_nothing_changes_on_the_same_port() -> None:
    record = {"body": "127.0.0.1:4566", "md5_body": "as it is"}
    assert Port(4566, 4566, sha256, str).moved(record) is record
    assert record["md5_body"] == "as it is"
