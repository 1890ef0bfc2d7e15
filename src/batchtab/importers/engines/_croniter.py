"""Cron expressions as `croniter` reads them, which Airflow uses, written from its rules: no code of it is here.

Day of month and day of week: either counts, unless one of the two is `*`; `*/2` is not. `n/m` goes on to the field's
end, and the end of day of week is 7, a Sunday. A range may wrap; a range of one value, such as `5-5`, means all values.
https://github.com/pallets-eco/croniter#about-cron-expression
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from batchtab.importers.engines import ClockError
from batchtab.importers.engines.words import WORDS

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
ALL = (60, 24, 31, 12, 7)
_HOUR, _OF_MONTH, _MONTH, _OF_WEEK = 1, 2, 3, 4
_NTH = re.compile(r"(?P<day>[0-7]|sun|mon|tue|wed|thu|fri|sat)#(?P<nth>[1-5])|l(?P<last>[0-7])")
_WORDS = {**WORDS, "@quarterly": "0 0 1 */3 *"}


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression.

    Attributes:
        times: Its times of day, in minutes since midnight, in order.
        has_every_hour: Whether its hours are `*`, in whatever way that is written.
        of_month: Days of the month, 32 for the last one; empty: any.
        months: Months.
        of_week: Days of the week from Sunday, 0; empty: any.
        nth: Days of the week with their number in the month, 0 for the last one, such as (1, 2) for the second Monday.
    """

    times: tuple[int, ...]
    has_every_hour: bool
    of_month: frozenset[int]
    months: frozenset[int]
    of_week: frozenset[int]
    nth: frozenset[tuple[int, int]]

    @property
    def has_every_day(self) -> bool:
        """Whether it starts on every day."""
        return not (self.of_month or self.of_week or self.nth) and len(self.months) == ALL[_MONTH]

    def is_day(self, day: date) -> bool:
        """Whether it starts on a day."""
        if day.month not in self.months:
            return False
        is_last = (day + timedelta(days=1)).month != day.month
        is_of_month = day.day in self.of_month or (_LAST in self.of_month and is_last)
        weekday = day.isoweekday() % 7
        is_last_of_week = (day + timedelta(days=7)).month != day.month
        is_of_week = weekday in self.of_week or (weekday, (day.day + 6) // 7) in self.nth
        is_of_week = is_of_week or ((weekday, 0) in self.nth and is_last_of_week)
        if not self.of_month:
            return is_of_week or not (self.of_week or self.nth)
        return is_of_month or is_of_week


_LAST = 32


def parse(expression: str) -> Cron:
    """Read an expression.

    Raises:
        ClockError: It is none, or it has seconds, which no schedule of jobs.yaml has.
    """
    fields = _WORDS.get(expression.strip().lower(), expression).lower().split()
    if len(fields) != len(_BOUNDS):
        raise ClockError(f"'{expression}' has {len(fields)} fields instead of 5")
    fields = ["*" if each == "?" and index in {_OF_MONTH, _OF_WEEK} else each for index, each in enumerate(fields)]
    nth = frozenset(_nth(each) for each in fields[_OF_WEEK].split(",") if _NTH.fullmatch(each))
    if nth and len(nth) != len(set(fields[_OF_WEEK].split(","))):
        raise ClockError(f"'{expression}' mixes days of the week with such as 1#2")
    found = [numbers(index, each) for index, each in enumerate(fields) if index != _OF_WEEK or not nth]
    of_week = found[_OF_WEEK] if not nth else frozenset()
    hours = found[_HOUR]
    return Cron(
        times=tuple(sorted(60 * hour + minute for hour in hours for minute in found[0])),
        has_every_hour=len(hours) == ALL[_HOUR],
        of_month=frozenset() if _is_free(fields, found[_OF_MONTH], _OF_MONTH) else found[_OF_MONTH],
        months=found[_MONTH],
        of_week=frozenset() if _is_free(fields, of_week, _OF_WEEK) else of_week,
        nth=nth,
    )


def _is_free(fields: list[str], values: frozenset[int], index: int) -> bool:
    """Whether a day field counts as `*`: another text with all values does only if the other field has a `*`."""
    other = fields[_OF_WEEK if index == _OF_MONTH else _OF_MONTH]
    return fields[index] == "*" or "*" in fields[index].split(",") or (len(values) == ALL[index] and "*" in other)


def _nth(text: str) -> tuple[int, int]:
    match = _NTH.fullmatch(text)
    if match is None:
        raise ClockError(f"'{text}' is not a day of the week")
    if match["last"]:
        return int(match["last"]) % 7, 0
    return _number(_OF_WEEK, match["day"]) % 7, int(match["nth"])


def numbers(index: int, text: str) -> frozenset[int]:
    """The values of a field, in small letters; 32 is the month's last day.

    Args:
        index: 0 for minutes to 4 for days of the week.
        text: The field.

    Raises:
        ClockError: It is none.
    """
    found: set[int] = set()
    low, high = _BOUNDS[index]
    for item in text.split(","):
        base, slash, step_text = item.partition("/")
        first_text, dash, last_text = base.partition("-")
        if slash and not re.fullmatch("[1-9][0-9]{0,3}", step_text):
            raise ClockError(f"'{item}' has no number above 0 after '/'")
        step = int(step_text) if slash else 1
        if base == "*":
            found.update(range(low, high + 1, step))
        elif base == "l" and index == _OF_MONTH and not slash:
            found.add(_LAST)
        elif not dash and not slash:
            found.add(_number(index, base))
        else:
            last = _number(index, last_text) if dash else high % 7 if index == _OF_WEEK else high
            found.update(_range(index, _alias(index, _number(index, first_text)), _alias(index, last), step))
    return frozenset(_alias(index, each) for each in found)


def _range(index: int, first: int, last: int, step: int) -> list[int]:
    low, high = _BOUNDS[index]
    if first == last:
        return list(range(low, high + 1, step))
    if first < last:
        return list(range(first, last + 1, step))
    found = list(range(first, high + 1, step))
    skipped = high - found[-1]
    is_wrapped = found[-1] - low + step > high - low + 1 and skipped < step
    return found + list(range(low + (step - skipped if is_wrapped else 0), last + 1, step))


def _alias(index: int, number: int) -> int:
    return number % 7 if index == _OF_WEEK else number


def _number(index: int, text: str) -> int:
    names = {_MONTH: _MONTHS, _OF_WEEK: _DAYS}.get(index, [])
    low, high = _BOUNDS[index]
    if text in names:
        return names.index(text) + low
    if not re.fullmatch("[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise ClockError(f"'{text}' is not {low} to {high}")
    return int(text)
