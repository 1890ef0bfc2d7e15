"""What happened to one run, in the order of time, and how each of its attempts ended.

Batch keeps when a job was submitted, when each attempt started and stopped. It keeps no time for RUNNABLE and STARTING.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.client import Aws
from batchtab.aws.run_history import moment
from batchtab.aws.run_lookup import FoundRun
from batchtab.errors import printable
from batchtab.main_container import failed_container

_CHILDREN = 100


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes:
        number: From 1 on.
        exit_code: Of the container that decided; None if it has none, or still runs.
        reason: In Batch's words.
    """

    number: int
    started: datetime | None
    stopped: datetime | None
    exit_code: int | None
    reason: str
    log_stream: str


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Child:
    """A child of an array that failed."""

    index: int
    exit_code: int | None
    reason: str


def attempts(detail: Mapping[str, Any]) -> list[Attempt]:
    """The attempts of a job of DescribeJobs, the one that runs included."""
    found = []
    for number, each in enumerate(detail.get("attempts") or (), 1):
        _, container = failed_container({**detail, "attempts": [each]})
        words = [str(each.get("statusReason") or ""), str(container.get("reason") or "")]
        found.append(
            Attempt(
                number=number,
                started=_moment(each.get("startedAt")),
                stopped=_moment(each.get("stoppedAt")),
                exit_code=container.get("exitCode"),
                reason=printable("; ".join(dict.fromkeys(filter(None, words)))),
                log_stream=str(container.get("logStreamName") or ""),
            )
        )
    if detail.get("status") == "RUNNING" and not (detail.get("arrayProperties") or {}).get("size"):
        stream = str((detail.get("container") or {}).get("logStreamName") or "")
        found.append(Attempt(len(found) + 1, _moment(detail.get("startedAt")), None, None, "", stream))
    return found


def events(run: FoundRun) -> list[Event]:
    """What is known of a run, the earliest first."""
    return sorted(_events(run), key=lambda event: event.at)


def failed_children(aws: Aws, job_id: str) -> list[Child]:
    """The children of an array that failed, at most 100, by their index; one call."""
    page = aws.client("batch").list_jobs(arrayJobId=job_id, jobStatus="FAILED", maxResults=_CHILDREN)
    found = []
    for each in page["jobSummaryList"]:
        container = each.get("container") or {}
        words = [str(each.get("statusReason") or ""), str(container.get("reason") or "")]
        index = int((each.get("arrayProperties") or {}).get("index") or 0)
        found.append(Child(index, container.get("exitCode"), printable("; ".join(dict.fromkeys(filter(None, words))))))
    return sorted(found, key=lambda child: child.index)


def _events(run: FoundRun) -> Iterator[Event]:
    detail, record = run.detail, run.record
    due = moment(run.scheduled_time) if run.scheduled_time else None
    if due is not None:
        yield Event(due, "scheduled")
    if record is not None and record.status != "submitted" and (noted := moment(record.noted_at)):
        yield Event(noted, printable(f"{record.status}: {record.reason}" if record.reason else record.status))
    if created := _moment(detail.get("createdAt")):
        yield Event(created, "submitted")
    for each in attempts(detail):
        if each.started is not None:
            yield Event(each.started, f"attempt {each.number} started")
        if each.stopped is not None:
            yield Event(each.stopped, f"attempt {each.number} ended{_end(each)}")
    started, stopped = _moment(detail.get("startedAt")), _moment(detail.get("stoppedAt"))
    if (detail.get("arrayProperties") or {}).get("size") and started is not None:
        yield Event(started, "the first child started")
    if stopped is not None and detail.get("status") in ENDED:
        yield Event(stopped, str(detail["status"]))


def _end(attempt: Attempt) -> str:
    words = [f"exit code {attempt.exit_code}" if attempt.exit_code is not None else "", attempt.reason]
    said = "; ".join(filter(None, words))
    return f": {said}" if said else ""


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
