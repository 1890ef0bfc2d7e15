from __future__ import annotations

import random
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge, scheduler

from batchtab.local_aws import expressions, permissions
from batchtab.local_aws.clock import Clock, iso
from batchtab.local_aws.rules import Cursors, Following, Key


@dataclass(frozen=True)
class Due:
    """One invocation of a schedule: for when it was scheduled, and when it is made within its flexible window."""

    key: Key
    schedule: dict[str, Any]
    following: Following
    scheduled: float
    moment: float


class Schedules:
    """Fires EventBridge Scheduler's schedules in their time zones. A source of the clock.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.cursors = Cursors()
        self._lock = threading.Lock()  # requests look at the schedules as well as the clock
        self.begun: dict[Key, tuple[str, float]] = {}  # rates without a start date: from when they count

    def next_moment(self) -> float | None:
        """Return when the next schedule is due, or ends and is to be removed."""
        moments = [due.moment for due in self._upcoming()]
        moments += [end for _, schedule in self._enabled() if _removed_at_end(schedule) and (end := _end(schedule))]
        return min(moments, default=None)

    def run_due(self, now: float) -> None:
        """Fire what is due, oldest first, and remove what is complete and asked to be removed."""
        while True:
            due = [entry for entry in self._upcoming() if entry.moment <= now]
            if not due:
                break
            first = min(due, key=lambda entry: entry.moment)
            self.cursors.fired(first.key, first.scheduled, first.following)
            self._fire(first)
            if _removed_at_end(first.schedule) and first.schedule["ScheduleExpression"].startswith("at("):
                self._remove(first.key, first.schedule)
        for key, schedule in self._enabled():
            end = _end(schedule)
            if _removed_at_end(schedule) and end is not None and end <= now:
                self._remove(key, schedule)

    def restart(self) -> None:
        """Have all count from the clock's present time. Waits for a look that may have read the time before a jump."""
        with self._lock:
            self.cursors.clear()

    def unsettled(self) -> bool:
        """Nothing to wait for: firing is done when `run_due` returns."""
        return False

    def _enabled(self) -> list[tuple[Key, dict[str, Any]]]:
        return [(key, s) for key, s in list(scheduler._schedules._data.items()) if s.get("State") == "ENABLED"]

    def _upcoming(self) -> list[Due]:
        with self._lock:
            return self._look()

    def _look(self) -> list[Due]:
        found, now = [], self._clock.now()
        enabled = self._enabled()
        for key, schedule in enabled:
            text, zone = schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone") or "UTC"
            try:
                expression = expressions.parse(text, zone)
            except expressions.ExpressionError:
                continue  # CreateSchedule refuses these
            start, end = scheduler._to_epoch(schedule.get("StartDate")), _end(schedule)
            signature = f"{text} {zone} {start} {schedule['CreationDate']}"
            since = now
            if expression.rate_seconds is not None and start is None:
                begun = self.begun.get(key)
                if begun is None or begun[0] != signature:  # runs at once
                    begun = self.begun[key] = (signature, now)
                    since = now - 1
                start = begun[1]
            following = _following(expression, start)
            scheduled = self.cursors.upcoming(key, signature, since, following)
            if scheduled is None or (end is not None and scheduled > end):
                continue
            found.append(Due(key, schedule, following, scheduled, scheduled + _delay(key, schedule, scheduled)))
        keys = {key for key, _ in enabled}
        self.cursors.keep_only(keys)
        self.begun = {key: begun for key, begun in self.begun.items() if key in keys}
        return found

    def _fire(self, due: Due) -> None:
        account_id, region, _ = due.key
        target = dict(due.schedule.get("Target") or {})
        execution_id = str(uuid.uuid4())
        if target.get("Input"):
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
            for name, value in (
                ("schedule-arn", due.schedule["Arn"]),
                ("scheduled-time", iso(due.scheduled)),
                ("execution-id", execution_id),
            ):
                target["Input"] = target["Input"].replace(f"<aws.scheduler.{name}>", value)
        event = {
            "EventId": execution_id,
            "Source": "aws.scheduler",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "Time": int(due.scheduled),
            "Resources": [due.schedule["Arn"]],
            "Account": account_id,
            "Region": region,
        }
        with request_scope(account_id, region):
            eventbridge._invoke_target(target, event, due.schedule)

    @staticmethod
    def _remove(key: Key, schedule: dict[str, Any]) -> None:
        scheduler._schedules._data.pop(key, None)
        with request_scope(key[0], key[1]):
            scheduler._tags.pop(schedule["Arn"], None)


def refusal(body: dict[str, Any]) -> str | None:
    """Return why Scheduler refuses a schedule, as far as ministack does not look; None if it takes it."""
    try:
        expressions.parse(body.get("ScheduleExpression") or "", body.get("ScheduleExpressionTimezone") or "UTC")
    except expressions.ExpressionError as error:
        return f"Invalid Schedule Expression {error}"
    start, end = scheduler._to_epoch(body.get("StartDate")), scheduler._to_epoch(body.get("EndDate"))
    if start is not None and end is not None and start >= end:
        return "The StartDate must come before the EndDate"
    return _window_refusal(body.get("FlexibleTimeWindow") or {})


def role_refusal(name: str, body: dict[str, Any]) -> str | None:
    """Return why Scheduler refuses a schedule for its role: it has to exist and to let Scheduler take it by then."""
    group = body.get("GroupName") or "default"
    schedule = {"Arn": scheduler._schedule_arn(group, name), "GroupName": group}
    role = (body.get("Target") or {}).get("RoleArn") or ""
    if permissions.role_refusal(role, "scheduler.amazonaws.com", *permissions.schedule_sources(schedule)) is None:
        return None
    return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


def _window_refusal(window: dict[str, Any]) -> str | None:
    minutes = window.get("MaximumWindowInMinutes")
    if window.get("Mode") == "FLEXIBLE" and not (isinstance(minutes, int) and 1 <= minutes <= 1440):
        return "MaximumWindowInMinutes must be from 1 to 1440 where the FlexibleTimeWindow's Mode is FLEXIBLE"
    if window.get("Mode") == "OFF" and minutes is not None:
        return "MaximumWindowInMinutes must not be given where the FlexibleTimeWindow's Mode is OFF"
    return None


def _following(expression: expressions.Expression, start: float | None) -> Following:
    """Return a function that returns a schedule's next time: not before its start, which is a rate's first time."""
    if start is None:
        return lambda past: expression.following(past, 0)
    anchor = start - (expression.rate_seconds or 0)
    return lambda past: expression.following(max(past, start - 1), anchor)


def _end(schedule: dict[str, Any]) -> float | None:
    end: float | None = scheduler._to_epoch(schedule.get("EndDate"))
    return end


def _removed_at_end(schedule: dict[str, Any]) -> bool:
    return bool(schedule.get("ActionAfterCompletion") == "DELETE")


def _delay(key: Key, schedule: dict[str, Any], scheduled: float) -> float:
    """Return by how much an invocation is late within its flexible window: the same whenever it is asked."""
    window = schedule.get("FlexibleTimeWindow") or {}
    if window.get("Mode") != "FLEXIBLE":
        return 0.0
    return random.Random(f"{key}{scheduled}").uniform(0, 60.0 * window["MaximumWindowInMinutes"])  # noqa: S311 - no secret
