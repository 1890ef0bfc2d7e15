"""Shows how a backfill goes on: a bar on a terminal, a line for each run elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from batchtab.aws.backfill import ProgressReporter
from batchtab.aws.runs import Answer


@contextmanager
def progress(name: str, total: int, zone: ZoneInfo) -> Iterator[ProgressReporter]:
    """What shows the runs of a job, for as long as it is open; it writes to stderr."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        yield _Lines(console, zone)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[at]}", markup=False), console=console, transient=True) as bar:
        yield _Bar(bar, name, total, zone)


class _Lines:
    def __init__(self, console: Console, zone: ZoneInfo) -> None:
        self._console, self._zone = console, zone
        self._waited_for = ""

    def began(self, scheduled: datetime, answer: Answer) -> None:
        self._waited_for = ""
        self._line(scheduled, f"submitted as {answer.job_id}")

    def ended(self, scheduled: datetime, status: str, reason: str) -> None:
        self._line(scheduled, f"{status}  {reason}")

    def waits(self, reason: str) -> None:
        if reason != self._waited_for:  # once for each thing that is waited for
            self._console.print(f"waits: {reason}")
        self._waited_for = reason

    def _line(self, scheduled: datetime, words: str) -> None:
        self._console.print(f"{_text(scheduled, self._zone)}  {words}".rstrip())


class _Bar(_Lines):
    """The bar, with lines above it for what does not go as it should."""

    def __init__(self, bar: Progress, name: str, total: int, zone: ZoneInfo) -> None:
        super().__init__(bar.console, zone)
        self._bar = bar
        self._task = bar.add_task(name, total=total, at="")

    def began(self, scheduled: datetime, answer: Answer) -> None:
        del answer
        self._waited_for = ""
        self._bar.update(self._task, at=_text(scheduled, self._zone))

    def ended(self, scheduled: datetime, status: str, reason: str) -> None:
        self._bar.advance(self._task)
        if status != "SUCCEEDED":
            self._line(scheduled, f"{status}  {reason}")


def _text(scheduled: datetime, zone: ZoneInfo) -> str:
    return f"{scheduled.astimezone(zone):%Y-%m-%d %H:%M}"
