"""Hands messages to the function that sends them to Slack."""

from __future__ import annotations

import json
from typing import Any

_CONNECT_TIMEOUT_SECONDS = 3
_READ_TIMEOUT_SECONDS = 15
_ATTEMPTS = 2  # with both time-outs twice still within this function's own time
_ERROR_MAX = 500

_clients: dict[str, Any] = {}


class DeliveryFailed(Exception):  # noqa: N818 - it is what happened
    """The message did not arrive; Lambda tries the event again and then keeps it in the dead-letter queue."""


def _client(region: str) -> Any:
    """The client of a region, made once; boto3 takes most of a cold start, hence not before it is needed."""
    if region not in _clients:
        import boto3  # noqa: PLC0415 - see above
        from botocore.config import Config  # noqa: PLC0415

        _clients[region] = boto3.client(
            "lambda",
            region_name=region,
            config=Config(
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                read_timeout=_READ_TIMEOUT_SECONDS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            ),
        )
    return _clients[region]


def send(message: dict[str, Any], *, function_name: str, region: str) -> None:
    """Invokes the function and waits for its answer.

    Raises:
        DeliveryFailed: the function raised, or was not reached, throttled or timed out.
    """
    import botocore.exceptions  # noqa: PLC0415 - see above

    payload = json.dumps(message, ensure_ascii=False).encode()
    try:
        answer = _client(region).invoke(FunctionName=function_name, InvocationType="RequestResponse", Payload=payload)
        body = answer["Payload"].read()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise DeliveryFailed(f"{function_name} in {region} was not reached: {error}") from error
    if answer.get("FunctionError"):
        said = body.decode("utf-8", "replace")[:_ERROR_MAX]
        raise DeliveryFailed(f"{function_name} in {region} failed ({answer['FunctionError']}): {said}")
