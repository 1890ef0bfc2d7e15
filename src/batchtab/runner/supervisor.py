"""Watches over the command until it, and all that it started, is gone."""

from __future__ import annotations

import os
import time

from . import kernel
from .signals import STOP, name, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from resource import struct_rusage

    from .child import Child
    from .processes import Processes
    from .signals import Signals

POLL_SECONDS = 0.05
UNKILLABLE_SECONDS = 2.0


class Supervisor:
    """Forwards signals to the command, kills it when its grace is over, and leaves no process behind.

    Once the command has ended, what it left running gets SIGTERM, and has the same grace: in a container
    it would be killed at once, with the container. After a stop signal the grace counts from that signal, for the
    command and its left-overs together.
    """

    def __init__(self, child: Child, signals: Signals, processes: Processes, grace_seconds: float) -> None:
        self._child = child
        self._signals = signals
        self._processes = processes
        self._grace_seconds = grace_seconds
        self._deadline: float | None = None
        self._all_killed_at: float | None = None
        self._group_is_there = True
        self._asked_group = False
        self._asked: set[int] = set()
        self.stopped_by: str | None = None
        self.killed = False

    def run(self, helpers: Collection[int]) -> tuple[int, struct_rusage]:
        """Wait for the end.

        Args:
            helpers: ids of children of the runner that are no left-overs of the command.

        Returns:
            The command's wait status and resource usage.
        """
        while True:
            others = self._processes.reap()
            ended = self._processes.ended(self._child.pid)
            if ended is not None and self._is_clear(others, helpers):
                return ended
            for number in self._signals.wait(self._pause(ended is not None)):
                if number != signal.SIGCHLD:
                    self._forward(number)
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self._kill(helpers)

    def _send_group(self, number: int) -> None:
        """Send to the command's group, and never again once it is gone: its id may be another's by then."""
        if self._group_is_there and not self._child.send(number) and self._processes.ended(self._child.pid) is not None:
            self._group_is_there = False

    def _forward(self, number: int) -> None:
        self._send_group(number)
        if number in STOP:
            self._asked_group = True
            if self._deadline is None:
                self.stopped_by = name(number)
                self._deadline = time.monotonic() + self._grace_seconds

    def _pause(self, ended: bool) -> float | None:
        if ended:
            return POLL_SECONDS
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic()) or POLL_SECONDS

    def _is_clear(self, others: bool, helpers: Collection[int]) -> bool:
        """Whether nothing of the command is left; sends SIGTERM to what is left."""
        self._send_group(0)
        orphans = [pid for pid in kernel.children() if pid not in helpers] if others else []
        if not self._group_is_there and not orphans:
            return True
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace_seconds
        if self._all_killed_at is not None and time.monotonic() > self._all_killed_at + UNKILLABLE_SECONDS:
            return True  # in the kernel's hands: an uninterruptible wait, or another user's process
        if not self._asked_group:
            self._asked_group = True
            self._send_group(signal.SIGTERM)
        for pid in orphans:
            if pid not in self._asked:
                self._asked.add(pid)
                if _group(pid) != self._child.pid:
                    _send(pid, signal.SIGTERM)
        return False

    def _kill(self, helpers: Collection[int]) -> None:
        self._send_group(signal.SIGKILL)
        if self._processes.ended(self._child.pid) is None:
            self.killed = True
        else:
            if self._all_killed_at is None:
                self._all_killed_at = time.monotonic()
            for pid in kernel.children():
                if pid not in helpers:
                    _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    try:  # noqa: SIM105 contextlib costs a millisecond
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
