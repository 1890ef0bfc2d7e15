"""Values of DAG files: plain ones, calls such as `timedelta(hours=1)`, and what is not constant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from batchtab.schedules import zones

_UNITS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_DURATIONS = {"timedelta", "duration", "relativedelta"}
_ZONES = {"timezone", "ZoneInfo", "gettz", "Timezone"}
_MOVES = re.compile(r"\b(now|utcnow|today|days_ago|yesterday)\b")
_JINJA = re.compile(r"\{\{|\{%")
_PART = {"year", "month", "day", "hour", "minute", "second", "microsecond"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """What cannot be read without running the file.

    Attributes:
        text: The source.
        why: Why not: `is read from the environment when Airflow runs`.
        tasks: Tasks whose output it is.
    """

    text: str
    why: str = "is not a constant"
    tasks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is not made.

    Attributes:
        name: What is called, with its module: `datetime.timedelta`.
        arguments: By position.
        named: By name.
        text: The source.
    """

    name: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    text: str

    @property
    def last(self) -> str:
        """The name without its module."""
        return self.name.rpartition(".")[2]

    def argument(self, position: int, name: str) -> Any:
        """An argument, whichever way it is passed; None if it is not."""
        return self.arguments[position] if position < len(self.arguments) else self.named.get(name)

    def __str__(self) -> str:
        return self.text


class Arguments(dict[str, Any]):
    """Named values that know their lines."""

    def __init__(self, values: Mapping[str, Any] | None = None, lines: Mapping[str, int] | None = None) -> None:
        super().__init__(values or {})
        self.lines = dict(lines or {})

    @property
    def lc(self) -> Arguments:
        """What `source_file.line_of` asks."""
        return self

    def key(self, name: str) -> tuple[int, int]:
        """Its line, counted from 0, and column.

        Raises:
            KeyError: It is not known.
        """
        return self.lines[name] - 1, 0


@dataclass(frozen=True, slots=True)
class Moment:
    """A start or end date.

    Attributes:
        at: The moment, in UTC; None for one that moves with the clock, such as `days_ago(1)`.
        timezone: The zone that it names; empty if it names none.
    """

    at: datetime | None
    timezone: str = field(default="")


def is_constant(value: Any) -> bool:
    """Whether jobs.yaml can have it: a text without control characters and halves of characters, or a number."""
    if isinstance(value, str):
        return all(each in "\n\t" or unicodedata.category(each) not in {"Cc", "Cs"} for each in value)
    return value is None or isinstance(value, (int, float))


def is_plain(value: Any) -> bool:
    """Whether a value has nothing that is not constant."""
    if isinstance(value, Mapping):
        return all(is_plain(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return all(is_plain(each) for each in value)
    return not isinstance(value, (Unknown, Call))


def unknowns(value: Any) -> list[Unknown]:
    """What is not constant in a value."""
    if isinstance(value, Call):
        return unknowns([*value.arguments, *value.named.values()])
    if isinstance(value, Mapping):
        return [found for each in value.values() for found in unknowns(each)]
    if isinstance(value, (list, tuple)):
        return [found for each in value for found in unknowns(each)]
    return [value] if isinstance(value, Unknown) else []


def has_jinja(value: Any) -> bool:
    """Whether Airflow would fill in a template."""
    if isinstance(value, Mapping):
        return any(has_jinja(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_jinja(each) for each in value)
    return isinstance(value, str) and _JINJA.search(value) is not None


def duration(value: Any) -> timedelta | None:
    """A length of time: a call of `timedelta`, seconds, or dag-factory's `5 minutes`; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _timedelta({"seconds": value})
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,9})\s*(second|minute|hour|day|week)s?", value.strip())
        return _timedelta({f"{match[2]}s": int(match[1])}) if match else None
    if not isinstance(value, Call) or value.last not in _DURATIONS:
        return None
    named = dict(zip(_UNITS, value.arguments, strict=False)) if value.last == "timedelta" else {}
    return _timedelta({**named, **value.named}) if value.last == "timedelta" or not value.arguments else None


def _timedelta(named: Mapping[str, Any]) -> timedelta | None:
    is_number = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in named.values())
    if not is_number or not set(named) <= set(_UNITS):
        return None
    try:
        return timedelta(**named)
    except (OverflowError, ValueError):
        return None


def moment(value: Any, timezone: str) -> Moment | None:
    """A date of a DAG; None if it is none.

    Args:
        value: A call such as `pendulum.datetime(2026, 1, 1, tz="Asia/Seoul")`, a text or a date.
        timezone: The zone of dates that name none.
    """
    if isinstance(value, datetime):
        return _moment(value, "", timezone)
    if isinstance(value, date):
        return _moment(datetime.combine(value, time()), "", timezone)
    if isinstance(value, str):
        return _of_text(value, timezone)
    if isinstance(value, (Call, Unknown)) and _MOVES.search(str(value)):
        return Moment(None, next((found for each in _parts(value) if (found := zone(each))), ""))
    if not isinstance(value, Call):
        return None
    if value.last in {"parse", "fromisoformat", "strptime", "timezone.parse"} and value.arguments:
        return _of_text(value.arguments[0], timezone) if isinstance(value.arguments[0], str) else None
    if value.last not in {"datetime", "DateTime", "date", "local"}:
        return None
    named = dict(value.named)
    zone_value = named.pop("tz", None) or named.pop("tzinfo", None)
    parts = dict(
        zip(("year", "month", "day", "hour", "minute", "second", "microsecond"), value.arguments, strict=False)
    )
    parts.update(named)
    parts.pop("fold", None)
    if not set(parts) <= _PART or not all(isinstance(each, int) for each in parts.values()):
        return None
    own = zone(zone_value) if zone_value is not None else "UTC" if value.name.startswith("pendulum") else ""
    if zone_value is not None and not own:
        return None
    try:
        given = {key: each for key, each in parts.items() if key != "microsecond"}
        wall = datetime(**{"month": 1, "day": 1, **given})
    except (TypeError, ValueError, OverflowError):
        return None
    return _moment(wall, own, timezone)


def _parts(value: Call | Unknown) -> list[Any]:
    return [*value.arguments, *value.named.values()] if isinstance(value, Call) else []


def zone(value: Any) -> str:
    """The IANA name of a time zone; empty if it is none."""
    if isinstance(value, tzinfo):
        return "UTC" if value.utcoffset(None) == timedelta() else ""
    if isinstance(value, Unknown):
        return "UTC" if value.text.rpartition(".")[2].lower() == "utc" else ""
    if isinstance(value, Call) and value.last in _ZONES and value.arguments:
        value = value.arguments[0]
    return value if isinstance(value, str) and zones.refusal(value) is None else ""


def _of_text(text: str, timezone: str) -> Moment | None:
    if re.fullmatch(r"[0-9]+ (second|minute|hour|day|week)s?", text.strip()):
        return Moment(None)  # dag-factory: so long ago
    try:
        return _moment(datetime.fromisoformat(text.strip()), "", timezone)
    except ValueError:
        return None


def _moment(wall: datetime, own: str, timezone: str) -> Moment | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - zones are only read for dates

    if wall.tzinfo is not None:
        own = _zone_of_offset(wall.utcoffset() or timedelta())
        if not own:
            return None
    try:
        aware = wall if wall.tzinfo else wall.replace(tzinfo=ZoneInfo(own or timezone))
        return Moment(aware.astimezone(UTC), own)
    except OverflowError:
        return None


def _zone_of_offset(offset: timedelta) -> str:
    """A zone that is always so far from UTC; empty if there is none. `Etc/GMT-9` is nine hours ahead."""
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest or not -12 <= hours <= 14:
        return ""
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"
