"""Requests that an SDK sends again because it missed the answer: it gets that answer, and nothing is done twice.

AWS's answers take milliseconds. Local AWS answers while the SDK for Go may still be in the code that writes the
request, and that closes the connection on an answer that comes so early: about one new connection in a hundred. The
SDK repeats the request, and a creation would meet what it has made. All attempts of one call have the same
`Amz-Sdk-Invocation-Id`: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import re

from batchtab.local_aws.gateway import App, Message, Receive, Scope, Send, header, whole

_KEPT = 1000
_LONGEST_BYTES = 1_000_000
_AGAIN = re.compile(r"attempt=(?!1\b)\d+")


class Repeats:
    """An ASGI application around another one, which remembers the last answers to what changes something."""

    def __init__(self, inner: App) -> None:
        self._inner = inner
        self._answers: dict[tuple[str, str, str], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an ASGI application does."""
        call = header(scope, b"amz-sdk-invocation-id") if scope["type"] == "http" else ""
        if not call or scope["method"] in ("GET", "HEAD"):
            await self._inner(scope, receive, send)
            return
        key = (call, scope["method"], scope["path"])
        if key in self._answers and _AGAIN.search(header(scope, b"amz-sdk-request")):
            await whole(receive)  # what is left unread would end the connection, and this answer with it
            for message in self._answers[key]:
                await send(message)
            return
        answer: list[Message] = []

        async def sending(message: Message) -> None:
            await send(message)
            answer.append(message)

        await self._inner(scope, receive, sending)
        if answer and answer[0].get("status", 500) < 300 and _size(answer) <= _LONGEST_BYTES:
            self._answers[key] = answer
            while len(self._answers) > _KEPT:
                del self._answers[next(iter(self._answers))]

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()


def _size(answer: list[Message]) -> int:
    return sum(len(message.get("body", b"")) for message in answer)
