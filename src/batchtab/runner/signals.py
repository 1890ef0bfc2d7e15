"""Signals as a queue that can also be waited on for a time."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signal  # noqa: PLC0414 for the other modules here
    from collections.abc import Collection
else:
    try:
        # The half of `signal` that is written in C. The other half makes enums of the numbers, for five milliseconds:
        # half of what the runner would cost a job.
        import _signal as signal
    except ImportError:
        import signal

_ALIASES = ("SIGCLD", "SIGIOT", "SIGPOLL", "SIGRTMIN", "SIGRTMAX")

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = (*STOP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT)


def name(number: int) -> str:
    """The signal's name, such as SIGTERM."""
    for word, value in vars(signal).items():
        if value == number and word.startswith("SIG") and "_" not in word and word not in _ALIASES:
            return word
    return f"signal {number}"  # a real-time signal


class Signals:
    """Collects the signals that are forwarded, and SIGCHLD.

    A signal that was ignored when the runner was started (nohup, a shell's background job) stays ignored, here and in
    the command. Every signal gets a handler, since the kernel drops one without a handler when it is for process 1.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)
        self.handled: tuple[int, ...] = tuple(
            number for number in FORWARDED if signal.getsignal(number) != signal.SIG_IGN
        )
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*self.handled, signal.SIGCHLD):
            signal.signal(number, _noted)

    def wait(self, seconds: float | None) -> Collection[int]:
        """Return the signals that have come, waiting for one up to some seconds; None waits forever."""
        self._poll.poll(None if seconds is None else max(0, int(seconds * 1000) + 1))
        try:
            return os.read(self._read, 4096)
        except BlockingIOError:
            return b""

    def block(self) -> set[int]:
        """Block all of them, for a fork; returns the mask to give to `restore`."""
        return signal.pthread_sigmask(signal.SIG_BLOCK, (*self.handled, signal.SIGCHLD))

    @staticmethod
    def restore(mask: set[int]) -> None:
        """Let through what the mask did."""
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def forget(self) -> None:
        """In a forked process: give every signal its default again, the two that Python ignores among them."""
        signal.set_wakeup_fd(-1)
        for number in (*self.handled, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)


def _noted(_number: int, _frame: object) -> None:
    """Nothing: the wakeup descriptor has the number already."""
