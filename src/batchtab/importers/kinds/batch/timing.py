"""When a rule or a schedule starts its job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from batchtab.importers import engines, rates
from batchtab.importers.imported import SourceClock
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch.definition import tags
from batchtab.importers.kinds.batch.node import NOT_SET, BatchNode, WrongValueError, whole
from batchtab.schedules import zones
from batchtab.schedules.expression import Rate, ScheduleError, check, parse
from batchtab.schedules.timestamps import utc_text

_MINUTE = 60
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class When:
    """When a job starts.

    Attributes:
        clock: By the source; None: it names no times.
        jitter_seconds: By how much later it may start.
    """

    clock: SourceClock | None = None
    jitter_seconds: int = 0


def read(node: BatchNode, settings: dict[str, Any], *, is_schedule: bool) -> When:
    """Put the timing of a rule or a schedule into a job's settings."""
    node.change("name", "the trigger's name is made of the job's")
    if node.text("state") == "DISABLED":
        settings["suspend"] = True
    node.carry("state", "suspend")
    description = node.carry("description", "description")
    if isinstance(description, str) and description:
        settings["description"] = description
    node.change("groupName", "a service's schedules have a group of their own")
    node.change("eventBusName", "rules with a schedule are on the default bus")
    node.change("roleArn", "the stage has a role that submits jobs")
    node.leave("kmsKeyArn", "Scheduler encrypts with a key of AWS")
    node.change("actionAfterCompletion", "Terraform removes the schedule of a job that is over")
    node.leave(
        "eventPattern",
        "jobs.yaml starts jobs by time or at the end of other jobs",
        "write after: for the end of a job; let a function submit it for another event",
    )
    tags(node, settings)
    node.take("targets")
    node.take("target")
    when = _schedule(node, settings) if is_schedule else _rule(node, settings)
    node.rest()
    return when


def _rule(node: BatchNode, settings: dict[str, Any]) -> When:
    text = _expression(node, settings)
    return When(SourceClock("aws", text)) if text else When()


def _schedule(node: BatchNode, settings: dict[str, Any]) -> When:
    timezone = node.text("scheduleExpressionTimezone") or "UTC"
    refusal = zones.refusal(timezone)
    if refusal is not None:
        node.leave("scheduleExpressionTimezone", refusal[0], refusal[1] or "write schedule and timezone")
        node.leave("scheduleExpression", "its time zone is not known", "write schedule and timezone")
        return When()
    start, end = _moment(node, "startDate"), _moment(node, "endDate")
    window = _window(node.child("flexibleTimeWindow"))
    text = _expression(node, settings)
    if not text:
        node.leave("scheduleExpressionTimezone", "the job has no schedule")
        return When()
    found = {"start": start, "end": end, "flexible_window_minutes": window}
    settings |= {key: value for key, value in found.items() if value}
    clock = SourceClock("aws", text, timezone, start, end)
    if isinstance(parse(text), Rate):
        node.change("scheduleExpressionTimezone", "a rate has no time zone")
        rates.on_the_clock(settings, node.recorder, node.name("scheduleExpression"))
        return When(replace(clock, timezone="UTC"), (window or 0) * _MINUTE)
    node.carry("scheduleExpressionTimezone", "timezone")
    if timezone != "UTC":
        settings["timezone"] = timezone
    if end and _starts_at(clock, end):
        before = utc_text(datetime.fromisoformat(end) - _SECOND)
        node.recorder.changed(node.name("endDate"), end, f"end: {before}: Scheduler no longer starts it at its end")
        settings["end"] = before
    return When(clock, (window or 0) * _MINUTE)


def _expression(node: BatchNode, settings: dict[str, Any]) -> str:
    """The expression; empty if there is none that jobs.yaml takes."""
    text = node.text("scheduleExpression").strip()
    if not text:
        node.take("scheduleExpression")
        if "eventPattern" not in node:
            node.recorder.not_carried(
                node.name("scheduleExpression"), NOT_SET, "the trigger names no times", "write schedule"
            )
        return ""
    if unknown := names_in(node.raw("scheduleExpression")):
        node.leave("scheduleExpression", f"not known: {', '.join(unknown)}", "write schedule")
        return ""
    try:
        check(text)
    except ScheduleError as error:
        node.leave("scheduleExpression", error.reason, error.hint or "write schedule")
        return ""
    node.carry("scheduleExpression", "schedule")
    settings["schedule"] = text
    return text


def _moment(node: BatchNode, key: str) -> str:
    value = node.raw(key)
    if value is None:
        return ""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        node.leave(key, "is not a moment such as 2026-12-01T00:00:00Z", "correct the source")
        return ""
    node.carry(key, "start" if key == "startDate" else "end")
    return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _window(node: BatchNode) -> int | None:
    mode, minutes = node.carry("mode", "flexible_window_minutes"), node.raw("maximumWindowInMinutes")
    if mode != "FLEXIBLE" or minutes is None:
        node.change("maximumWindowInMinutes", "has no effect without FLEXIBLE")
        node.rest()
        return None
    try:
        window = whole(minutes)
    except WrongValueError as error:
        node.leave("maximumWindowInMinutes", str(error), "correct the source")
        return None
    node.carry("maximumWindowInMinutes", "flexible_window_minutes")
    node.rest()
    return window


def _starts_at(clock: SourceClock, moment: str) -> bool:
    at = datetime.fromisoformat(moment)
    return next(engines.times(replace(clock, start="", end=""), at, at + _SECOND), None) is not None
