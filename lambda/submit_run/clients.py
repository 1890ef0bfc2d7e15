"""Clients of AWS, each made when it is first needed: boto3 takes most of a cold start."""

from __future__ import annotations

from functools import cache
from typing import Any

_CONNECT_SECONDS = 2
_READ_SECONDS = 5


@cache
def client(service: str, attempts: int = 3) -> Any:
    """The client of a service, with time-outs and bounded retries (with back-off, also when throttled)."""
    import boto3  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415

    make: Any = boto3.client  # its type knows only names that are written out
    return make(
        service,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )
