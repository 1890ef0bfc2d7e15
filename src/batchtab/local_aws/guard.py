"""A small process that outlives local AWS by a moment: whatever way local AWS ends, it ends what local AWS started.

It reads lines from standard input (`group 123`, `done 123`, `container name`, `gone name`). The input ends when local
AWS does, be it by `kill -9`. Then it ends the process groups and containers that are still listed, every process
whose HOME or TMPDIR lies in local AWS's temporary folder, and removes that folder.

Run as a file, by itself: it imports nothing but the standard library.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path


def main(folder: str, lines: Iterable[str]) -> None:
    """Follow what local AWS starts and ends until its pipe closes, then clean up."""
    groups: set[int] = set()
    containers: set[str] = set()
    for line in lines:
        word, _, value = line.strip().partition(" ")
        if word == "group":
            groups.add(int(value))
        elif word == "done":
            groups.discard(int(value))
        elif word == "container":
            containers.add(value)
        elif word == "gone":
            containers.discard(value)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    if containers:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                ["docker", "rm", "--force", *sorted(containers)], capture_output=True, timeout=20, check=False
            )
    for _ in range(50):
        left = marked(folder)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        if not left and not Path(folder).exists():
            return
        time.sleep(0.05)


def marked(folder: str) -> list[int]:
    """Return the processes whose HOME or TMPDIR is in the folder; none where there is no /proc."""
    marks = tuple(f"{name}={folder}".encode() for name in ("HOME", "TMPDIR"))
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        pid = int(entry.parent.name)
        if pid != os.getpid() and any(variable.startswith(marks) for variable in variables):
            found.append(pid)
    return found


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
