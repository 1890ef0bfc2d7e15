"""When an entry of a crontab starts, as schedules of jobs.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from batchtab.importers import engines, triggers
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import SourceClock
from batchtab.importers.kinds.crontab import crons
from batchtab.importers.triggers import ScheduleError, Trigger

_MINUTE_OF = {0: 1, 1: 60}  # minutes in a step of each field that a window can spread
_DAYS = ("minute", "hour", "day of month", "month", "day of week")
_LOWS, _HIGHS = (0, 0, 1, 1, 0), (59, 23, 31, 12, 6)
_FIELD_COUNT = 5
_EVERY_MINUTE = "* * * * *"
_NAMES = "sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov dec"
_RANGE = re.compile(r"\b([0-9]{1,9}|[a-z]{3})-([0-9]{1,9}|[a-z]{3})\b", re.IGNORECASE)
_SINCE, _LONGEST = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=366 * 30)
_NEVER = "leave the job out, or write the schedule that was meant"
_WRITE = "write a schedule, or run the job with `batchtab run`"


@dataclass(slots=True)
class When:
    """When an entry starts.

    Attributes:
        triggers: The schedules of jobs.yaml that together have its times; empty if none can.
        clock: The source's own; None if there is none.
        window_minutes: How much later cron may start it, at random.
    """

    triggers: list[Trigger] = field(default_factory=list)
    clock: SourceClock | None = None
    window_minutes: int = 0


def of_entry(
    fields: str, timezone: str | None, recorder: Recorder, engine: str = "vixie", cron: str = crons.UNKNOWN
) -> When:
    """The schedules of an entry, each finding recorded.

    Args:
        fields: Five fields, or a word.
        timezone: The zone; None: one that nobody knows, which was reported.
        recorder: Where findings go.
        engine: Who says when it starts: `cronie` below CRON_TZ.
        cron: Which cron reads it.
    """
    fields = " ".join(fields.split())
    if fields.startswith("@") and fields != fields.lower():
        recorder.not_carried("schedule", fields, "cron refuses it: it knows words in lower case only", _WRITE)
        return When()
    if fields.lower() == "@reboot":
        why = "has no meaning here: no machine boots"
        recorder.not_carried("schedule", fields, why, "run the job with `batchtab run`, or write a schedule")
        return When()
    if timezone is None:
        recorder.not_carried("schedule", fields, "its time zone is unknown", "write schedule and timezone")
        return When()
    expression = _EVERY_MINUTE if fields == "@every_minute" else fields
    plain, window = _without_chance(expression, cron, recorder)
    if plain is None:
        return When()
    clock = SourceClock(engine, expression, timezone)
    if why := engines.is_valid(clock):
        _refuse(fields, why, recorder)
        return When()
    if next(engines.times(clock, _SINCE, _SINCE + _LONGEST), None) is None:
        recorder.not_carried("schedule", fields, "cron takes it and never starts it: no day matches it", _NEVER)
        return When()
    try:
        found = triggers.of_fields("0 * * * *" if plain == "@hourly" else plain, timezone)
    except ScheduleError as error:
        recorder.not_carried("schedule", fields, f"it {error.reason}", error.hint or _WRITE)
        return When()
    _record(fields, found, recorder)
    return When(found, clock, window)


def _refuse(fields: str, why: str, recorder: Recorder) -> None:
    if match := next((each for each in _RANGE.finditer(fields) if _place(each[1]) > _place(each[2])), None):
        text = f"{match[0]} runs backwards: Debian's cron never starts it, others refuse it"
        recorder.not_carried("schedule", fields, text, "write two ranges, such as 22-23,0-2 for 22-2")
    else:
        recorder.not_carried("schedule", fields, f"cron refuses it: {why}", _WRITE)


def _place(text: str) -> int:
    """A number, or the place of a name among days or months."""
    return int(text) if text.isdecimal() else _NAMES.find(text.lower())


def _record(fields: str, found: list[Trigger], recorder: Recorder) -> None:
    notes = "; ".join(dict.fromkeys(each.note for each in found if each.note))
    if step := re.search(r"(?:^|[\s,])([0-9]+/[0-9]+)", fields):
        how = f"schedule: {step[1]} begins at {step[1].partition('/')[0]} and goes on to the field's end"
        recorder.changed("schedule", fields, how, f"{step[1]} is refused by most crons: compare with when it ran")
    elif notes:
        recorder.changed("schedule", fields, f"schedule: {notes}")
    elif fields == found[0].schedule:
        recorder.carried("schedule", fields, "schedule")
    else:
        recorder.changed("schedule", fields, f"schedule: {found[0].schedule}")


def _without_chance(expression: str, cron: str, recorder: Recorder) -> tuple[str | None, int]:
    """The fields with the first of each `first~last`, from which cron takes one at random, and the minutes between."""
    fields = expression.split(" ")
    if "~" not in expression or len(fields) != _FIELD_COUNT:
        return expression, 0
    window = 0
    for index, text in enumerate(fields):
        if "~" not in text:
            continue
        match = re.fullmatch("([0-9]{0,2})~([0-9]{0,2})", text)
        if cron == crons.DEBIAN and not (match and match[1]):
            recorder.not_carried("schedule", expression, f"Debian's cron does not know {text}", _WRITE)
            return None, 0
        if match and cron == crons.DEBIAN:
            fields[index] = match[1]
            recorder.changed("schedule.chance", text, f"{_DAYS[index]} {match[1]}: Debian's cron ignores what follows")
            continue
        low, high = (int(match[1] or _LOWS[index]), int(match[2] or _HIGHS[index])) if match else (1, 0)
        if not _LOWS[index] <= low <= high <= _HIGHS[index]:
            recorder.not_carried("schedule", expression, f"{text} is no range of values by chance", _WRITE)
            return None, 0
        fields[index] = str(low)
        if index in _MINUTE_OF:
            window += (high - low) * _MINUTE_OF[index]
            how = f"{_DAYS[index]} {low}; cron chose one once, flexible_window_minutes spreads each start"
            recorder.changed("schedule.chance", text, how)
        else:
            how = f"{_DAYS[index]} {low}: cron chose one by chance"
            recorder.changed("schedule.chance", text, how, f"choose the {_DAYS[index]}")
    return " ".join(fields), window
