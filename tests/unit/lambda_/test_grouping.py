"""Groups and decisions, without calls."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.lambda_.support import job

from job_alerts import grouping
from job_alerts.job_event import JobEvent
from job_alerts.message import Route
from job_alerts.table import JobState


def made(number: int, name: str, depends_on: tuple[int, ...] = ()) -> JobEvent:
    reason = "Dependent Job failed" if depends_on else "Essential container in task exited"
    return job(
        "exit_code",
        jobId=f"j{number}",
        jobName=name,
        createdAt=number,
        statusReason=reason,
        dependsOn=[{"jobId": f"j{parent}"} for parent in depends_on],
    )


def test_dependents_of_one_root_that_was_told_before_are_one_group() -> None:
    groups = grouping.group([made(1, "b", (0,)), made(2, "c", (0,)), made(3, "d", (9,))])
    assert sorted(len(group.all) for group in groups) == [1, 2]


def test_a_circle_of_dependencies_ends() -> None:
    # Batch has no such jobs; a forged event must not hang the function.
    groups = grouping.group([made(1, "a", (2,)), made(2, "b", (1,))])
    assert sum(len(group.all) for group in groups) == 2


def test_the_newest_run_speaks_for_the_same_job() -> None:
    (group,) = grouping.group([made(3, "a"), made(1, "a"), made(2, "a")])
    assert group.job.job_id == "j3"
    assert [one.job_id for one in group.same] == ["j1", "j2"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "c"]), st.lists(st.integers(0, 30), max_size=2)),
        max_size=30,
        unique_by=lambda row: row[0],
    )
)
def test_grouping_loses_nothing_and_repeats_nothing(rows: list[tuple[int, str, list[int]]]) -> None:
    jobs = [made(number, name, tuple(parents)) for number, name, parents in rows]
    grouped = [one.job_id for group in grouping.group(jobs) for one in group.all]
    assert sorted(grouped) == sorted(one.job_id for one in jobs)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=40), st.integers(0, 4000))
def test_every_failure_is_told_or_counted(gaps: list[int], repeat_seconds: int) -> None:
    state: JobState | None = None
    now, told = 1_772_000_000, 0
    for number, gap in enumerate(gaps):
        now += gap
        decision = grouping.decide(grouping.Group(made(number, "a")), state, now, repeat_seconds)
        state = decision.state
        if decision.is_sent:
            told += 1 + decision.repeats.untold
    assert told + (state.untold if state else 0) == len(gaps)
    assert (state.failures if state else 0) == len(gaps)


def test_names_of_routes_are_the_job_and_each_of_its_beginnings() -> None:
    assert grouping.route_names("my-service-do") == ["my-service-do", "my-service", "my"]


def test_a_route_is_filled_from_the_service() -> None:
    routes = {"a": Route("a", "#a", "here"), "a-b": Route("a-b", mute=True)}
    assert grouping.route_of("a-b-c", routes) == Route("a", "#a", "here", True)
    assert grouping.route_of("b", routes) is None


def test_a_route_that_names_its_service_takes_nothing_from_others() -> None:
    # GIVEN a muted job, and another whose name begins with its name
    routes = {"a": Route("a", "#a", "here"), "a-b": Route("a-b", mute=True), "a-b-c": Route("a-b-c", "#c", service="a")}
    # THEN the other's own route is all that counts
    assert grouping.route_of("a-b-c", routes) == Route("a", "#c", service="a")
