"""What the function reaches outside of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import array_children
from .job_event import JobEvent
from .lateness import LastStart
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
    last_start: LastStart
    table: Table | None = None
    runs: Runs | None = None
    children: Callable[[JobEvent], list[JobEvent]] = array_children.failed
