"""A run on one page: what happened to it and when, its attempts, its array's children, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws.batch_jobs import ENDED, counted
from batchtab.aws.client import Aws
from batchtab.aws.job_resources import job_resources
from batchtab.aws.queue_snapshot import QueueSnapshot, snapshot
from batchtab.aws.retry_history import RetryHistory
from batchtab.aws.run_events import Attempt, Child, Event, attempts, events, failed_children
from batchtab.aws.run_history import FORGOTTEN
from batchtab.aws.run_lookup import FoundRun
from batchtab.cli.jobs.short_times import span
from batchtab.cli.page import Section, print_page, table_lines
from batchtab.errors import printable
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_CHILDREN = 10


@dataclass(frozen=True)
class RunPage:
    """All that is said of a run.

    Attributes:
        failed: Its children that failed, at most 100.
        history: What came of it if it failed.
        place: In its queue, of one that is RUNNABLE; None if it has none or nobody knows.
    """

    session: Session
    run: FoundRun
    events: Sequence[Event]
    attempts: Sequence[Attempt]
    failed: Sequence[Child] = ()
    place: int | None = None
    history: RetryHistory = field(default_factory=RetryHistory)

    @classmethod
    def of(cls, session: Session, aws: Aws, run: FoundRun) -> RunPage:
        """Of an array ListJobs, of a job that waits GetJobQueueSnapshot, of one that failed those of its retries."""
        children = (run.detail.get("arrayProperties") or {}).get("statusSummary") or {}
        front = QueueSnapshot()
        if run.detail.get("status") in ("RUNNABLE", "PENDING"):
            front = snapshot(aws, str(run.detail["jobQueue"]))
        failed = failed_children(aws, run.job_id) if children.get("FAILED") else []
        history = RetryHistory.of(aws, session.catalog.stage.prefix, run.detail)
        return cls(session, run, events(run), attempts(run.detail), failed, front.place(run.job_id), history)

    @property
    def may_be_retried(self) -> bool:
        """Whether it failed, and no retry has succeeded or is under way."""
        retries = self.history.retries
        is_open = bool(retries) and retries[-1]["status"] not in ENDED
        return self.run.detail.get("status") == "FAILED" and not (self.history.is_done or is_open)

    def print(self) -> None:
        """As text."""
        detail, run = self.run.detail, self.run
        sections: list[Section] = [
            *self.sections(),
            ("log", f"batchtab logs {run.job_id}{self._stage()}" if run.job_id and detail else ""),
            ("retry", f"batchtab retry {run.job_id}{self._stage()}" if self.may_be_retried else ""),
        ]
        stage = self.session.catalog.stage.name
        print_page(f"{run.name}  stage {stage}, times of {self._zone()}", sections)

    def sections(self) -> list[Section]:
        """All but what helps; a label without a line is not shown."""
        detail, run = self.run.detail, self.run
        asks = job_resources(detail)
        return [
            ("status", self._status()),
            ("reason", run.submitted.reason if run.submitted else run.record.reason if run.record else ""),
            ("run because", printable(run.submitted.asked_because) if run.submitted else ""),
            ("job id", run.job_id),
            ("run", self._run_id()),
            ("definition", str(detail.get("jobDefinition") or "").rpartition("/")[2]),
            ("queue", str(detail.get("jobQueue") or "").rpartition("/")[2]),
            ("asks for", f"{asks.vcpus:g} vCPU, {asks.memory_mib:,} MiB" if asks.vcpus else ""),
            ("timeline", self._timeline(self._zone())),
            ("children", self._children()),
            ("retried by", [f"{each['jobId']}  {each['status']}" for each in self.history.retries]),
        ]

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        detail, run = self.run.detail, self.run
        array = detail.get("arrayProperties") or {}
        asks = job_resources(detail)
        return {
            "job": run.name,
            "job_id": run.job_id or None,
            "run_id": self._run_id() or None,
            "scheduled_time": run.scheduled_time or None,
            "status": self._raw_status(),
            "reason": (run.submitted.reason if run.submitted else run.record.reason if run.record else "") or None,
            "asked_because": (run.submitted.asked_because if run.submitted else "") or None,
            "place": self.place,
            "queue": str(detail.get("jobQueue") or "").rpartition("/")[2] or None,
            "definition": str(detail.get("jobDefinition") or "").rpartition("/")[2] or None,
            "vcpus": asks.vcpus or None,
            "memory_mib": asks.memory_mib or None,
            "attempts_allowed": self._allowed() if detail else None,
            "timeline": [
                {"at": utc_text(at), "seconds_after": None if after is None else round(after, 3), "what": what}
                for at, after, what in self._steps()
            ],
            "attempts": [
                {
                    "attempt": each.number,
                    "started_at": utc_text(each.started) if each.started else None,
                    "stopped_at": utc_text(each.stopped) if each.stopped else None,
                    "exit_code": each.exit_code,
                    "reason": each.reason or None,
                    "log_stream": each.log_stream or None,
                }
                for each in self.attempts
            ],
            "array_size": array.get("size"),
            "children": {name: count for name, count in (array.get("statusSummary") or {}).items() if count} or None,
            "retries": [{"job_id": each["jobId"], "status": each["status"]} for each in self.history.retries] or None,
            "failed_children": [vars(each) for each in self.failed] or None,
        }

    def _zone(self) -> ZoneInfo:
        catalog = self.session.catalog
        return self.run.job.zone(catalog) if self.run.job else ZoneInfo(catalog.stage.timezone)

    def _stage(self) -> str:
        return f" --stage {self.session.catalog.stage.name}"

    def _run_id(self) -> str:
        submitted, record = self.run.submitted, self.run.record
        return (submitted.run_id if submitted else "") or (record.run_id if record else "")

    def _raw_status(self) -> str:
        return str(self.run.detail.get("status") or (self.run.record.status if self.run.record else ""))

    def _allowed(self) -> int:
        return int((self.run.detail.get("retryStrategy") or {}).get("attempts") or 1)

    def _status(self) -> str:
        status = self._raw_status()
        if not self.run.detail:
            return f"{status}: {FORGOTTEN}" if status == "submitted" else status
        if (self.run.detail.get("arrayProperties") or {}).get("size"):
            return status
        words = f"{status}, attempt {max(1, len(self.attempts))} of {self._allowed()}"
        return f"{words}, place {self.place} in the queue" if self.place else words

    def _steps(self) -> list[tuple[datetime, float | None, str]]:
        """Each event, and how many seconds it was after the one before."""
        first = [(event.at, None, event.what) for event in self.events[:1]]
        return [*first, *((b.at, (b.at - a.at).total_seconds(), b.what) for a, b in pairwise(self.events))]

    def _timeline(self, zone: ZoneInfo) -> list[str]:
        rows = [
            (f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}", "" if after is None else f"+{span(after)}", what)
            for at, after, what in self._steps()
        ]
        if self.run.detail and self.run.detail["status"] not in ENDED and self.events:
            now = datetime.now(UTC)
            since = (now - self.events[-1].at).total_seconds()
            rows.append((f"{now.astimezone(zone):%Y-%m-%d %H:%M:%S}", f"+{span(since)}", f"{self._raw_status()} now"))
        return table_lines(rows)

    def _children(self) -> list[str]:
        array = self.run.detail.get("arrayProperties") or {}
        if not array.get("size"):
            return []
        children = [(name, count) for name, count in (array.get("statusSummary") or {}).items() if count]
        lines = [f"{array['size']}: {counted(children)}"]
        for child in self.failed[:_CHILDREN]:
            code = f"exit code {child.exit_code}" if child.exit_code is not None else ""
            lines.append(f"{self.run.job_id}:{child.index}  " + "; ".join(filter(None, (code, child.reason))))
        more = dict(children).get("FAILED", 0) - len(lines) + 1
        return [*lines, f"… and {more:,} more that FAILED"] if more > 0 else lines
