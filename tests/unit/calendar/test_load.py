from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.calendar.support import Jobs, calendar, week

from batchtab.calendar.load import Load, Reservation, reservations

HOUR = 3600
MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)


def held(root: Path, jobs: Jobs, max_vcpus: int = 16) -> list[Reservation]:
    return reservations(calendar(root, jobs, week("2026-05-04", "UTC"), max_vcpus=max_vcpus))


def spans(root: Path, **job: Any) -> list[tuple[float, float]]:
    """Hours from when to when a job's runs hold vCPUs on Monday morning."""
    found = held(root, {"a-b": {"timezone": "UTC", "usual_duration_seconds": 90 * 60, "timeout_seconds": 7200, **job}})
    return [(hold.start / HOUR, hold.end / HOUR) for hold in found if hold.start < 6 * HOUR]


def test_a_run_holds_its_vcpus_as_long_as_it_usually_takes_and_else_until_its_timeout(tmp_path: Path) -> None:
    # GIVEN two jobs at the same time, one of which says how long it takes
    jobs = {
        "a-known": {"schedule": "0 3 4 5 *", "vcpus": 2, "usual_duration_seconds": 600, "timeout_seconds": 7200},
        "a-bound": {"schedule": "0 3 4 5 *", "vcpus": 3, "timeout_seconds": 3600},
    }

    # WHEN
    found = held(tmp_path, jobs)

    # THEN
    assert [(hold.start, hold.seconds, hold.vcpus, hold.is_usual) for hold in found] == [
        (3 * HOUR, 600, 2, True),
        (3 * HOUR, 3600, 3, False),
    ]
    load = Load.of(found, 7 * 24 * HOUR)
    assert load.steps == [
        (0, 0, 0),
        (3 * HOUR, 2, 5),
        (3 * HOUR + 600, 0, 3),
        (4 * HOUR, 0, 0),
    ]
    assert load.peak == (3 * HOUR, 5)
    assert load.peaks([0, 3 * HOUR, 3 * HOUR + 600, 3 * HOUR + 900, 4 * HOUR, 5 * HOUR]) == [
        (0, 0), (2, 5), (0, 3), (0, 3), (0, 0),
    ]  # fmt: skip


def test_a_run_of_the_day_before_still_holds_its_vcpus(tmp_path: Path) -> None:
    found = held(tmp_path, {"a-b": {"schedule": "0 22 3 5 *", "timeout_seconds": 4 * HOUR}})

    assert [(hold.start, hold.end) for hold in found] == [(-2 * HOUR, 2 * HOUR)]
    assert Load.of(found, 7 * 24 * HOUR).steps == [(0, 0, 1), (2 * HOUR, 0, 0)]


def test_a_suspended_job_and_an_excepted_day_hold_nothing(tmp_path: Path) -> None:
    jobs = {
        "a-off": {"schedule": "0 3 * * *", "suspend": True},
        "a-on": {"schedule": "0 3 * * *", "except": ["2026-05-05/2026-05-10"], "concurrency_policy": "forbid"},
    }

    assert [(hold.timeline, hold.start) for hold in held(tmp_path, jobs)] == [(1, 3 * HOUR)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("allow", [(0, 1.5), (1, 2.5), (2, 3.5), (3, 4.5)]),
        ("forbid", [(0, 1.5), (2, 3.5)]),
        ("replace", [(0, 1), (1, 2), (2, 3), (3, 4.5)]),
        ("queue", [(0, 1.5), (1.5, 3), (3, 4.5), (4.5, 6)]),
    ],
)
def test_only_with_the_policy_allow_a_job_meets_itself(
    policy: str, expected: list[tuple[float, float]], tmp_path: Path
) -> None:
    assert spans(tmp_path, schedule="0 0-3 4 5 *", concurrency_policy=policy) == expected


def test_a_queue_that_is_full_takes_no_more(tmp_path: Path) -> None:
    # GIVEN a run each half an hour, each of which takes 90 minutes, and room for one that waits
    # THEN that of 00:30 waits until 01:30, that of 01:00 is dropped, and that of 01:30 has room again
    found = spans(tmp_path, schedule="0,30 0-1 4 5 *", concurrency_policy="queue", queue_limit=1)

    assert found == [(0, 1.5), (1.5, 3), (3, 4.5)]


def test_of_an_array_as_many_children_count_as_fit_for_so_much_longer(tmp_path: Path) -> None:
    # GIVEN 10 children of 2 vCPUs where 7 vCPUs are
    job = {"schedule": "0 3 4 5 *", "vcpus": 2, "array_size": 10, "usual_duration_seconds": 600}

    # WHEN
    (found,) = held(tmp_path, {"a-b": job}, max_vcpus=7)

    # THEN 3 run at once, 4 times in a row
    assert (found.vcpus, found.child_vcpus, found.seconds) == (6, 2, 4 * 600)


def test_nothing_is_asked_for_by_no_jobs(tmp_path: Path) -> None:
    load = Load.of(held(tmp_path, {"a-b": {}}), 7 * 24 * HOUR)

    assert load.peak == (0, 0)
    assert load.peaks([0, HOUR, 2 * HOUR]) == [(0, 0), (0, 0)]


def test_the_sum_is_that_of_each_second() -> None:
    # GIVEN holds by chance, in a short week
    chance = random.Random(7)  # noqa: S311
    for _ in range(50):
        found = []
        for _ in range(chance.randint(1, 12)):
            start = chance.randint(-20, 90)
            end = max(start + chance.randint(1, 40), 1)
            found.append(Reservation(start, end, chance.choice([0.25, 1, 2]), 1, 0, chance.random() < 0.5))

        # WHEN summed up in bins of 7 seconds
        edges = [*range(0, 100, 7), 100]
        peaks = Load.of(found, 100).peaks(edges)

        # THEN it is what counting second by second gives
        def total(second: int, *, usual: bool, reservations: list[Reservation] = found) -> float:
            return sum(h.vcpus for h in reservations if h.start <= second < h.end and (h.is_usual or not usual))

        for begin, end, (usual, all_) in zip(edges, edges[1:], peaks, strict=False):
            assert usual == max(total(second, usual=True) for second in range(begin, end))
            assert all_ == max(total(second, usual=False) for second in range(begin, end))
