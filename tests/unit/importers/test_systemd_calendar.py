"""Random `OnCalendar=` expressions: jobs.yaml starts a job when they do; and systemd itself agrees with the engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest
from tests.examples import rounds
from tests.unit.importers.schedule_texts import SINCE, calendar_text, differing

from batchtab.importers import engines
from batchtab.importers.imported import SourceClock
from batchtab.importers.kinds.systemd.schedules import schedules
from batchtab.importers.triggers import ScheduleError

EXPRESSIONS = 2_000
SEED = rounds("BATCHTAB_CRONTAB_SEED", 20_261, in_ci=20_261)
PARTS = 4
CENTURIES = timedelta(days=365 * 200)
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.parametrize("part", range(PARTS))
def test_random_expressions_start_at_the_same_times(part: int) -> None:
    random = Random(SEED + part)  # noqa: S311 - a seed
    results: Counter[str] = Counter()
    for _ in range(rounds("BATCHTAB_CALENDAR_TEXTS", 50, in_ci=EXPRESSIONS // PARTS)):
        text, span = calendar_text(random)
        clock = SourceClock("systemd", text)
        is_refused = bool(engines.is_valid(clock))
        try:
            found = schedules([text], "UTC")
        except ScheduleError as error:
            results["refused" if is_refused or "never" in error.reason else f"{text}: {error.reason}"] += 1
            continue
        assert not is_refused, text
        assert not (differences := differing(clock, found, span)), (text, found, differences.most_common(3))
        results["same"] += 1
    # Refused are those that both refuse, and days that never come.
    assert results["same"] + results["refused"] == results.total(), results
    assert results["same"] > results["refused"] * 9


@pytest.mark.parametrize("part", range(2))
def test_several_lines_of_a_timer_start_once(part: int) -> None:
    random = Random(SEED + 200 + part)  # noqa: S311 - a seed
    results: Counter[int] = Counter()
    for _ in range(rounds("BATCHTAB_CALENDAR_TEXTS", 40, in_ci=EXPRESSIONS // PARTS)):
        lines, spans = zip(*(calendar_text(random) for _ in range(random.randint(2, 3))), strict=True)
        lines = tuple(f"{line.split(' ')[0]} 06:00" if random.random() < 0.2 else line for line in lines)
        clock = SourceClock("systemd", "\n".join(lines))
        if engines.is_valid(clock):
            continue
        try:
            found = schedules(lines, "UTC")
        except ScheduleError:
            continue
        differences = differing(clock, found, min(spans))
        # Only where an earlier line has exclusions of its own may a time come twice.
        assert not differences or any(each.except_ for each in found), (lines, found, differences.most_common(3))
        assert not any(each.startswith("-") for each in differences), (lines, found, differences.most_common(3))
        results[len(found)] += 1
    assert results[2]


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze")
def test_systemd_agrees_with_the_engine() -> None:
    random = Random(SEED + 300)  # noqa: S311 - a seed
    compared = 0
    for _ in range(rounds("BATCHTAB_CALENDAR_TEXTS", 80, in_ci=EXPRESSIONS // 2)):
        text, _ = calendar_text(random)
        own = _of_systemd(text)
        clock = SourceClock("systemd", text)
        if own is None:
            continue
        compared += 1
        engine = [*islice(engines.times(clock, SINCE + timedelta(seconds=1), SINCE + CENTURIES), 12)]
        assert engine == own, text
    assert compared > 20


@pytest.mark.parametrize(
    ("text", "schedule", "excluded"),
    [
        ("daily", "0 0 * * *", 0),
        ("weekly", "0 0 * * MON", 0),
        ("quarterly", "0 0 1 1/3 *", 0),
        ("semiannually", "0 0 1 1,7 *", 0),
        ("minutely", "* * * * *", 0),
        ("*:0/15", "*/15 * * * *", 0),
        ("Mon..Fri 22:30", "30 22 * * MON-FRI", 0),
        ("*-*~1 03:00", "cron(0 3 L * ? *)", 0),
        ("*-*~3 03:00", "cron(0 3 L-2 * ? *)", 0),
        ("Sat *-*-1..7 18:00", "cron(0 18 ? * SAT#1 *)", 0),
        ("Mon *-05~07/1", "cron(0 0 ? 5 MONL *)", 0),
        ("Mon,Sun *-*-1..7", "0 0 * * MON,SUN", 1),
        ("*-*~7/1", "0 0 22-31 * *", 3),
        ("2026-02-03 4:05", "cron(5 4 3 2 ? 2026)", 0),
    ],
)
def test_expressions(text: str, schedule: str, excluded: int) -> None:
    (found,) = schedules([text], "UTC")
    assert (found.schedule, len(found.except_)) == (schedule, excluded)
    assert not differing(SourceClock("systemd", text), [found], timedelta(days=3 if text == "minutely" else 1_500))


def test_lines_that_differ_in_one_field_are_one_schedule() -> None:
    assert [each.schedule for each in schedules(["06:00", "18:00"], "UTC")] == ["0 6,18 * * *"]
    assert [each.schedule for each in schedules(["Mon 06:00", "Fri 06:00"], "UTC")] == ["0 6 * * MON,FRI"]
    found = schedules(["06:00", "Mon 06,07:00"], "UTC")
    assert [(each.schedule, each.except_) for each in found] == [
        ("0 6 * * *", ()),
        ("0 6,7 * * MON", ("cron(0 6 * * ? *)",)),
    ]


@pytest.mark.parametrize(
    ("text", "zone"), [("08:00 Asia/Seoul", "Asia/Seoul"), ("hourly Europe/Berlin", None), ("08:00", "Europe/Paris")]
)
def test_zones(text: str, zone: str | None) -> None:
    (found,) = schedules([text], "Europe/Paris")
    assert found.timezone == zone
    # What is said of UTC is what the proof finds: systemd leaves out the second of two hours that are the same.
    assert ("systemd starts nothing" in found.note) is (zone is None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*:*:30", "has seconds"),
        ("*:*:0/10", "has seconds"),
        ("22..2:00", "runs backwards"),
        ("Sun..Mon", "runs backwards"),
        ("25:00", "0 to 23"),
        ("*:0/0", "has the step '0'"),
        ("08:00 KST", "is an abbreviation"),
        ("@1395716396", "not a day of the week"),
        ("1-2-3-4", "not a date"),
        ("1:2:3:4", "not a time"),
        ("*-02-30", "never happens"),
        ("a b c 1:00", "not a day of the week"),
    ],
)
def test_what_cannot_be_expressed(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError, match=re.escape(reason)):
        schedules([text], "UTC")


def _of_systemd(text: str) -> list[datetime] | None:
    """The first twelve times after `SINCE`; None if systemd refuses the expression."""
    assert ANALYZE
    result = subprocess.run(
        [ANALYZE, "calendar", "--iterations=12", f"--base-time={SINCE:%Y-%m-%d %H:%M:%S} UTC", text],
        capture_output=True,
        text=True,
        check=False,
        env={"TZ": "UTC", "LC_ALL": "C"},
    )
    if result.returncode:
        return None
    found = re.findall(r"(?:Next elapse|Iter\. #[0-9]+): \w+ (\S+ \S+) UTC", result.stdout)
    return [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in found]
