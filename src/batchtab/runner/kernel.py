"""What only the Linux kernel can do for the runner, where Python has no function for it."""

from __future__ import annotations

import os
import sys

from .signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> Callable[[], object] | None:
    """Become the parent of every orphan among the descendants, so that none can outlive the run.

    Process 1 of a container is that already. Elsewhere, and best effort: it takes Linux and ctypes.

    Returns:
        What the command's process calls before it becomes the command, to be killed if the runner is.
    """
    if os.getpid() == 1 or sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415 costs three milliseconds, and process 1 does without

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    word = ctypes.c_ulong
    prctl(PR_SET_CHILD_SUBREAPER, word(1), word(0), word(0), word(0))
    die_with_parent = (PR_SET_PDEATHSIG, word(signal.SIGKILL), word(0), word(0), word(0))
    return lambda: prctl(*die_with_parent)


def children() -> list[int]:
    """The ids of this process's living children, adopted ones included; none where /proc does not list them."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123 pathlib costs 5 ms
            return [int(word) for word in file.read().split()]
    except OSError:
        return [child for child in _processes() if _parent(child) == pid]


def original_environment() -> dict[bytes, bytes]:
    """The environment as it was before Python started.

    In the C locale Python adds LC_CTYPE to its own (PEP 538); the command must not get a variable that was not set.
    """
    environment = dict(os.environb)
    if environment.get(b"LC_CTYPE") in (b"C.UTF-8", b"C.utf8", b"UTF-8"):
        try:
            with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 pathlib costs 5 ms
                if not any(entry.startswith(b"LC_CTYPE=") for entry in file.read().split(b"\0")):
                    del environment[b"LC_CTYPE"]
        except OSError:
            pass
    return environment


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 pathlib costs 5 ms
    except OSError:
        return []


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 pathlib costs 5 ms
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return -1
