from __future__ import annotations

import asyncio
from typing import Any

import pytest

from batchtab.local_aws.gateway import BodyTooLongError, whole


def receiving(*parts: bytes) -> tuple[Any, list[dict[str, Any]]]:
    """Return what hands out a body in parts, and the parts that nobody has fetched yet."""
    left = [{"body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)]

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive, left


def test_a_body_is_read_to_its_end() -> None:
    receive, left = receiving(b"ab", b"c")
    assert asyncio.run(whole(receive, 3)) == b"abc"
    assert left == []


def test_a_body_that_is_too_long_is_not_read_on() -> None:
    # GIVEN a body of which the first parts are longer than the limit
    receive, left = receiving(b"ab", b"cd", b"ef")
    # WHEN it is read, THEN the rest stays where it is
    with pytest.raises(BodyTooLongError, match="longer than 3 bytes"):
        asyncio.run(whole(receive, 3))
    assert len(left) == 1
