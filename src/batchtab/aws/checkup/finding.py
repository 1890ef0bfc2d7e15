"""Finding: one line of what `batchtab doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: Works today, or could not be checked.
    WARN = "warn"
    #: A deployment or a job fails because of it.
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found of one thing.

    Attributes:
        status: How bad it is.
        check: The check, such as `roles`.
        subject: What was looked at, such as `role batchtab-prod-trigger`.
        problem: What is wrong with it; empty if nothing is.
        fix: The command that fixes it, or where to change what; it is printed, never run.
    """

    status: Status
    check: str
    subject: str
    problem: str = ""
    fix: str = ""


def warn(check: str, subject: str, problem: str, fix: str = "") -> Finding:
    """Something that works today and may not tomorrow."""
    return Finding(Status.WARN, check, subject, problem, fix)


def fail(check: str, subject: str, problem: str, fix: str = "") -> Finding:
    """Something that does not work."""
    return Finding(Status.FAIL, check, subject, problem, fix)
