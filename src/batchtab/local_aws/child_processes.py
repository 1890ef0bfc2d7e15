from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

from batchtab.local_aws import guard


class ChildProcesses:
    """What local AWS has started and must not leave behind; kept by the guard process as well."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._lock = threading.Lock()
        self._engine = ""
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=environment,
        )

    def group_started(self, group: int) -> None:
        """Note a process group of a job."""
        self._send(f"group {group}")

    def group_ended(self, group: int) -> None:
        """Strike a process group off, before its number can be used again."""
        self._send(f"done {group}")

    def containers_of(self, program: str) -> None:
        """Note the engine whose containers are to be removed, by their label; once is enough."""
        if self._engine != program:
            self._engine = program
            self._send(f"engine {program}")

    def close(self) -> None:
        """Have the guard clean up, and wait until it has."""
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(timeout=25)

    def _send(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._guard.stdin is not None:
                self._guard.stdin.write(line + "\n")
                self._guard.stdin.flush()
