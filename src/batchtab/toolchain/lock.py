"""A lock between processes."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Lets one process at a time in; another one waits, and says so once.

    The operating system releases the lock when the process ends, however it ends, so the file may remain.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  another batchtab setup works in this project; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
