"""Posts messages to a webhook whose address is a secret: read when needed, kept in memory, never shown."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from shared.clients import client, errors

from .. import blocks
from ..failures import DeliveryFailed
from ..message import Message
from ..settings import Settings

_TIMEOUT_SECONDS = 10
_TRIES = 3
_RETRY_AFTER_DEFAULT_SECONDS = 1.0
_RESERVE_SECONDS = 2 * _TIMEOUT_SECONDS  # left for the post itself and what follows it
_KEPT_SECONDS = 300
_REVOKED = (401, 403, 404, 410)

_addresses: dict[str, tuple[str, float]] = {}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A webhook does not move; a secret must not be sent elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuses."""


def send(message: Message, settings: Settings, remaining_seconds: Callable[[], float]) -> None:
    """Sends a message as blocks."""
    payload = blocks.render(message, settings)
    post(payload, secret_arn=settings.webhook_secret_arn, remaining_seconds=remaining_seconds)


def post(
    message: dict[str, Any],
    *,
    secret_arn: str,
    remaining_seconds: Callable[[], float],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Posts the message; waits as long as Slack asks to (429), as far as this function's time allows.

    Raises:
        DeliveryFailed: the secret was not read, or the message refused or not taken in time.
    """
    address = _address(secret_arn)
    body = json.dumps(message, ensure_ascii=False).encode()
    for attempt in range(1, _TRIES + 1):
        status, retry_after, said = _post(address, body)
        if 200 <= status < 300:
            return
        if status in _REVOKED:
            _addresses.pop(secret_arn, None)  # it may have been changed
        wait = retry_after if status == 429 else None
        if wait is None or attempt == _TRIES or wait + _RESERVE_SECONDS > remaining_seconds():
            raise DeliveryFailed(f"the webhook of {secret_arn} answered {status or 'nothing'}: {said}")
        sleep(wait)


def _post(address: str, body: bytes) -> tuple[int, float, str]:
    """Status, seconds to wait, and what was said; status 0 where nobody answered. The address is in none of it."""
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return answer.status, 0, ""
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(200).decode("utf-8", "replace")
            return error.code, _retry_after(error.headers.get("Retry-After")), said.replace(address, "***")
    except (OSError, ValueError) as error:
        return 0, 0, type(getattr(error, "reason", error)).__name__


def _retry_after(header: str | None) -> float:
    try:
        return max(0.0, float(header or _RETRY_AFTER_DEFAULT_SECONDS))
    except ValueError:
        return _RETRY_AFTER_DEFAULT_SECONDS


def _address(secret_arn: str) -> str:
    known = _addresses.get(secret_arn)
    if known and time.monotonic() - known[1] < _KEPT_SECONDS:
        return known[0]
    try:
        address = _read(secret_arn).strip()
    except errors() as error:
        raise DeliveryFailed(f"{secret_arn} could not be read: {error}") from error
    # Plain HTTP is for local AWS on the same machine.
    if not address.startswith(("https://", "http://127.0.0.1:")) or len(address.split()) != 1:
        raise DeliveryFailed(f"{secret_arn} does not contain the address of a webhook")
    _addresses[secret_arn] = (address, time.monotonic())
    return address


def _read(secret_arn: str) -> str:
    options: dict[str, Any] = {"connect_seconds": 3, "read_seconds": 5, "attempts": 3}
    parts = secret_arn.split(":")
    if parts[2] == "ssm":
        name = parts[5].removeprefix("parameter")
        name = name if name.count("/") > 1 else name.removeprefix("/")
        answer = client("ssm", region=parts[3], **options).get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])
    answer = client("secretsmanager", region=parts[3], **options).get_secret_value(SecretId=secret_arn)
    return str(answer.get("SecretString", ""))
