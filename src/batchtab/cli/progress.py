"""Shows that a long step goes on: a line that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console
from rich.status import Status

_QUIET_SECONDS = 10.0


class Step(AbstractContextManager["Step"]):
    """A step with a name: says when it begins, what it is at, and how long it took. All of it goes to stderr."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._status: Status | None = None
        self._began = self._said = time.monotonic()
        self.result = ""

    def __enter__(self) -> Step:
        self._began = self._said = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(self._name)
            self._status.start()
        else:
            self._console.print(f"{self._name} …")
        return self

    def at(self, what: str) -> None:
        """Says what the step is at."""
        now = time.monotonic()
        if self._status:
            self._status.update(f"{self._name}: {what} ({now - self._began:.0f} s)")
        elif now - self._said >= _QUIET_SECONDS:
            self._said = now
            self._console.print(f"  {now - self._began:.0f} s: {what}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()
        if kind is None:
            took = time.monotonic() - self._began
            result = self.result or "done"
            self._console.print(f"{self._name}: {result}" + (f" ({took:.0f} s)" if took >= 1 else ""))
