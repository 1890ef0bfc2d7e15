"""Crontab's forms and timings against others' implementations: 5,000 random expressions in ten time zones.

`cronsim` reads crontab and `aws-croniter` AWS's form; both only name wall-clock times here. What a wall clock does when
it is changed is counted out minute by minute, from UTC to the wall clock, which never is ambiguous.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from aws_croniter import AwsCroniter
from cronsim import CronSim, CronSimError
from tests.examples import rounds

from batchtab.schedules import crontab
from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.expression import check
from batchtab.schedules.timing import Timing

pytestmark = pytest.mark.slow

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",  # changed at midnight
    "Africa/Cairo",  # changed at midnight, so a day begins at 01:00
    "Asia/Jerusalem",
    "Australia/Lord_Howe",  # changed by half an hour
    "Pacific/Chatham",  # changed at 02:45
)
YEAR = 2027
PER_ZONE = rounds("SCHEDULE_ROUNDS", 150, in_ci=500)
MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=4)
RUNS = 4
NAMES_OF_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NAMES_OF_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Window:
    """The hours around a change of clocks, minute by minute."""

    begin: datetime
    end: datetime
    first: dict[datetime, datetime]  # wall clock to UTC, the first time that it shows this
    twice: frozenset[datetime]
    skipped: frozenset[datetime]


@cache
def windows(name: str) -> tuple[Window, ...]:
    zone = ZoneInfo(name)
    hours = [datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(365 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    changes = [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]
    return tuple(_window(change, zone) for change in changes)


def _window(change: datetime, zone: ZoneInfo) -> Window:
    begin, end = change - AROUND, change + AROUND
    first: dict[datetime, datetime] = {}
    twice: set[datetime] = set()
    moment = begin
    while moment <= end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if wall in first:
            twice.add(wall)
        first.setdefault(wall, moment)
        moment += MINUTE
    shown = sorted(first)
    every = {shown[0] + MINUTE * n for n in range(int((shown[-1] - shown[0]) / MINUTE) + 1)}
    return Window(begin, end, first, frozenset(twice), frozenset(every - set(shown)))


def expected(window: Window, walls: list[datetime]) -> list[tuple[datetime, str, datetime | None]]:
    """What shall become of wall-clock times: how it is told, and when it runs."""
    told = []
    for wall in walls:
        if wall in window.skipped:
            told.append((wall, f"skipped: {wall:%H:%M} does not exist on this day", None))
        elif wall in window.first:
            note = f"{wall:%H:%M} comes twice: runs once" if wall in window.twice else ""
            told.append((wall, note, window.first[wall]))
    return told


def found(window: Window, schedule: str, zone: str) -> list[tuple[datetime, str, datetime | None]]:
    told = []
    for each in Timing(crontab.to_aws(schedule), ZoneInfo(zone)).occurrences(window.begin - timedelta(seconds=1)):
        if each.at > window.end:
            break
        told.append((each.local.replace(tzinfo=None), each.note, each.at if each.runs else None))
    return told


class Written:
    """Writes random expressions, the same ones each time."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 (no secret)

    def _item(self, low: int, high: int, names: tuple[str, ...], kinds: str) -> str:
        pick = self._random.randint
        kind = self._random.choice(kinds)
        a, b = sorted(self._random.sample(range(low, high + 1), 2))
        step = self._random.choice((1, 2, 3, 5, 7, 10, 15)) if high > 15 else pick(1, 5)
        if kind == "n":
            if names and self._random.random() < 0.5:
                name = self._random.choice(names)
                return name if self._random.random() < 0.7 else name.lower()
            return f"{a:02d}" if high > 7 and self._random.random() < 0.1 else str(a)
        return {"*": "*", "r": f"{a}-{b}", "s": f"*/{step}", "f": f"{a}/{step}", "t": f"{a}-{b}/{step}"}[kind]

    def _field(self, low: int, high: int, star: float, names: tuple[str, ...] = (), kinds: str = "nnrsft") -> str:
        if self._random.random() < star:
            return "*"
        count = self._random.choice((1, 1, 1, 2, 3))
        items = [self._item(low, high, names, kinds) for _ in range(count)]
        return ",".join(items)

    def moment(self) -> datetime:
        """On no time zone's clock."""
        return datetime(self._random.randint(2020, 2040), self._random.randint(1, 12), 15, 12)

    def crontab(self) -> str:
        """Five fields; days of the week from 0 to 7, and now and then both kinds of days."""
        anyday = self._random.choice(("*", "*", "?"))
        dom, dow = anyday, self._field(0, 7, 0.0, NAMES_OF_DAYS)
        which = self._random.random()
        if which < 0.45:
            dom, dow = self._field(1, 31, 0.7), anyday
        elif which > 0.92:
            dom = self._field(1, 31, 0.0)
        parts = [self._field(0, 59, 0.1), self._field(0, 23, 0.35), dom, self._field(1, 12, 0.85, NAMES_OF_MONTHS), dow]
        return self._random.choice((" ", " ", "  ")).join(parts)

    def aws(self) -> str:
        """AWS's six fields."""
        if self._random.random() < 0.5:
            special = self._random.choice(("L", "L-3", "15W", "1W", "LW", "31W"))
            dom = self._field(1, 31, 0.6) if self._random.random() < 0.8 else special
            dow = "?"
        else:
            day = self._random.choice((*NAMES_OF_DAYS, *"1234567"))
            special = self._random.choice((f"{day}#{self._random.randint(1, 5)}", f"{day}L", "L"))
            dom, dow = "?", self._field(1, 7, 0.1, NAMES_OF_DAYS, "nnr") if self._random.random() < 0.8 else special
        year = self._random.choice(("*", "*", "*", "*", "*", "2026-2030", "2027", "2020/3", "2027,2029"))
        minutes, hours = self._field(0, 59, 0.1), self._field(0, 23, 0.35)
        return f"{minutes} {hours} {dom} {self._field(1, 12, 0.85, NAMES_OF_MONTHS)} {dow} {year}".upper()


def of_cronsim(expression: str) -> str:
    """The expression as cronsim has to be told it to mean what Kubernetes means by it.

    It has no `?`, and it lets a step of a single day of the week go on to 7, which is Sunday once more; in Kubernetes
    the week ends with 6.
    """
    fields = expression.replace("?", "*").split()
    fields[4] = ",".join(
        re.sub("^([0-5])/", r"\1-6/", re.sub("^([67])/[0-9]+$", r"\1", item)) for item in fields[4].split(",")
    )
    return " ".join(fields)


def walls_of_cronsim(expression: str, after: datetime, until: datetime) -> list[datetime]:
    walls = []
    for wall in CronSim(of_cronsim(expression), after):
        if wall > until:
            break
        walls.append(wall)
    return walls


def why_refused(expression: str) -> str:
    try:
        check(expression)
    except ScheduleError as error:
        return error.reason
    return ""


def is_restricted(field: str) -> bool:
    return field not in {"*", "?"}


@pytest.mark.parametrize("zone", ZONES)
def test_crontab_runs_when_cronsim_says_through_changes_of_clocks(zone: str) -> None:
    written = Written(f"crontab {zone}")
    refused = surprises = 0
    for _ in range(PER_ZONE):
        # GIVEN an expression of crontab
        expression = written.crontab()
        fields = expression.split()
        if is_restricted(fields[2]) and is_restricted(fields[4]):
            # THEN days of both kinds are refused, and the reason says so
            assert why_refused(expression).startswith("sets day-of-month and day-of-week"), expression
            refused += 1
            continue
        try:
            CronSim(of_cronsim(expression), datetime(YEAR, 1, 1))
        except CronSimError:
            # THEN a day that no month has is refused
            assert why_refused(expression).startswith("never happens"), expression
            refused += 1
            continue

        # WHEN it is read on the wall clock of a zone, in the hours around each change of clocks
        for window in windows(zone):
            walls = walls_of_cronsim(expression, min(window.first) - MINUTE, max(window.first))
            wanted = expected(window, walls)
            surprises += sum(note != "" for _, note, _ in wanted)

            # THEN it runs at the minutes that cronsim names, but for those that are left out or recur
            assert found(window, expression, zone) == wanted, expression

        # AND the next runs from any other moment are cronsim's as well
        moment = written.moment()
        timing = Timing(crontab.to_aws(expression))
        runs = timing.next_runs(moment.replace(tzinfo=UTC), RUNS)
        assert runs == [wall.replace(tzinfo=UTC) for wall in islice(CronSim(of_cronsim(expression), moment), RUNS)]
    assert refused < PER_ZONE / 5
    assert surprises > PER_ZONE


def knows(fields: str) -> bool:
    """Whether aws-croniter reads an expression as AWS does: jobs/cron.py tells why not, and its test that it is so."""
    day_of_month, _, day_of_week, year = fields.split()[2:]
    return day_of_month != "LW" and day_of_week != "L" and "/" not in year


@pytest.mark.parametrize("zone", ZONES)
def test_the_form_of_aws_runs_when_aws_croniter_says_through_changes_of_clocks(zone: str) -> None:
    written = Written(f"aws {zone}")
    compared = surprises = 0
    for _ in range(PER_ZONE):
        # GIVEN an expression of AWS's form that aws-croniter reads
        fields = written.aws()
        expression = f"cron({fields})"
        reason = why_refused(expression)
        assert reason == "" or reason.startswith("never happens"), expression
        if reason or not knows(fields):
            continue
        compared += 1
        theirs = AwsCroniter(fields)

        # WHEN it is read on the wall clock of a zone, in the hours around each change of clocks
        for window in windows(zone):
            begin, end = (each.replace(tzinfo=UTC) for each in (min(window.first), max(window.first)))
            walls = [run.replace(tzinfo=None) for run in theirs.get_all_schedule_bw_dates(begin, end)]
            wanted = expected(window, walls)
            surprises += sum(note != "" for _, note, _ in wanted)

            # THEN it runs at the minutes that aws-croniter names, but for those that are left out or recur
            assert found(window, expression, zone) == wanted, expression
    assert compared > PER_ZONE * 3 / 4
    assert surprises > PER_ZONE


def test_each_zone_changes_its_clocks_twice() -> None:
    for zone in ZONES:
        forward, back = sorted(windows(zone), key=lambda window: len(window.twice))
        assert forward.skipped, zone
        assert not forward.twice, zone
        assert back.twice, zone
        assert not back.skipped, zone
