"""Requests with a client token, which SDKs fill in: one that is sent again gets the answer that it missed.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_TOKEN = re.compile(rb'"ClientToken"\s*:|(?:^|&)ClientToken=')
_KEPT = 1000


class ClientTokens:
    """The answers to the last requests that had a token; an SDK sends the same bytes again."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str, str, bytes], Response] = {}

    def serving(self, original: Handler) -> Handler:
        """Return what serves a service's requests, each with a token once."""

        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            if not body or not _TOKEN.search(body):
                return await original(method, path, headers, body, query)
            key = (get_account_id(), get_region(), method, path, body)
            if key not in self._answers:
                answer = await original(method, path, headers, body, query)
                if answer[0] >= 300:
                    return answer
                self._answers[key] = answer
                while len(self._answers) > _KEPT:
                    del self._answers[next(iter(self._answers))]
            status, answered, content = self._answers[key]
            return status, dict(answered), content

        return handle_request

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()
