"""Requests that an SDK sends again because it missed the answer: it gets that answer, and nothing is done twice.

AWS's answers take milliseconds. Local AWS answers while the SDK for Go may still be in the code that writes the
request, and that closes the connection on an answer that comes so early: about one new connection in a hundred. The
SDK repeats the request, and a creation would meet what it has made. All attempts of one call have the same
`Amz-Sdk-Invocation-Id`: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import asyncio
import re

from batchtab.local_aws.gateway import App, Message, Receive, Scope, Send, again, header, whole

_KEPT = 1000
_LONGEST_BYTES = 1_000_000
_AGAIN = re.compile(r"attempt=(?!1\b)\d+")


class Repeats:
    """An ASGI application around another one, which remembers the last answers to what changes something."""

    def __init__(self, inner: App) -> None:
        self._inner = inner
        self._answers: dict[tuple[str, str, str], asyncio.Future[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an ASGI application does."""
        call = header(scope, b"amz-sdk-invocation-id") if scope["type"] == "http" else ""
        if not call or scope["method"] in ("GET", "HEAD"):
            await self._inner(scope, receive, send)
            return
        key = (call, scope["method"], scope["path"])
        first = self._answers.get(key) if _AGAIN.search(header(scope, b"amz-sdk-request")) else None
        if first is None:
            await self._serve(key, scope, receive, send)
            return
        body = await whole(receive)  # what is left unread would end the connection, and this answer with it
        if answer := await asyncio.shield(first):
            for message in answer:
                await send(message)
        else:
            await self._serve(key, scope, again(body, receive), send)

    async def _serve(self, key: tuple[str, str, str], scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and keep its answer if it may be wanted again: an empty one is none."""
        answer: list[Message] = []
        answered = self._answers[key] = asyncio.get_running_loop().create_future()
        while len(self._answers) > _KEPT:
            del self._answers[next(iter(self._answers))]

        async def sending(message: Message) -> None:
            await send(message)
            answer.append(message)

        try:
            await self._inner(scope, receive, sending)
        finally:
            is_kept = bool(answer) and answer[0].get("status", 500) < 300 and _size(answer) <= _LONGEST_BYTES
            answered.set_result(answer if is_kept else [])

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()


def _size(answer: list[Message]) -> int:
    return sum(len(message.get("body", b"")) for message in answer)
