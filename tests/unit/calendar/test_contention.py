from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.unit.calendar.support import Jobs, calendar, week, write

from batchtab.calendar import timeline
from batchtab.calendar.contention import Contention, contentions
from batchtab.calendar.load import Load, Reservation, reservations
from batchtab.calendar.recurrence import recurrences
from batchtab.calendar.timeline import Calendar
from batchtab.declarations import catalog

HOUR = 3600


def piled(root: Path, jobs: Jobs, max_vcpus: int) -> tuple[Calendar, list[Contention]]:
    found = calendar(root, jobs, week("2026-05-04", "UTC"), max_vcpus=max_vcpus)
    hold = reservations(found)
    return found, contentions(found, hold, Load.of(hold, found.week.seconds))


def test_runs_that_fit_do_not_pile_up(tmp_path: Path) -> None:
    _, found = piled(tmp_path, {f"a-{name}": {"schedule": "0 3 * * *"} for name in "bcde"}, max_vcpus=4)

    assert found == []


def test_runs_that_do_not_fit_wait_for_those_before_them(tmp_path: Path) -> None:
    # GIVEN four jobs at 03:00 on one day, of which two fit, and one at 03:10
    early = {"schedule": "0 3 4 5 *", "usual_duration_seconds": 1800}
    jobs = {**{f"a-{name}": early for name in "bcde"}, "b-late": {**early, "schedule": "10 3 4 5 *"}}

    # WHEN
    calendar_, (found,) = piled(tmp_path, jobs, max_vcpus=2)

    # THEN two wait for half an hour, and the late one for 50 minutes: until 04:00
    assert (found.start, found.end) == (3 * HOUR, 4 * HOUR)
    assert [(wait.reservation.timeline, wait.began) for wait in found.waits] == [
        (2, 3.5 * HOUR),
        (3, 3.5 * HOUR),
        (4, 4 * HOUR),
    ]
    assert found.longest == 50 * 60
    assert found.wanted == 5
    assert sorted(found.meeting.elements()) == [0, 1, 2, 3, 4]
    (told,) = recurrences(calendar_, [found])
    assert told.when == "Mon 4 May 03:00–04:00"  # noqa: RUF001
    assert (told.wanted, told.waits) == ("5 of 2 vCPUs", "3 runs wait, up to 50 min")
    assert told.meeting(2) == "a-b, a-c and 3 more"
    assert told.waiting(8) == "a-d, a-e, b-late"
    assert not told.is_bound


def test_the_queue_of_higher_priority_goes_first_and_what_it_leaves_the_next_takes(tmp_path: Path) -> None:
    # GIVEN a run that holds 3 of 4 vCPUs until 04:00; behind it one of 2 in a queue that goes first, and one of 1
    at = {"usual_duration_seconds": HOUR, "timeout_seconds": 7200}
    jobs = {
        "a-first": {**at, "schedule": "0 3 4 5 *", "vcpus": 3},
        "a-large": {**at, "schedule": "1 3 4 5 *", "vcpus": 2, "queue": "urgent"},
        "a-behind": {**at, "schedule": "2 3 4 5 *", "vcpus": 1, "queue": "urgent"},
        "a-small": {**at, "schedule": "2 3 4 5 *", "vcpus": 1, "queue": "continuously"},
    }

    # WHEN
    calendar_, (found,) = piled(tmp_path, jobs, max_vcpus=4)

    # THEN the small one of the other queue passes, and the one behind the large one does not
    names = {calendar_.timelines[wait.reservation.timeline].name: wait.began for wait in found.waits}
    assert names == {"large": 4 * HOUR, "behind": 4 * HOUR}


def test_of_two_that_wait_the_one_in_the_queue_of_higher_priority_starts(tmp_path: Path) -> None:
    # GIVEN one vCPU that is held until 04:00, and two that wait for it
    at = {"usual_duration_seconds": HOUR, "timeout_seconds": 7200}
    jobs = {
        "a-first": {**at, "schedule": "0 3 4 5 *"},
        "a-often": {**at, "schedule": "1 3 4 5 *", "queue": "continuously"},
        "a-plain": {**at, "schedule": "2 3 4 5 *"},
        "a-urgent": {**at, "schedule": "3 3 4 5 *", "queue": "urgent"},
    }

    calendar_, (found,) = piled(tmp_path, jobs, max_vcpus=1)

    began = {calendar_.timelines[wait.reservation.timeline].name: wait.began for wait in found.waits}
    assert began == {"urgent": 4 * HOUR, "plain": 5 * HOUR, "often": 6 * HOUR}


def test_children_of_an_array_start_one_by_one(tmp_path: Path) -> None:
    # GIVEN an array of four children where three of four vCPUs are held until 03:30
    jobs = {
        "a-first": {"schedule": "0 3 4 5 *", "vcpus": 3, "usual_duration_seconds": 1800},
        "a-array": {"schedule": "5 3 4 5 *", "array_size": 4, "usual_duration_seconds": 600},
    }

    # WHEN
    _, (found,) = piled(tmp_path, jobs, max_vcpus=4)

    # THEN one child runs 03:05 to 03:15, the next to 03:25, the next to 03:35, and the last starts at 03:30
    assert [wait.began for wait in found.waits] == [3 * HOUR + 1800]


def test_runs_wait_as_a_simpler_count_says(tmp_path: Path) -> None:
    """Second implementation: one queue, in which each run takes the first second in which it fits."""
    chance = random.Random(11)  # noqa: S311
    write(tmp_path, {f"a-{name}": {"schedule": "0 3 * * *"} for name in "bcdefgh"}, max_vcpus=4)
    found = timeline.read(catalog.load("prod", tmp_path), week("2026-05-04", "UTC"))
    for _ in range(60):
        # GIVEN runs by chance
        hold = sorted(
            (
                Reservation(start, start + chance.randint(1, 60), vcpus, vcpus, number, True)
                for number in range(7)
                for start, vcpus in [(chance.randint(0, 120), float(chance.randint(1, 4)))]
            ),
            key=lambda each: (each.start, each.timeline),
        )

        # WHEN
        waits = {
            wait.reservation.timeline: wait.began
            for each in contentions(found, hold, Load.of(hold, found.week.seconds))
            for wait in each.waits
        }

        # THEN
        running: list[tuple[int, int, float]] = []
        last = 0
        for each in hold:
            second = max(each.start, last)
            while sum(vcpus for start, end, vcpus in running if start <= second < end) + each.vcpus > 4:
                second += 1
            running.append((second, second + each.seconds, each.vcpus))
            last = second
            assert waits.get(each.timeline, each.start) == second


def test_what_is_late_of_a_pile_up_belongs_to_it(tmp_path: Path) -> None:
    # GIVEN two hours' work at 03:00 for one vCPU, done by 05:00, and a job at 04:30 that would have room
    hour = {"usual_duration_seconds": HOUR, "timeout_seconds": 7200}
    jobs = {
        "a-b": {**hour, "schedule": "0 3 4 5 *"},
        "a-c": {**hour, "schedule": "0 3 4 5 *"},
        "a-d": {**hour, "schedule": "30 4 4 5 *"},
    }

    # WHEN
    _, found = piled(tmp_path, jobs, max_vcpus=1)

    # THEN it is told with the pile-up that delays it
    assert [(each.start, each.end, len(each.waits)) for each in found] == [(3 * HOUR, 5 * HOUR, 2)]


def test_pile_ups_with_a_short_pause_are_one(tmp_path: Path) -> None:
    # GIVEN two jobs that meet for 30 seconds, three that do so 10 minutes later, and two half an hour later
    soon = {"usual_duration_seconds": 30}
    jobs = {
        "a-b": {**soon, "schedule": "0,10,40 3 4 5 *"},
        "a-c": {**soon, "schedule": "0,10,40 3 4 5 *"},
        "a-d": {**soon, "schedule": "10 3 4 5 *"},
    }

    # WHEN
    calendar_, found = piled(tmp_path, jobs, max_vcpus=1)

    # THEN
    assert [(each.when, each.wanted, each.waits, each.meeting(8)) for each in recurrences(calendar_, found)] == [
        ("Mon 4 May 03:00–03:11", "3 of 1 vCPUs", "3 runs wait, up to 1 min", "a-b, a-c, a-d"),  # noqa: RUF001
        ("Mon 4 May 03:40–03:41", "2 of 1 vCPUs", "1 run waits, up to 30 s", "a-b, a-c"),  # noqa: RUF001
    ]


def test_runs_that_never_start_within_the_week_are_told(tmp_path: Path) -> None:
    jobs = {f"a-{name}": {"schedule": "0 0 4 5 *", "timeout_seconds": 8 * 86_400} for name in "bc"}

    calendar_, (found,) = piled(tmp_path, jobs, max_vcpus=1)

    (told,) = recurrences(calendar_, [found])
    assert told.waits == "1 run waits, up to 7 d, 1 into the next week"
    assert told.is_bound


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("*", "every day 03:00–03:30"),  # noqa: RUF001
        ("MON-FRI", "Mon to Fri 03:00–03:30"),  # noqa: RUF001
        ("MON,WED,FRI", "Mon, Wed, Fri 03:00–03:30"),  # noqa: RUF001
        ("SUN", "Sun 10 May 03:00–03:30"),  # noqa: RUF001
    ],
)
def test_the_same_pile_up_on_several_days_is_told_once(days: str, words: str, tmp_path: Path) -> None:
    job = {"schedule": f"0 3 * * {days}", "usual_duration_seconds": 1800}

    calendar_, found = piled(tmp_path, {"a-b": job, "a-c": job}, max_vcpus=1)

    assert [each.when for each in recurrences(calendar_, found)] == [words]
