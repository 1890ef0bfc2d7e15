"""The proof: equal schedules are equal, and whatever differs is found, counted and classified."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from tests.examples import rounds

from batchtab.declarations.job import JobSpec
from batchtab.importers import engines, proof
from batchtab.importers.imported import Fires, SourceClock
from batchtab.importers.proof import CLOCK_CHANGE, DAYS, OTHER, PERIOD, PHASE, Proven

SINCE = datetime(2026, 11, 30, tzinfo=UTC)


def proven(clock: SourceClock, *settings: dict[str, object], years: int = 5) -> Proven:
    jobs = {
        f"job-{index}": JobSpec.model_validate({"command": ["true"], **each}) for index, each in enumerate(settings)
    }
    (found,) = proof.prove([Fires(clock, tuple(jobs))], jobs, SINCE, years)
    return found


@pytest.mark.parametrize(
    ("engine", "expression", "timezone", "schedule"),
    [
        ("vixie", "0 9 * * 1-5", "Asia/Seoul", "0 9 * * MON-FRI"),
        ("kubernetes", "5 4 1 * *", "Europe/Berlin", "cron(5 4 1 * ? *)"),
        ("systemd", "Mon..Fri *-*-* 09:00:00", "America/New_York", "0 9 * * 1-5"),
        ("systemd", "*-*~1 06:00", "UTC", "cron(0 6 L * ? *)"),
        ("aws", "cron(0 18 ? * MON#2 *)", "UTC", "cron(0 18 ? * MON#2 *)"),
        ("aws", "cron(15 10 LW * ? *)", "UTC", "cron(15 10 LW * ? *)"),
        ("aws", "cron(15 10 ? * 6L 2026/2)", "UTC", "cron(15 10 ? * FRIL 2026/2)"),
        ("aws", "at(2027-03-01T09:30:00)", "Asia/Seoul", "at(2027-03-01T09:30:00)"),
        ("once", "2027-03-01T00:30:00+00:00", "UTC", "at(2027-03-01T00:30:00)"),
    ],
)
def test_the_same_times_are_equal(engine: str, expression: str, timezone: str, schedule: str) -> None:
    found = proven(SourceClock(engine, expression, timezone), {"schedule": schedule, "timezone": timezone})
    assert found.is_equal, found.differences
    assert found.times > 0


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("1 9 * * *", "2026-11-30T09:00Z"),  # a minute later
        ("0 9 * * 0-5", "2026-12-05T09:00Z"),  # no Saturday
        ("0 9 1-30 * *", "2026-12-31T09:00Z"),
        ("0 9 * 1-11 *", "2026-12-01T09:00Z"),
        ("cron(0 9 * * ? 2026-2030)", "2031-01-01T09:00Z"),
    ],
)
def test_any_other_schedule_is_found_with_its_first_date(schedule: str, first: str) -> None:
    found = proven(SourceClock("vixie", "0 9 * * *"), {"schedule": schedule})
    missing = next(each for each in found.differences if each.is_missing)
    assert (missing.cause, missing.first) == (OTHER, first)
    assert not found.is_expected


def test_a_job_too_many_is_found() -> None:
    found = proven(SourceClock("vixie", "0 9 * * *"), {"schedule": "0 9 * * *"}, {"schedule": "0 9 * * 5"})
    (extra,) = found.differences
    assert not extra.is_missing
    assert extra.count == 260


def test_fixed_times_of_cron_survive_a_change_of_clocks_and_those_of_scheduler_do_not() -> None:
    settings = {"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}
    (missing,) = proven(SourceClock("vixie", "30 2 * * *", "Europe/Berlin"), settings).differences
    # Debian's cron makes up for the skipped time as soon as the clocks are changed.
    assert (missing.cause, missing.is_missing, missing.first, missing.count) == (
        CLOCK_CHANGE,
        True,
        "2027-03-28T01:00Z",
        5,
    )
    # Kubernetes skips it too, and starts the time that comes twice twice.
    (twice,) = proven(SourceClock("kubernetes", "30 2 * * *", "Europe/Berlin"), settings).differences
    assert (twice.cause, twice.is_missing, twice.first, twice.count) == (CLOCK_CHANGE, True, "2027-10-31T01:30Z", 5)


def test_wrongly_combined_days_are_named_so() -> None:
    # GIVEN Debian's cron, which takes `*/2` and Monday for days that are both, imported as if either counted
    found = proven(
        SourceClock("vixie", "0 9 */2 * 1"),
        {"schedule": "0 9 */2 * *"},
        {"schedule": "0 9 * * 1", "except": ["cron(0 9 1/2 * ? *)"]},
    )
    # THEN the proof says that the days are combined in another way
    assert {each.cause for each in found.differences} == {DAYS}


@pytest.mark.parametrize(
    ("clock", "schedule", "causes"),
    [
        (SourceClock("aws", "rate(5 minutes)"), "rate(5 minutes)", []),
        (SourceClock("aws", "rate(5 minutes)"), "rate(6 minutes)", [PERIOD]),
        (SourceClock("period", "300 seconds"), "rate(5 minutes)", []),
        (SourceClock("kubernetes", "@every 1h"), "rate(1 hour)", []),
        (SourceClock("kubernetes", "@every 1h"), "0 * * * *", [PHASE]),
        (SourceClock("kubernetes", "@every 1h"), "0 */2 * * *", [PERIOD]),
    ],
)
def test_periods_are_compared_by_their_length(clock: SourceClock, schedule: str, causes: list[str]) -> None:
    assert [each.cause for each in proven(clock, {"schedule": schedule}).differences] == causes


def test_bounds_of_the_source_count() -> None:
    clock = SourceClock("aws", "cron(0 9 * * ? *)", "UTC", "2027-01-01T00:00:00+00:00", "2027-02-01T00:00:00+00:00")
    bounded = {"schedule": "0 9 * * *", "start": "2027-01-01T00:00", "end": "2027-01-31T23:59"}
    assert proven(clock, bounded).is_equal
    assert not proven(clock, {"schedule": "0 9 * * *"}).is_equal


def test_frequent_schedules_are_counted_in_full_by_their_days() -> None:
    # GIVEN five years of a schedule of each minute, across clock changes
    clock = SourceClock("kubernetes", "* * * * *", "America/New_York")
    found = proven(clock, {"schedule": "* * * * *"}, years=1)
    # THEN each minute is counted
    assert (found.is_equal, found.times) == (True, 365 * 1440 - 2 * 1440)


def test_each_of_two_jobs_is_compared_on_a_day_of_its_own() -> None:
    clock = SourceClock("vixie", "*/5 9 13 * 5")
    right = {"schedule": "*/5 9 13 * *"}
    excluded = {"except": ["cron(*/5 9 13 * ? *)"]}
    assert proven(clock, right, {"schedule": "*/5 9 * * 5", **excluded}).is_equal
    # GIVEN a second job with other minutes, which the first ordinary day, a 13th or a Friday, may not show
    for schedule in ("*/6 9 * * 5", "*/5 8 * * 5"):
        found = proven(clock, right, {"schedule": schedule, "except": [f"cron({schedule[:6]}13 * ? *)"]})
        assert not found.is_equal, schedule
    found = proven(clock, {"schedule": "*/6 9 13 * *"}, {"schedule": "*/5 9 * * 5", **excluded})
    assert not found.is_equal


def _random_field(random_: random.Random, low: int, high: int) -> str:
    kind = random_.choice(["any", "one", "list", "range", "step", "any"])
    first = random_.randint(low, high)
    last = random_.randint(first, high)
    return {
        "any": "*",
        "one": str(first),
        "list": ",".join(str(each) for each in sorted({first, last, low})),
        "range": f"{first}-{last}",
        "step": f"*/{random_.randint(1, max(1, (high - low) // 2))}",
    }[kind]


@pytest.mark.parametrize("engine", ["vixie", "cronie", "kubernetes"])
def test_the_comparison_by_days_is_the_comparison_in_full(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random_ = random.Random(20)  # noqa: S311 - no secret
    for _ in range(rounds("BATCHTAB_PROOF_ROUNDS", 4, in_ci=40)):
        text = f"{_random_field(random_, 0, 59)} {_random_field(random_, 0, 23)} {_random_field(random_, 1, 31)} * *"
        other = text if random_.random() < 0.5 else f"{_random_field(random_, 0, 59)} {text.partition(' ')[2]}"
        zone = random_.choice(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
        clock, settings = SourceClock(engine, text, zone), {"schedule": other, "timezone": zone}
        by_days = proven(clock, settings, years=1)
        with monkeypatch.context() as patch:
            patch.setattr(proof, "has_several", lambda _: False)
            in_full = proven(clock, settings, years=1)
        assert by_days.times == in_full.times, text
        # The first date of what differs on each day may be that of the day that speaks for all.
        assert [(each.cause, each.is_missing, each.count) for each in by_days.differences] == [
            (each.cause, each.is_missing, each.count) for each in in_full.differences
        ], (text, other, zone)


@pytest.mark.parametrize(
    ("engine", "expression"),
    [
        ("vixie", "61 * * * *"),
        ("vixie", "nonsense"),
        ("kubernetes", "* * * *"),
        ("kubernetes", "5-1 * * * *"),
        ("kubernetes", "@every 5"),
        ("systemd", "Someday 12:00"),
        ("aws", "cron(0 9 * * ?)"),
        ("aws", "every day"),
        ("period", "5 minutes"),
        ("once", "tomorrow"),
    ],
)
def test_an_engine_refuses_what_its_source_refuses(engine: str, expression: str) -> None:
    assert engines.is_valid(SourceClock(engine, expression))
