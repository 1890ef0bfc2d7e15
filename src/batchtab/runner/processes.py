"""Every child of the runner: the command, its orphans, and the runner's own helpers."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resource import struct_rusage


class Processes:
    """Reaps all children, and records how the watched ones ended."""

    def __init__(self) -> None:
        self._watched: set[int] = set()
        self._ended: dict[int, tuple[int, struct_rusage]] = {}

    def watch(self, pid: int) -> None:
        """Record how this child will end. Call it before the next `reap`."""
        self._watched.add(pid)

    def reap(self) -> bool:
        """Reap every child that has ended; whether any other is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid in self._watched:
                self._ended[pid] = (status, usage)

    def ended(self, pid: int) -> tuple[int, struct_rusage] | None:
        """How a watched child ended, as wait status and resource usage; None while it runs."""
        return self._ended.get(pid)
