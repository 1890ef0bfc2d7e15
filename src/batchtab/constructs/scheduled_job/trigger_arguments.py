"""What is known of a job's trigger, read as `batchtab check` reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.expressions import is_expression
from batchtab.schedules import exclusions, zones
from batchtab.schedules import expression as schedules
from batchtab.schedules.cron import ScheduleError


def check_arguments(
    *,
    name: str,
    schedule: Any,
    timezone: Any,
    start: Any,
    end: Any,
    flexible_window_minutes: Any,
    except_: Any,
    trigger: Any,
    queue_limit: Any,
    starting_deadline_seconds: Any,
    schedule_group_name: Any,
) -> None:
    """Checks the known values, each as far as it alone can be wrong.

    Raises:
        ValueError: the job, the argument, the value, what is allowed.
    """
    _read(f"{name}: schedule", schedule, schedules.check)
    _read(f"{name}: timezone", timezone, _zone)
    for argument, value in (("start", start), ("end", end)):
        check(f"{name}: {argument}", value, limits.MOMENT)
        _read(f"{name}: {argument}", value, _moment)
    check(f"{name}: flexible_window_minutes", flexible_window_minutes, limits.FLEXIBLE_WINDOW_MINUTES)
    check(f"{name}: trigger", trigger, limits.TRIGGER)
    check(f"{name}: queue_limit", queue_limit, limits.QUEUE_LIMIT)
    check(f"{name}: starting_deadline_seconds", starting_deadline_seconds, limits.STARTING_DEADLINE_SECONDS)
    check(f"{name}: schedule_group_name", schedule_group_name, limits.SCHEDULE_GROUP_NAME)
    if not is_expression(except_):
        if len(except_) > limits.EXCEPT_MAX:
            raise ValueError(f"{name}: except: {len(except_)} of them: at most {limits.EXCEPT_MAX}")
        for item in except_:
            _read(f"{name}: except", item, exclusions.read)


def _read(argument: str, value: Any, read: Callable[[str], object]) -> None:
    if value is None or is_expression(value):
        return
    try:
        read(value)
    except ScheduleError as error:
        hint = f": {error.hint}" if error.hint else ""
        raise ValueError(f"{argument}: {value!r} {error.reason}{hint}") from error


def _zone(name: str) -> None:
    if refusal := zones.refusal(name):
        raise ScheduleError(*refusal)


def _moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError("is no date and time") from None
