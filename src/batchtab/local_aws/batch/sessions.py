"""Ends all processes of a job: a container's end takes every process with it, in whatever process group."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_SESSION_FIELD = 3  # of /proc/<pid>/stat, counted after the program's name


def kill(session: int) -> None:
    """Sends SIGKILL to all processes of a session; where there is no /proc, to its first process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    for _ in range(20):  # one may have forked while we looked
        members = _members(session)
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not members:
            return


def _members(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields and fields[0] != "Z" and fields[_SESSION_FIELD] == str(session):
            found.append(int(path.parent.name))
    return found
