"""A small process that outlives local AWS by a moment: whatever way local AWS ends, it ends what local AWS started.

It reads lines from standard input (`group 123`, `done 123`, `engine /usr/bin/podman`). The input ends when local AWS
does, be it by `kill -9`. Then it ends the process groups that are still listed, removes the engine's containers with
local AWS's label, ends every process whose HOME or TMPDIR is in local AWS's temporary folder, and removes that folder.

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

LABEL = "batchtab.local-aws"  # of a job's container; its value is the temporary folder
_CONTAINERS_SECONDS = 20  # less than local AWS waits for its guard
_LOOKS = 2  # an engine may still be about to create one for a client that has just been killed


def main(folder: str, lines: Iterable[str]) -> None:
    """Follow what local AWS starts and ends until its pipe closes, then clean up."""
    groups: set[int] = set()
    engine = ""
    for line in lines:
        word, _, value = line.strip().partition(" ")
        if word == "group":
            groups.add(int(value))
        elif word == "done":
            groups.discard(int(value))
        elif word == "engine":
            engine = value
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    if engine:  # first: what is marked may be what the engine needs to remove one
        remove_containers(engine, folder)
    for _ in range(50):
        left = marked(folder)
        _kill(left)
        shutil.rmtree(folder, ignore_errors=True)
        if not left and not Path(folder).exists():
            return
        time.sleep(0.05)


def remove_containers(engine: str, folder: str) -> None:
    """Remove the containers that bear a folder's label, until none is found any more."""
    deadline, looks = time.monotonic() + _CONTAINERS_SECONDS, 0
    while looks < _LOOKS and time.monotonic() < deadline:
        found = _said(engine, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}={folder}").split()
        if found:
            _said(engine, "rm", "--force", "--volumes", *found)
            looks = 0
        else:
            looks += 1
            time.sleep(0.1)


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_CONTAINERS_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


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
