from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

from batchtab.local_aws.batch.errors import ClientError

T = TypeVar("T")
PAGE_SIZE = 100


def page(items: Iterable[T], request: dict[str, Any]) -> tuple[list[T], dict[str, str]]:
    """Return a page of items, at most 100, and the answer's `nextToken` if more follow; no later item is looked at.

    Raises:
        ClientError: The token is not one of ours.
    """
    start = _decode(request["nextToken"]) if request.get("nextToken") else 0
    asked = request.get("maxResults")
    size = min(asked, PAGE_SIZE) if asked is not None and asked > 0 else PAGE_SIZE
    following = start + size
    shown = list(islice(items, start, following + 1))
    token = {"nextToken": _encode(following)} if len(shown) > size else {}
    return shown[:size], token


def _encode(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _decode(token: str) -> int:
    try:
        kind, _, offset = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "offset":
            return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ClientError("nextToken: not a token that this call returned")
