"""What ministack's Lambda lacks of updates: an invocation that is under way ends in the process that it runs in.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

_LOOK_SECONDS = 0.2
_LONGEST_SECONDS = 900.0  # of an invocation; ministack leaves its mark on a process that could not start


class Worker(Protocol):
    """A process of a function."""

    in_use: bool
    _proc: subprocess.Popen[bytes] | None


class Workers:
    """Replaces ministack's removal of a function's processes, which ends those at work too."""

    def __init__(
        self,
        pool: dict[str, list[Worker]],
        lock: threading.Lock,
        kill: Callable[[list[Worker]], None],
        reset: Callable[[], None],
    ) -> None:
        """What ministack has.

        Args:
            pool: The processes by `account:region:function:qualifier`.
            lock: The pool's.
            kill: Ends processes.
            reset: Ends all in the pool.
        """
        self._pool = pool
        self._lock = lock
        self._kill = kill
        self._reset = reset
        self._retired: list[Worker] = []

    def invalidate(
        self, func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        """Remove a function's processes; those at work end after their invocation. Bears ministack's signature."""
        wanted = (account, region, func_name, qualifier)
        with self._lock:
            keys = [key for key in self._pool if _matches(key.split(":"), wanted)]
            found = [worker for key in keys for worker in self._pool.pop(key)]
            busy = [worker for worker in found if _is_at_work(worker)]
            self._retired += busy
        for worker in busy:
            threading.Thread(target=self._end, args=(worker,), daemon=True).start()
        self._kill([worker for worker in found if worker not in busy])

    def reset(self) -> None:
        """End all, those at work too."""
        self._reset()
        with self._lock:
            retired, self._retired = self._retired, []
        self._kill(retired)

    def _end(self, worker: Worker) -> None:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while _is_at_work(worker) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        with self._lock:
            if worker not in self._retired:
                return
            self._retired.remove(worker)
        self._kill([worker])


def _is_at_work(worker: Worker) -> bool:
    """Whether it has an invocation, or starts for one; ministack leaves the mark on one whose process died."""
    return worker.in_use and (worker._proc is None or worker._proc.poll() is None)


def _matches(key: list[str], wanted: tuple[Any, ...]) -> bool:
    return len(key) == len(wanted) and all(want in (None, part) for part, want in zip(key, wanted, strict=True))
