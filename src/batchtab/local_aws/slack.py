from __future__ import annotations

import threading
from typing import Any

from batchtab.local_aws.clock import Clock, iso

_KEPT = 500


class SlackInbox:
    """What would have reached Slack, newest last; the oldest go when there are more than 500."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._messages: list[dict[str, Any]] = []

    def add(self, message: dict[str, Any]) -> None:
        """Keep a message as it would have been posted."""
        with self._lock:
            self._messages.append({"received_at": iso(self._clock.now()), "message": message})
            del self._messages[:-_KEPT]

    def all(self) -> list[dict[str, Any]]:
        """Return the messages in the order in which they came."""
        with self._lock:
            return list(self._messages)

    def restore(self, messages: list[dict[str, Any]]) -> None:
        """Put the messages of a snapshot in."""
        with self._lock:
            self._messages[:] = messages

    def clear(self) -> None:
        """Forget all messages."""
        with self._lock:
            self._messages.clear()
