"""What ministack's Lambda lacks of updates: an invocation that is under way ends in the process that it runs in.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

_LOOK_SECONDS = 0.2


class Worker(Protocol):
    """A process of a function."""

    in_use: bool

    def kill(self) -> None:
        """Ends it."""


class Workers:
    """Replaces ministack's removal of a function's processes, which ends those at work too."""

    def __init__(
        self,
        pool: dict[str, list[Worker]],
        lock: threading.Lock,
        invalidate: Callable[..., None],
        reset: Callable[[], None],
    ) -> None:
        """What ministack has.

        Args:
            pool: The processes by `account:region:function:qualifier`.
            lock: The pool's.
            invalidate: Ends the processes of a function.
            reset: Ends all in the pool.
        """
        self._pool = pool
        self._lock = lock
        self._invalidate = invalidate
        self._reset = reset
        self._retired: list[Worker] = []

    def invalidate(
        self, func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        """Remove a function's processes; those at work end after their invocation. Bears ministack's signature."""
        wanted = (account, region, func_name, qualifier)
        with self._lock:
            for key in [key for key in self._pool if _matches(key.split(":"), wanted)]:
                busy = [worker for worker in self._pool[key] if worker.in_use]
                self._pool[key] = [worker for worker in self._pool[key] if not worker.in_use]
                self._retired += busy
                for worker in busy:
                    threading.Thread(target=self._end, args=(worker,), daemon=True).start()
        self._invalidate(func_name, qualifier=qualifier, account=account, region=region)

    def reset(self) -> None:
        """End all, those at work too."""
        self._reset()
        with self._lock:
            retired, self._retired = self._retired, []
        for worker in retired:
            worker.kill()

    def _end(self, worker: Worker) -> None:
        while worker.in_use:
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            if worker not in self._retired:
                return
            self._retired.remove(worker)
        worker.kill()


def _matches(key: list[str], wanted: tuple[Any, ...]) -> bool:
    return len(key) == len(wanted) and all(want in (None, part) for part, want in zip(key, wanted, strict=True))
