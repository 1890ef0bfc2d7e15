"""Changes that only time made: Terraform removes past dates from a schedule, because Scheduler would refuse them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.plan_review.plan import Plan
from batchtab.schedules import clocks

_SCHEDULE = "aws_scheduler_schedule"


def is_by_time(entry: Mapping[str, Any], now: datetime) -> bool:
    """Whether one of a plan's `resource_changes` is only that a schedule's `start` has passed, or its last time."""
    change = entry["change"]
    before, after = change.get("before") or {}, change.get("after") or {}
    if entry["type"] != _SCHEDULE or not before:
        return False
    if change["actions"] == ["delete"]:
        ends = (_moment(before.get("end_date")), _once(before))
        return any(moment is not None and moment <= now for moment in ends)
    start = _moment(before.get("start_date"))
    return (
        change["actions"] == ["update"]
        and start is not None
        and start <= now
        and not any((change.get("after_unknown") or {}).values())
        and {**before, "start_date": None} == {**after, "start_date": after.get("start_date")}
    )


def is_nothing_else(plan: Plan, now: datetime) -> bool:
    """Whether all that a plan changes is of that kind."""
    entries = (entry for entry in plan.content.get("resource_changes", []) if entry.get("mode") == "managed")
    changes = (entry for entry in entries if entry["change"]["actions"] not in (["no-op"], ["read"]))
    return not plan.outputs and all(is_by_time(entry, now) for entry in changes)


def _once(before: Mapping[str, Any]) -> datetime | None:
    match = re.fullmatch(r"at\((.*)\)", str(before.get("schedule_expression")))
    try:
        zone = ZoneInfo(before.get("schedule_expression_timezone") or "UTC")
        return clocks.to_utc(datetime.fromisoformat(match[1]), zone) if match else None
    except (KeyError, OSError, ValueError):
        return None


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
