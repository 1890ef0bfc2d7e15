"""Functions that are invoked asynchronously wait for their turn, as in AWS; ministack fails what it throttles.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]

_LONGEST_WAIT_SECONDS = 6 * 3600  # Lambda's own, and the most that a function may set
_LOOK_SECONDS = 0.2
# In AWS a function has a thousand environments. Here each is a process, and a burst of events must leave the machine
# able to do anything else.
_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


class Invocations:
    """Replaces ministack's asynchronous invocation by one that lets few of a function run at once.

    Which invocation is asynchronous is told by a context variable: ministack runs each in a thread of its own, with a
    copy of the context in which it was asked.
    """

    def __init__(
        self, invoke_async: Callable[[Record, Any], None], execute: Callable[..., Record], at_once: int = _AT_ONCE
    ) -> None:
        self._invoke_async = invoke_async
        self._execute = execute
        self._at_once = at_once
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Semaphore] = {}
        self._waits = contextvars.ContextVar("waits", default=False)

    def invoke_async(self, func: Record, event: Any) -> None:
        """Start an invocation, which waits for its turn. Bears ministack's signature."""
        self._waits.set(True)
        try:
            self._invoke_async(func, event)
        finally:
            self._waits.set(False)

    def execute(self, func: Record, event: Any) -> Record:
        """Run a function; one that was invoked asynchronously when it is its turn. Bears ministack's signature."""
        if not self._waits.get():
            return self._execute(func, event)
        self._waits.set(False)  # ministack may call itself again, and has the turn then
        try:
            with self._turn(func):
                result = self._execute(func, event)
                deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
                while result.get("throttle") and time.monotonic() < deadline:
                    time.sleep(_LOOK_SECONDS)
                    result = self._execute(func, event)
                return result
        finally:
            self._waits.set(True)  # for the next attempt, if this one failed

    def _turn(self, func: Record) -> threading.Semaphore:
        config = func.get("config") or func
        name = str(config.get("FunctionArn") or config.get("FunctionName"))
        with self._lock:
            return self._turns.setdefault(name, threading.Semaphore(self._at_once))
