"""What ministack's Lambda lacks of asynchronous invocations: they wait for their turn, and keep their request id.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import contextvars
import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]

RETRY_SECONDS = 60.0  # AWS's: a minute before the second attempt, two before the third
LONGEST_RETRY_SECONDS = 600.0
_LONGEST_WAIT_SECONDS = 6 * 3600  # Lambda's own, and the most that a function may set
_LOOK_SECONDS = 0.2
# How long (real seconds) a walk through time waits for an attempt, from when it was asked for.
_YOUNG_SECONDS = 5.0
# In AWS a function has a thousand environments. Here each is a process, and a burst of events must leave the machine
# able to do anything else.
_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


class Invocations:
    """Replaces ministack's asynchronous invocation by one that lets few of a function run at once. A clock's source.

    Which invocation is asynchronous is in a context variable, its request id: ministack runs each in a thread of
    its own, with a copy of the context in which it was asked.
    """

    def __init__(
        self,
        invoke_async: Callable[[Record, Any], None],
        execute: Callable[..., Record],
        set_retry_seconds: Callable[[float], None],
        at_once: int = _AT_ONCE,
    ) -> None:
        self._invoke_async = invoke_async
        self._execute = execute
        self._set_retry_seconds = set_retry_seconds
        self._at_once = at_once
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Semaphore] = {}
        self._asked: dict[str, float] = {}
        self._threads: dict[str, threading.Thread | None] = {}
        self._waits = contextvars.ContextVar("waits", default=False)
        self._request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)
        self.retry_seconds = RETRY_SECONDS

    @property
    def retry_seconds(self) -> float:
        """Real seconds before an invocation that failed is tried again; twice as many before the last attempt."""
        return self._retry_seconds

    @retry_seconds.setter
    def retry_seconds(self, seconds: float) -> None:
        self._retry_seconds = seconds
        self._set_retry_seconds(seconds)

    def invoke_async(self, func: Record, event: Any) -> None:
        """Start an invocation, which waits for its turn. Bears ministack's signature."""
        request_id = str(uuid.uuid4())
        waits, own = self._waits.set(True), self._request_id.set(request_id)
        with self._lock:
            self._asked[request_id] = time.monotonic()
            self._threads[request_id] = None  # until it runs
        try:
            self._invoke_async(func, event)
        finally:
            self._waits.reset(waits)
            self._request_id.reset(own)

    def execute(self, func: Record, event: Any) -> Record:
        """Run a function; one that was invoked asynchronously when it is its turn. Bears ministack's signature."""
        if not self._waits.get():
            return self._execute(func, event)
        self._waits.set(False)  # ministack may call itself again, and has the turn then
        request_id = self._request_id.get() or ""
        with self._lock:
            self._asked[request_id] = time.monotonic()
            self._threads[request_id] = threading.current_thread()
        try:
            with self._turn(func):
                result = self._execute(func, event)
                deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
                while result.get("throttle") and time.monotonic() < deadline:
                    time.sleep(_LOOK_SECONDS)
                    result = self._execute(func, event)
                return result
        finally:
            with self._lock:
                self._asked.pop(request_id, None)
            self._waits.set(True)  # for the next attempt, if this one failed

    def request_id(self, made: str) -> str:
        """Return the id of the invocation that is under way in this context; `made` if it is none of ours."""
        return self._request_id.get() or made

    def next_moment(self) -> float | None:
        """Nothing is due at a moment of the clock: Lambda lives in real time."""
        return None

    def run_due(self, _now: float) -> None:
        """Nothing is due."""

    def unsettled(self) -> bool:
        """Whether an attempt is under way that was asked for a moment ago; one that waits to be retried is not."""
        with self._lock:
            since = time.monotonic() - _YOUNG_SECONDS
            self._asked = {request_id: asked for request_id, asked in self._asked.items() if asked > since}
            return bool(self._asked)

    def under_way(self) -> int:
        """Return how many invocations run, wait for their turn or wait to be tried again."""
        with self._lock:
            self._threads = {
                key: thread for key, thread in self._threads.items() if thread is None or thread.is_alive()
            }
            return len(self._threads)

    def _turn(self, func: Record) -> threading.Semaphore:
        config = func.get("config") or func
        name = str(config.get("FunctionArn") or config.get("FunctionName"))
        with self._lock:
            return self._turns.setdefault(name, threading.Semaphore(self._at_once))


def dead_letter(event: Any, result: Record, request_id: str) -> tuple[str, dict[str, str]]:
    """Return the body and the attributes of what Lambda puts into a function's dead-letter queue: the event itself.

    A destination gets a record of the invocation in its place.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
    """
    body = result.get("body")
    message = str(body.get("errorMessage", "")) if isinstance(body, dict) else ""
    code = "200"  # of Lambda's own part, which went well
    return json.dumps(event), {"RequestID": request_id, "ErrorCode": code, "ErrorMessage": message[:1024]}
