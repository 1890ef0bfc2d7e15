"""Clients of AWS, each made when it is first needed: boto3 takes most of a cold start."""

from __future__ import annotations

from typing import Any

_clients: dict[tuple[str, str, int], Any] = {}


def client(
    service: str, *, region: str = "", connect_seconds: float = 2, read_seconds: float = 5, attempts: int = 3
) -> Any:
    """The client of a service, with time-outs and bounded retries (with back-off, also when throttled)."""
    key = (service, region, attempts)
    if key not in _clients:
        import boto3  # noqa: PLC0415 - see above
        from botocore.config import Config  # noqa: PLC0415

        make: Any = boto3.client  # its type knows only names that are written out
        _clients[key] = make(
            service,
            region_name=region or None,
            config=Config(
                connect_timeout=connect_seconds,
                read_timeout=read_seconds,
                retries={"mode": "standard", "total_max_attempts": attempts},
            ),
        )
    return _clients[key]


def errors() -> tuple[type[Exception], ...]:
    """What a client raises."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    return (BotoCoreError, ClientError)
