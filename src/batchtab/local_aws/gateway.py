"""Applies the faults that somebody asked for to requests on their way to ministack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from batchtab.local_aws.faults import LONGEST_SECONDS, Fault, Faults

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOOK_SECONDS = 0.05
_CODE = "ServiceUnavailableException"
_XML = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")


class FaultyGateway:
    """An ASGI application around another one: requests that meet a fault suffer it."""

    def __init__(self, inner: App, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an ASGI application does."""
        service = _signed_for(scope) if scope["type"] == "http" and self._faults.any else None
        if service is None:
            await self._inner(scope, receive, send)
            return
        body = await whole(receive)
        fault = self._faults.met_by(service, _operation(scope, body))
        if fault is None:
            await self._inner(scope, again(body, receive), send)
        elif fault.kind == "refuse":
            await _refuse(scope, send, service)
        elif fault.kind == "hang":
            if await _delay(fault, LONGEST_SECONDS, receive):
                await _refuse(scope, send, service)
        elif fault.kind == "hold_seconds":
            # A client that goes away meanwhile has sent the service nothing.
            if await _delay(fault, fault.value, receive):
                await self._inner(scope, again(body, receive), send)
        else:
            await self._answer_late(fault, scope, body, receive, send)

    async def _answer_late(self, fault: Fault, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._inner(scope, again(body, receive), keep)
        if await _delay(fault, fault.value, receive):
            for message in answer:
                await send(message)


def header(scope: Scope, wanted: bytes) -> str:
    """Return a request's header; empty if it has none of that name."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted), "")


def _signed_for(scope: Scope) -> str | None:
    found = _SIGNED_FOR.search(header(scope, b"authorization"))
    return found[1] if found else None


def _operation(scope: Scope, body: bytes) -> str:
    """Return an operation's name if the request has it: by header, by `Action`, or as Batch, by its path."""
    if target := header(scope, b"x-amz-target"):
        return target.rpartition(".")[2]
    if found := re.match(rb"(?:.*&)?Action=(\w+)", body[:10_000]):
        return found[1].decode()
    return str(scope["path"]).rstrip("/").rpartition("/")[2]


class BodyTooLongError(Exception):
    """A request's body is longer than what it may be."""


async def whole(receive: Receive, longest: int | None = None) -> bytes:
    """Read a request's body to its end.

    Raises:
        BodyTooLongError: It is longer than `longest` bytes; the rest is not read.
    """
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if longest is not None and len(body) > longest:
            raise BodyTooLongError(f"the body is longer than {longest} bytes")
    return body


def again(body: bytes, receive: Receive) -> Receive:
    """Return what hands a body out that has been read already."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _delay(fault: Fault, seconds: float, receive: Receive) -> bool:
    """Wait until the time or the fault is over; returns whether the client is still there."""
    deadline = time.monotonic() + seconds
    gone = asyncio.ensure_future(receive())  # the body was read: only the end of the connection can come
    fault.delayed += 1
    try:
        while time.monotonic() < deadline and not fault.over:
            await asyncio.wait({gone}, timeout=_LOOK_SECONDS)
            if gone.done():
                return False
        return True
    finally:
        fault.delayed -= 1
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


async def _refuse(scope: Scope, send: Send, service: str) -> None:
    message = f"{service} is away: a fault was asked for"
    if service == "s3" or header(scope, b"content-type").startswith("application/x-www-form-urlencoded"):
        kind, text = "text/xml", _XML.format(_CODE, message)
    else:
        kind, text = "application/json", json.dumps({"__type": _CODE, "message": message})
    await respond(send, 503, text.encode(), kind, (b"x-amzn-errortype", _CODE.encode()))


async def respond(
    send: Send, status: int, body: bytes, kind: str = "application/json", *more: tuple[bytes, bytes], head: bool = False
) -> None:
    """Send a whole answer.

    Args:
        send: Of the request.
        status: HTTP's.
        body: The content.
        kind: Its Content-Type.
        more: Further headers.
        head: Whether only the headers were asked for.
    """
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
