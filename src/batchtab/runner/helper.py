"""A task in a process of its own, with a hard end."""

from __future__ import annotations

import os
import time

from .signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .processes import Processes
    from .signals import Signals


class Helper:
    """Runs a function in a forked process and takes its answer, one string.

    boto3 and urllib take 20 to 50 MB and cannot be interrupted while they resolve a name. Here they are gone when the
    task is done, and killed when its time is over; the runner stays small for as long as the command runs.
    """

    def __init__(self, task: Callable[[], str], seconds: float, signals: Signals, processes: Processes) -> None:
        self.seconds = seconds
        self._processes = processes
        self._deadline = time.monotonic() + seconds
        self._read, write = os.pipe()
        mask = signals.block()
        self.pid = os.fork()
        if self.pid == 0:
            _perform(task, seconds, write, signals, mask)
        os.close(write)
        processes.watch(self.pid)
        signals.restore(mask)

    def remaining(self) -> float:
        """Seconds until its time is over."""
        return max(0.0, self._deadline - time.monotonic())

    def done(self) -> bool:
        """Whether it has ended; ends it if its time is over."""
        if self._processes.ended(self.pid) is None and self.remaining() == 0:
            self.kill()
        return self._processes.ended(self.pid) is not None

    def kill(self) -> None:
        """End it now."""
        if self._processes.ended(self.pid) is None:
            os.kill(self.pid, signal.SIGKILL)

    def answer(self) -> str | None:
        """What the function returned, once `done`; None if it was killed."""
        with os.fdopen(self._read, "rb") as pipe:
            text = pipe.read().decode("utf-8", "replace")
        return text or None


def _perform(task: Callable[[], str], seconds: float, write: int, signals: Signals, mask: set[int]) -> None:
    """In the new process: run the task, answer, and be gone."""
    signals.forget()
    for number in signals.handled:  # the runner decides what a signal to the whole group means for its helpers
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(int(seconds) + 2)  # should the runner be killed meanwhile
    signals.restore(mask)
    try:
        text = task()
    except BaseException as error:  # nothing may escape into the runner's own frames
        text = f"failed\t{describe(error)}"
    try:
        os.write(write, text.encode("utf-8", "replace")[:4000])
    finally:
        os._exit(0)


def describe(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
