from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from batchtab.local_aws.batch import sessions
from batchtab.local_aws.batch.output import Output
from batchtab.local_aws.batch.run import StartError
from batchtab.local_aws.child_processes import ChildProcesses


class ProcessRun:
    """A job as a process of this machine, in a session of its own."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str], child_processes: ChildProcesses
    ) -> None:
        self.exit_code: int | None = None
        self.reason = ""
        self._command = command
        self._folder = folder
        self._environment = environment
        self._child_processes = child_processes
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process.

        Raises:
            StartError: There is no such program, for example.
        """
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise StartError(f"CannotStartContainerError: {error}") from error
        self._child_processes.group_started(self._process.pid)

    def follow(self, write: Callable[[list[str]], None]) -> None:
        """Read what it writes until it ends; what it leaves in its group ends with it."""
        process = self._process
        if process is None or process.stdout is None:  # pragma: no cover - it was started, and is always piped
            return

        def ended() -> bool:
            if process.poll() is None:
                return False
            self._signal(signal.SIGKILL)
            return True

        output = Output(write)
        output.follow(process.stdout, ended)
        output.close()
        process.wait()

    def stop(self) -> None:
        """Send SIGTERM to its process group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to its whole session."""
        if self._process is not None and self._process.returncode is None:
            sessions.kill(self._process.pid)

    def close(self) -> None:
        """End what is left of its session: when a container's first process ends, all its processes do."""
        if self._process is None:
            return
        sessions.kill(self._process.pid)
        code = self._process.wait()
        self._child_processes.group_ended(self._process.pid)
        self.exit_code = code if code >= 0 else 128 - code

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # Once it is reaped its number may be another's; the group lives on only while it has members.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
