"""The original: hands messages to the function that sends them to Slack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared.clients import client, errors

from .. import attachment
from ..failures import DeliveryFailed
from ..message import Message
from ..settings import Settings

_CONNECT_SECONDS = 3
_READ_SECONDS = 15
_ATTEMPTS = 2  # with both time-outs twice still within this function's own time
_ERROR_MAX = 500


def send(message: Message, settings: Settings, _remaining_seconds: Callable[[], float]) -> None:
    """Sends a message in the original's form."""
    payload = attachment.render(message, settings)
    invoke(payload, function_name=settings.function_name, region=settings.function_region)


def invoke(message: dict[str, Any], *, function_name: str, region: str) -> None:
    """Invokes the function and waits for its answer.

    Raises:
        DeliveryFailed: the function raised, or was not reached, throttled or timed out.
    """
    try:
        made = client(
            "lambda", region=region, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS, attempts=_ATTEMPTS
        )
        answer = made.invoke(
            FunctionName=function_name,
            InvocationType="RequestResponse",
            Payload=json.dumps(message, ensure_ascii=False).encode(),
        )
        body = answer["Payload"].read()
    except errors() as error:
        raise DeliveryFailed(f"{function_name} in {region} was not reached: {error}") from error
    if answer.get("FunctionError"):
        said = body.decode("utf-8", "replace")[:_ERROR_MAX]
        raise DeliveryFailed(f"{function_name} in {region} failed ({answer['FunctionError']}): {said}")
