"""What the function reaches outside of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .job_event import JobEvent
from .lateness import LastStart, last_start
from .message import Message
from .runs import Runs
from .table import Table


class Dependencies(NamedTuple):
    """Slack, AWS and the clock, as functions and tables; what is not there is None."""

    deliver: Callable[[Message], None]
    tail: Callable[[JobEvent, int], tuple[list[str], str]]
    gave_way: Callable[[JobEvent], bool]
    keep: Callable[[str], None]
    now: Callable[[], int]
    sleep: Callable[[float], None]
    remaining_seconds: Callable[[], float]
    table: Table | None = None
    runs: Runs | None = None
    last_start: LastStart = last_start
