"""A story: what happened in its order, and the cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Line:
    """Something that happened; `at` is None where no moment is known. `job_id` is that of the job it is about."""

    text: str
    at: datetime | None = None
    job_id: str = ""


@dataclass(frozen=True)
class Cause:
    """Why a run is as it is.

    Attributes:
        kind: For programs, such as `timeout`.
        text: For people: no capital, no full stop.
        fix: What a person changes; empty if there is nothing.
        do: The command that helps; empty if there is none.
    """

    kind: str
    text: str
    fix: str = ""
    do: str = ""


@dataclass(frozen=True)
class Story:
    """The story of a run, or of a time without one.

    Attributes:
        title: The run, and how it is: one line.
        lines: What happened, the earliest first.
        cause: None if nothing is wrong.
    """

    title: str
    lines: tuple[Line, ...] = ()
    cause: Cause | None = None
