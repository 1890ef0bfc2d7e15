"""Random lines of crontabs and Kubernetes: jobs.yaml starts a job when they do, or the import says why it cannot."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from tests.examples import examples, rounds
from tests.unit.importers.schedule_texts import crontab_fields, differing

from batchtab.importers import engines, triggers
from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.imported import SourceClock
from batchtab.importers.kinds.crontab import schedule as crontab_schedule
from batchtab.importers.triggers import ScheduleError

LINES = 10_000
SEED = rounds("BATCHTAB_CRONTAB_SEED", 20_261, in_ci=20_261)
#: Lines of one test; all of them together are `LINES` in CI.
PARTS = 5


@pytest.mark.parametrize("part", range(PARTS))
def test_random_lines_of_crontab_start_at_the_same_times(part: int) -> None:
    random = Random(SEED + part)  # noqa: S311 - a seed
    results: Counter[str] = Counter()
    for _ in range(rounds("BATCHTAB_CRONTAB_LINES", 40, in_ci=LINES // PARTS)):
        # GIVEN a line WHEN it is imported
        fields, span = crontab_fields(random)
        recorder = Recorder(Findings())
        when = crontab_schedule.of_entry(fields, "UTC", recorder)
        # THEN its times are the source's, or it has none and a person is asked
        if when.clock is None or not when.triggers:
            assert recorder.findings.decisions(), fields
            results["reported"] += 1
            continue
        assert when.clock == SourceClock("vixie", fields, "UTC")
        found = differing(when.clock, when.triggers, span)
        assert not found, (fields, [each.settings() for each in when.triggers], found.most_common(3))
        results[f"{len(when.triggers)} jobs"] += 1
    # AND few lines are reported, those that never happen or that cron refuses
    assert results["reported"] * 5 < results.total(), results
    assert results["1 jobs"]
    assert results["2 jobs"]


@pytest.mark.parametrize("part", range(2))
def test_random_lines_of_kubernetes_start_at_the_same_times(part: int) -> None:
    random = Random(SEED + 100 + part)  # noqa: S311 - a seed
    results: Counter[str] = Counter()
    for _ in range(rounds("BATCHTAB_CRONTAB_LINES", 40, in_ci=LINES // PARTS)):
        fields, span = crontab_fields(random)
        if fields.split()[4].count("7"):
            fields = fields.replace("7", "6")  # Kubernetes has no 7
        clock = SourceClock("kubernetes", fields)
        if engines.is_valid(clock):
            results["refused"] += 1
            continue
        try:
            found = triggers.of_fields(fields, is_kubernetes=True)
        except ScheduleError:
            results["reported"] += 1
            continue
        assert not (differences := differing(clock, found, span)), (fields, found, differences.most_common(3))
        results["same"] += 1
    assert results["same"] > results.total() * 0.7, results


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_in_a_zone_only_the_days_of_clock_changes_differ(zone: str) -> None:
    random = Random(SEED + len(zone))  # noqa: S311 - a seed
    for _ in range(examples(125)):
        fields, span = crontab_fields(random)
        when = crontab_schedule.of_entry(fields, zone, Recorder(Findings()))
        if when.clock is None or not when.triggers:
            continue
        found = differing(when.clock, when.triggers, span)
        days = {each[2:12] for each in found}
        # Clocks change on two days of a year, of which a time may be on the next or last day in UTC.
        assert len(days) <= 4, (fields, zone, found.most_common(5))


@pytest.mark.parametrize(
    ("fields", "jobs"),
    [
        ("0 9 13 * 5", [("0 9 13 * *", ()), ("0 9 * * 5", ("cron(0 9 13 * ? *)",))]),
        ("0 9 */2 * 1", [("0 9 * * 1", ("cron(0 9 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 * ? *)",))]),
        ("0 9 1 * */3", [("0 9 1 * *", ("cron(0 9 ? * MON,TUE,THU,FRI *)",))]),
        ("19 12 1-31 jun 1", [("19 12 * jun *", ())]),
        ("0 0 */2,13 * 0-7", [("0 0 */2,13 * *", ())]),
        ("0 0 5,* * 1", [("0 0 * * *", ())]),
        ("0 0 *,5 * 1", [("0 0 * * 1", ())]),
        ("*/90 */30 * * *", [("0 0 * * *", ())]),
        ("0 0 31 2 1", [("0 0 * 2 1", ())]),
        ("0 0 31 FEB MON", [("0 0 * FEB MON", ())]),
        ("0 5 * * 7", [("0 5 * * 7", ())]),
        ("0 5 * * 0-7", [("0 5 * * *", ())]),
        ("0 5 * * 5-7", [("0 5 * * 5-7", ())]),
        ("0 5 * JAN-MAR/2 Mon", [("0 5 * JAN-MAR/2 Mon", ())]),
        ("@weekly", [("@weekly", ())]),
        ("@every_minute", [("* * * * *", ())]),
    ],
)
def test_days_of_both_fields(fields: str, jobs: list[tuple[str, tuple[str, ...]]]) -> None:
    when = crontab_schedule.of_entry(fields, "UTC", Recorder(Findings()))
    assert [(each.schedule, each.except_) for each in when.triggers] == jobs
    assert when.clock is not None
    assert not differing(when.clock, when.triggers, timedelta(days=731))


@pytest.mark.parametrize(
    ("fields", "minutes", "schedule"),
    [
        ("0~30 4 * * *", 30, "0 4 * * *"),
        ("~ 4 * * *", 59, "0 4 * * *"),
        ("10~ 2~4 * * *", 49 + 120, "10 2 * * *"),
    ],
)
def test_a_value_by_chance_is_a_window(fields: str, minutes: int, schedule: str) -> None:
    recorder = Recorder(Findings())
    when = crontab_schedule.of_entry(fields, "UTC", recorder)
    assert (when.window_minutes, when.triggers[0].schedule) == (minutes, schedule)
    assert not recorder.findings.decisions()
    assert not differing(SourceClock("vixie", fields), when.triggers, timedelta(days=366))


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ("@reboot", "no machine boots"),
        ("@every 5m", "cron refuses it"),
        ("0 5 1~7 * *", "cron chose one by chance"),
        ("0~9,30~39 5 * * *", "no range of values by chance"),
        ("99 * * * *", "cron refuses it"),
        ("0 5 * * fri-mon", "fri-mon runs backwards: Debian's cron never starts it"),
        ("0 5 * * sat-sun", "sat-sun runs backwards"),
        ("0 22-2 * * *", "22-2 runs backwards"),
        ("0 5 31 2 *", "cron takes it and never starts it"),
        ("0 5 30 feb *", "cron takes it and never starts it"),
        ("0 5 31 4,6 */2", "cron takes it and never starts it"),
        ("0 5 32 2 *", "cron refuses it"),
        ("@DAILY", "it knows words in lower case only"),
        ("@Reboot", "it knows words in lower case only"),
        ("0 5 L * *", "which crontab doesn't know"),
        ("0 5 * * 5#1", "which crontab doesn't know"),
        ("5/15 * * * *", "5/15 begins at 5"),
    ],
)
def test_what_a_person_has_to_decide(fields: str, note: str) -> None:
    recorder = Recorder(Findings())
    crontab_schedule.of_entry(fields, "UTC", recorder)
    (finding,) = recorder.findings.decisions()
    assert note in finding.note
