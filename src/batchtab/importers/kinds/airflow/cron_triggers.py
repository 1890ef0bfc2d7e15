"""Airflow's cron expressions as triggers of jobs.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchtab.importers import triggers
from batchtab.importers.engines import _croniter
from batchtab.importers.triggers import Trigger
from batchtab.schedules.crontab import to_aws

_PRESETS = {"@quarterly": "0 0 1 */3 *"}
_FIELDS, _OF_WEEK = 5, 4
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def of_crons(texts: Sequence[str], timezone: str) -> list[Trigger]:
    """The triggers of expressions that together start one run for each time.

    Raises:
        ScheduleError: jobs.yaml has no such schedule.
    """
    found = [trigger for each in texts for trigger in _of_cron(each, timezone)]
    return _without_each_other(found) if len(texts) > 1 else found


def _of_cron(text: str, timezone: str) -> list[Trigger]:
    fields = _PRESETS.get(text, text).upper().split()
    if len(fields) != _FIELDS:
        return triggers.of_fields(text, timezone, is_kubernetes=True)
    if fields[2] == "L" and fields[4] in {"*", "?"}:
        return [Trigger(f"cron({fields[0]} {fields[1]} L {fields[3]} ? *)", timezone)]
    nth = re.fullmatch(r"([0-7]|[A-Z]{3})#([1-5])|L([0-7])", fields[4])
    if nth and fields[2] in {"*", "?"}:
        day = nth[1] or nth[3]
        name = _DAYS[int(day) % 7] if day.isdigit() else day
        week = f"{name}#{nth[2]}" if nth[2] else f"{name}L"
        return [Trigger(f"cron({fields[0]} {fields[1]} ? {fields[3]} {week} *)", timezone)]
    plain = [_listed(index, each) for index, each in enumerate(_PRESETS.get(text, text).split())]
    found = _croniter.parse(text)
    if len(found.of_month) == _croniter.ALL[2] or len(found.of_week) == _croniter.ALL[_OF_WEEK]:
        plain[2] = plain[_OF_WEEK] = "*"  # either day counts, and one of the two is every day
    return triggers.of_fields(" ".join(plain), timezone, is_kubernetes=True)


def _listed(index: int, text: str) -> str:
    """A field that croniter and crontab read differently as its values: `1/2` of days, `5-5`, and ranges that wrap."""
    if not any(_is_peculiar(index, each) for each in text.lower().split(",")):
        return text
    found = _croniter.numbers(index, text.lower())
    return "*" if len(found) == _croniter.ALL[index] else ",".join(map(str, sorted(found)))


def _is_peculiar(index: int, item: str) -> bool:
    base, slash, _ = item.partition("/")
    first, dash, last = base.partition("-")
    if not dash:
        return bool(slash) and index == _OF_WEEK and base != "*"
    numbers = [*map(int, (first, last))] if first.isdigit() and last.isdigit() else []
    return first == last or (bool(numbers) and numbers[0] > numbers[1])


def _without_each_other(found: list[Trigger]) -> list[Trigger]:
    """Several expressions start one run for each time: the later ones exclude the times of those before."""
    changed: list[Trigger] = []
    for each in found:
        excluded = tuple(to_aws(other.schedule) for other in changed)
        note = each.note or "the later schedules exclude the times of those before"
        changed.append(
            Trigger(each.schedule, each.timezone, (*each.except_, *excluded), note if excluded else each.note)
        )
    return changed
