"""Follows a job's log until the job has ended.

Each round makes a DescribeJobs call, GetLogEvents calls for up to ten streams, and of an array every third round up to
three ListJobs calls and one DescribeJobs call. A round takes two seconds or more; longer where AWS throttles.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from batchtab.aws.batch_jobs import ENDED, BatchJobs
from batchtab.aws.job_logs import JobLogs, LogCursor, LogEvent, is_throttled
from batchtab.aws.job_parts import JobParts, array_size, node_count
from batchtab.aws.log_streams import LogStream, WantedLog, part_of
from batchtab.errors import NotFoundError

_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 30.0
_AT_ONCE = 10  # streams
_PAGES = 20  # of one stream in one round
_PARTS_ROUNDS = 3
_PATIENCE_SECONDS = 30  # after which a job that has not started is worth a question
_QUIET_ROUNDS = 2  # after the job's end, since CloudWatch has lines some seconds late
_UNKNOWN_ROUNDS = 30  # so long may Batch not yet know a job that it has taken


class LogFollower:
    """Shows what a job writes while it runs.

    Args:
        batch: What Batch says of jobs.
        parts: Likewise, of their parts.
        logs: CloudWatch Logs.
        wanted: Which part of the log.
        show: Called for each event.
        say: Called with what else is to be known: for what it waits, and that another attempt begins.
        sleep: Waits for a number of seconds.
        why: The command that explains why the job does not start; empty to name none.
    """

    def __init__(
        self,
        batch: BatchJobs,
        parts: JobParts,
        logs: JobLogs,
        wanted: WantedLog,
        *,
        show: Callable[[LogStream, LogEvent], None],
        say: Callable[[str], None],
        sleep: Callable[[float], None],
        why: str = "",
    ) -> None:
        self._why, self._waited_seconds = why, 0.0
        self._ids: Sequence[str] = ()
        self._more = 0  # parts that ran beside those
        self._batch, self._parts, self._logs, self._wanted = batch, parts, logs, wanted
        self._show, self._say, self._sleep = show, say, sleep
        self._cursors: deque[LogCursor] = deque()
        self._attempts: dict[str, int] = {}  # the last one of each part
        self._idle: Counter[LogStream] = Counter()  # looks at which nothing came
        self._over: set[str] = set()  # parts
        self._said = ("", "")

    def follow(self, job_id: str) -> Mapping[str, Any]:
        """Shows a job's log until it has ended; returns the job as it is then.

        Raises:
            NotFoundError: Batch knows no such job.
        """
        detail: Mapping[str, Any] | None = None
        pause, quiet, number, unknown = _PAUSE_SECONDS, 0, 0, 0
        while True:
            has_ended = False
            try:
                detail = self._batch.raw([job_id]).get(job_id)
                unknown = unknown + 1 if detail is None else 0
                if unknown > _UNKNOWN_ROUNDS:
                    raise NotFoundError(f"logs: Batch knows no job {job_id}")
                if detail is not None:
                    has_ended = detail["status"] in ENDED
                    self._look_for_streams(detail, is_due=has_ended or number % _PARTS_ROUNDS == 0)
                    self._say_why_nothing_comes(detail)
                quiet = 0 if self._read() else quiet + 1
                pause = _PAUSE_SECONDS
            except ClientError as error:
                if not is_throttled(error):
                    raise
                pause, quiet = min(pause * 2, _LONGEST_PAUSE_SECONDS), 0
            quiet = quiet if has_ended else 0
            if detail is not None and has_ended and (quiet >= self._quiet_rounds() or not self._cursors):
                self._say_how_many_more(detail)
                return detail
            number += 1
            self._sleep(pause)
            self._waited_seconds += pause

    # --- the streams

    def _look_for_streams(self, detail: Mapping[str, Any], *, is_due: bool) -> None:
        if not array_size(detail) and not node_count(detail):
            self._add(detail)
        elif is_due:
            self._ids, self._more = self._parts.ids(detail, only_failed=self._wanted.only_failed)
            for each in self._batch.raw([part for part in self._ids if part_of(part) not in self._over]).values():
                self._add(each)
                if each["status"] in ENDED:
                    self._over.add(part_of(each["jobId"]))

    def _add(self, detail: Mapping[str, Any]) -> None:
        part = part_of(str(detail["jobId"]))
        before = self._attempts.get(part, 0)
        for stream in self._new_streams(detail, before):
            if before:
                self._say(f"attempt {stream.attempt}{f' of index {stream.label}' if stream.label else ''} begins")
            self._attempts[part] = max(stream.attempt, self._attempts.get(part, 0))
            tail = None if before else self._wanted.tail
            self._cursors.append(self._logs.cursor(stream, since_ms=self._wanted.since_ms, tail=tail))

    def _new_streams(self, detail: Mapping[str, Any], before: int) -> Sequence[LogStream]:
        """Those of attempts after one; at first those that are asked for."""
        there = [each for each in self._wanted.every(detail) if each.name]
        if self._wanted.attempt is not None:
            there = [each for each in there if each.attempt == self._wanted.attempt]
            if not there and detail["status"] in ENDED:
                self._wanted.streams(detail)  # refuses it
        elif not before and not self._wanted.every_attempt:
            return there[-1:]
        return [each for each in there if each.attempt > before]

    # --- reading

    def _read(self) -> bool:
        """Reads some of the streams; returns whether one had anything."""
        was_new = False
        for _ in range(min(_AT_ONCE, len(self._cursors))):
            cursor = self._cursors[0]
            count = 0
            for count, event in enumerate(cursor.new(_PAGES), 1):  # noqa: B007 - how many there were
                self._show(cursor.stream, event)
            was_new |= count > 0
            self._idle[cursor.stream] = 0 if count else self._idle[cursor.stream] + 1
            if cursor.stream.part in self._over and self._idle[cursor.stream] > _QUIET_ROUNDS:
                self._cursors.popleft()  # an array's child that has ended
            else:
                self._cursors.rotate(-1)
        return was_new

    def _quiet_rounds(self) -> int:
        return _QUIET_ROUNDS + (len(self._cursors) - 1) // _AT_ONCE

    # --- what else is to be known

    def _say_why_nothing_comes(self, detail: Mapping[str, Any]) -> None:
        status, reason = str(detail["status"]), str(detail.get("statusReason") or "")
        if self._cursors or status in ENDED:
            return
        if (status, reason) != self._said:
            if status != self._said[0]:
                self._waited_seconds = 0.0
            self._said = status, reason
            self._say(f"waits for the log: job {detail['jobId']} is {status}" + (f": {reason}" if reason else ""))
        elif self._why and self._waited_seconds >= _PATIENCE_SECONDS and status != "RUNNING":
            self._say(f"job {detail['jobId']} is still {status} [hint: {self._why}]")
            self._why = ""

    def _say_how_many_more(self, detail: Mapping[str, Any]) -> None:
        shown_of_ids = sum(part_of(each) in self._attempts for each in self._ids)
        more = self._more - (len(self._attempts) - shown_of_ids)
        if array_size(detail) and more > 0:
            self._say(f"{more} more ran [hint: --index N]")
