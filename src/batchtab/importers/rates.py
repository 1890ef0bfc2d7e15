"""Rates of EventBridge Scheduler with a start, an end or a window, which jobs.yaml has with times alone.

Scheduler counts a rate from its StartDate: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
A rate of jobs.yaml has no start, and counts from its deployment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from batchtab.importers.findings import Fate, Recorder
from batchtab.schedules.expression import Rate, ScheduleError, parse

_BOUNDS = ("start", "end", "flexible_window_minutes")
_TODO = "write a schedule with times, such as 0 */2 * * *"
_SECONDS_OF_DAY = 86_400


def on_the_clock(settings: dict[str, Any], recorder: Recorder, field: str) -> None:
    """Write a rate with bounds as times, or leave its bounds out; each is recorded.

    Args:
        settings: The job's, with its schedule.
        recorder: Where findings go.
        field: The source's field of the expression.
    """
    text = str(settings.get("schedule", ""))
    bounds = [name for name in _BOUNDS if settings.get(name)]
    rate = _rate(text)
    if rate is None or not bounds:
        return
    if rate.on_the_clock:
        how = f"schedule: {rate.on_the_clock}: a rate of jobs.yaml has no {' and no '.join(map(_shown, bounds))}"
        start = str(settings.get("start", ""))
        is_other = bool(start) and _seconds_of_day(start) % min(rate.seconds, _SECONDS_OF_DAY) != 0
        todo = f"write the times that the source counts from {start}, if they matter" if is_other else ""
        recorder.correct("schedule", how, fate=Fate.CHANGED)
        if todo:
            recorder.changed(field, text, how, todo)
        settings["schedule"] = rate.on_the_clock
        settings.pop("timezone", None)  # a rate is the same in every zone
        return
    for name in bounds:
        why = f"a rate of jobs.yaml has no {_shown(name)}"
        why += ": it counts from its deployment" if name == "start" else ""
        recorder.correct(name, why)
        recorder.not_carried(name, settings.pop(name), why, _TODO)


def _rate(text: str) -> Rate | None:
    try:
        found = parse(text)
    except ScheduleError:
        return None
    return found if isinstance(found, Rate) else None


def _shown(name: str) -> str:
    return "window" if name == "flexible_window_minutes" else name


def _seconds_of_day(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    at = at.astimezone(UTC) if at.tzinfo else at
    return (at.hour * 60 + at.minute) * 60
