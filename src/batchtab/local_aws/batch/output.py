from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from typing import IO

_FLUSH_SECONDS = 0.2
# How long output is still read after the process has ended, where something it left behind keeps the pipe open.
_DRAIN_SECONDS = 0.5


class Output:
    """Bytes that become lines, which are handed on a few times a second.

    Attributes:
        read: How many bytes have been read.
    """

    def __init__(self, write: Callable[[list[str]], None]) -> None:
        self.read = 0
        self._write = write
        self._rest = b""
        self._lines: list[str] = []
        self._flushed = time.monotonic()

    def follow(self, pipe: IO[bytes], ended: Callable[[], bool] = lambda: False, skip: int = 0) -> None:
        """Read a pipe to its end.

        Args:
            pipe: The pipe; closed afterwards.
            ended: Whether whoever writes it has ended, so that it is read only for a moment more.
            skip: How many bytes are known already.
        """
        drained_at = 0.0
        with selectors.DefaultSelector() as selector, pipe:
            selector.register(pipe, selectors.EVENT_READ)
            while True:
                chunk = b""
                if selector.select(timeout=_FLUSH_SECONDS):
                    chunk = os.read(pipe.fileno(), 65_536)
                    if not chunk:
                        return
                known, skip = min(skip, len(chunk)), max(0, skip - len(chunk))
                self._take(chunk[known:])
                if drained_at and time.monotonic() > drained_at:
                    return
                if not drained_at and not chunk and ended():
                    drained_at = time.monotonic() + _DRAIN_SECONDS

    def close(self) -> None:
        """Hand on what is left, be it no whole line."""
        if self._rest:
            self._lines.append(self._rest.decode(errors="replace"))
        self._rest = b""
        self._flush()

    def _take(self, chunk: bytes) -> None:
        self.read += len(chunk)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._lines += [line.decode(errors="replace").rstrip("\r") for line in whole]
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._flush()

    def _flush(self) -> None:
        self._write(self._lines)
        self._lines, self._flushed = [], time.monotonic()
