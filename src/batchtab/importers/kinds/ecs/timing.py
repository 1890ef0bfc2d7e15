"""When a rule or schedule starts its job."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from batchtab.importers import engines, rates
from batchtab.importers.imported import Fires, Imported, SourceClock
from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar, shown
from batchtab.schedules import expression, zones
from batchtab.schedules.expression import ScheduleError

_WRITE = "write schedule"


def schedule_of(trigger: Loose, imported: Imported, job: str) -> dict[str, Any]:
    """The job's trigger. Without a schedule that jobs.yaml can have, the job has none, and a person decides."""
    found: dict[str, Any] = {}
    if _is_off(trigger):
        found["suspend"] = True
    pattern = trigger.take("EventPattern")
    if pattern:
        text = pattern if isinstance(pattern, str) else json.dumps(shown(pattern), default=str)
        trigger.at("EventPattern").not_carried(
            trigger.field("EventPattern"), text, "a job starts by a schedule or after a job", f"{_WRITE} or after"
        )
    zone = _zone(trigger)
    clock = _clock(trigger, zone) if zone else None
    if clock is None:
        for key in ("ScheduleExpressionTimezone", "StartDate", "EndDate", "FlexibleTimeWindow"):
            trigger.leave(key, "the job has no schedule")
        return found
    found["schedule"] = clock.expression
    if clock.timezone != "UTC":
        found["timezone"] = clock.timezone
    trigger.carry("ScheduleExpressionTimezone", "timezone")
    trigger.carry("ScheduleExpression", "schedule")
    window = _window(trigger)
    if window:
        found["flexible_window_minutes"] = window
    found |= {name: value for name, value in (("start", clock.start), ("end", clock.end)) if value}
    rates.on_the_clock(found, trigger.recorder, trigger.field("ScheduleExpression"))
    imported.fires.append(Fires(clock, (job,)))
    return found


def _is_off(trigger: Loose) -> bool:
    state, enabled, disabled = (scalar(trigger.take(key)) for key in ("State", "IsEnabled", "Disabled"))
    is_off = state == "DISABLED" or enabled == "false" or disabled == "true"
    for key in ("State", "IsEnabled", "Disabled"):
        trigger.carry(key, "suspend")
    return is_off


def _zone(trigger: Loose) -> str:
    zone = scalar(trigger.take("ScheduleExpressionTimezone")) or "UTC"
    refusal = zones.refusal(zone)
    if refusal is None:
        return zone
    trigger.leave("ScheduleExpressionTimezone", f"the zone {refusal[0]}", "write schedule and timezone")
    trigger.leave("ScheduleExpression", "its zone is not one that jobs.yaml has")
    return ""


def _clock(trigger: Loose, zone: str) -> SourceClock | None:
    text = scalar(trigger.take("ScheduleExpression")) or ""
    if not text:
        if "ScheduleExpression" in trigger:
            trigger.leave("ScheduleExpression", "is empty", _WRITE)
        elif not trigger.data.get(trigger.spelled("EventPattern")):
            trigger.recorder.not_carried(
                trigger.field("ScheduleExpression"), "not set", "nothing starts the job", _WRITE
            )
        return None
    if is_open(text):
        trigger.leave("ScheduleExpression", "its value is not in the file", _WRITE)
        return None
    start, end = _moment(trigger, "StartDate", "start"), _moment(trigger, "EndDate", "end")
    clock = SourceClock("aws", text, zone, start, end)
    refusal = engines.is_valid(clock)
    try:
        expression.check(text)
    except ScheduleError as error:
        refusal = f"{error.reason} [{error.hint}]" if error.hint else error.reason
    if refusal:
        trigger.leave("ScheduleExpression", f"jobs.yaml refuses it: {refusal}", _WRITE)
        for key in ("StartDate", "EndDate"):
            trigger.leave(key, "the job has no schedule")
        return None
    return clock


def _moment(trigger: Loose, key: str, field: str) -> str:
    """A bound in UTC; Scheduler takes one with an offset."""
    value = trigger.take(key)
    if value in {None, ""}:
        return ""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        trigger.leave(key, "is not a moment", f"write {field}")
        return ""
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    trigger.carry(key, field)
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _window(trigger: Loose) -> int | None:
    node = trigger.child("FlexibleTimeWindow")
    mode, minutes = scalar(node.take("Mode")), node.number("MaximumWindowInMinutes")
    is_flexible = mode == "FLEXIBLE"
    node.carry("Mode", "flexible_window_minutes")
    if minutes is not None and is_flexible:
        node.carry("MaximumWindowInMinutes", "flexible_window_minutes")
    else:
        node.leave("MaximumWindowInMinutes", "has no effect without FLEXIBLE")
    node.rest()
    return minutes if is_flexible else None
