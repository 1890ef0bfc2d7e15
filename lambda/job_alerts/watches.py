"""Which jobs are to start in time, and until when each schedule was looked at; rows of the function's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.dynamo import number, number_in, text_in

from .dynamo_table import DynamoTable, key
from .schedule import Schedule

_WATCH_SECONDS = 3 * 366 * 86_400  # a yearly job is looked at once a year


class Watched(NamedTuple):
    """A job whose runs are to start in time."""

    job_name: str
    queue_arn: str
    schedule: Schedule
    late_after_seconds: int

    @property
    def text(self) -> str:
        """Its schedule and queue, as one text: after a change of either, earlier runs are not looked for."""
        return f"{self.schedule.text} {self.queue_arn}"


class WatchState(NamedTuple):
    """Until when a schedule (`Watched.text`) was looked at, its runs in a row that did not come, and the last alert."""

    schedule: str
    checked: int
    missed: int
    told_at: int


class Watches(DynamoTable):
    """The rows `late`, which Terraform writes, and `watch`."""

    def watched(self) -> list[Watched]:
        """The jobs whose runs are to start in time."""
        return [
            Watched(
                item["sk"]["S"],
                text_in(item, "job_queue_arn"),
                Schedule(*(text_in(item, field) for field in ("schedule", "timezone", "start", "end"))),
                number_in(item, "late_after_seconds"),
            )
            for item in self._all("late")
        ]

    def watching(self) -> dict[str, WatchState]:
        """Until when each job's schedule was looked at, also of jobs that are watched no more."""
        return {
            item["sk"]["S"]: WatchState(
                text_in(item, "schedule"), *(number_in(item, field) for field in ("checked", "missed", "told_at"))
            )
            for item in self._all("watch")
        }

    def put_watching(self, name: str, seen: WatchState) -> None:
        """Notes until when a job's schedule was looked at."""
        numbers = {field: number(getattr(seen, field)) for field in ("checked", "missed", "told_at")}
        expires = number(seen.checked + _WATCH_SECONDS)
        self._call(
            "put_item", Item={**key("watch", name), "schedule": {"S": seen.schedule}, **numbers, "expires_at": expires}
        )

    def drop_watching(self, names: Sequence[str]) -> None:
        """Forgets these jobs' schedules."""
        self._delete("watch", names)
