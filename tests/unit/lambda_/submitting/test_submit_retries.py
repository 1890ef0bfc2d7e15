"""A failed run is tried again: once, with the same time, in its job's place, wherever the function dies."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.lambda_.submitting.world import JOB, World, trigger

from submit_run.request import MalformedError, Request


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def retry(of: str, minute: int = 0, **job: Any) -> dict[str, Any]:
    """What asks for a retry."""
    overrides = {"environment": [{"name": "DEPTH", "value": "2"}], "command": ["deep"]}
    return {"retry": {**trigger(minute, **job), "of": of, "overrides": overrides}}


def failed(world: World, minute: int = 0, **job: Any) -> str:
    """A run that has failed."""
    job_id = str(world.ask(trigger(minute, **job))["job_id"])
    world.end(job_id, "FAILED", "Essential container in task exited")
    world.run(until=world.now + 700)  # longer than Batch's lists and clocks may differ
    return job_id


def retries(world: World, of: str) -> list[str]:
    wanted = {"name": "BATCHTAB_RETRY_OF", "value": of}
    return [job_id for job_id, job in world.jobs.items() if wanted in job["container"]["environment"]]


@pytest.mark.parametrize("policy", ["allow", "forbid", "queue", "replace"])
def test_a_retry_has_the_runs_time_and_id_and_comes_once(world: World, policy: str) -> None:
    # GIVEN a run that failed
    first = failed(world, concurrency_policy=policy)
    # WHEN it is tried again, twice
    answers = [world.ask(retry(first, concurrency_policy=policy)) for _ in range(2)]
    # THEN there is one job more, with what the run was told, and the second answer names it
    assert [each["outcome"] for each in answers] == ["submitted", "duplicate"]
    assert [each["job_id"] for each in answers] == ["job-2", "job-2"]
    assert world.jobs["job-2"]["container"]["environment"] == [
        {"name": "BATCHTAB_RETRY_OF", "value": first},
        {"name": "BATCHTAB_RUN_ID", "value": f"{JOB}@2026-11-24T09:00:00Z"},
        *(
            [{"name": "BATCHTAB_RUN_POLICY", "value": policy}] if policy in ("queue", "replace") else []
        ),  # as of any other run
        {"name": "BATCHTAB_SCHEDULED_TIME", "value": "2026-11-24T09:00:00Z"},
        {"name": "DEPTH", "value": "2"},
    ]
    # AND when that fails as well, it may be tried again, and the first may not
    world.end("job-2", "FAILED", "x")
    world.run(until=world.now + 700)
    assert world.ask(retry(first, concurrency_policy=policy))["outcome"] == "duplicate"
    assert world.ask(retry("job-2", concurrency_policy=policy))["outcome"] == "submitted"


def test_a_run_that_no_record_tells_of_is_retried_once(world: World) -> None:
    # GIVEN a run that its rule submitted by itself, as rules do for jobs without a policy
    for expected in ("submitted", "duplicate"):
        assert world.ask(retry("job-of-a-rule"))["outcome"] == expected
    assert len(world.jobs) == 1


@pytest.mark.parametrize("policy", ["forbid", "queue", "replace"])
def test_a_retry_gives_way_to_a_run_that_is_active(world: World, policy: str) -> None:
    first = failed(world, concurrency_policy=policy)
    world.ask(trigger(60, concurrency_policy=policy))
    answer = world.ask(retry(first, concurrency_policy=policy))
    assert (answer["outcome"], "has not ended" in answer["reason"]) == ("busy", True)
    assert retries(world, first) == []
    # AND the next trigger gives way to the retry
    world.end("job-2")
    world.run(until=world.now + 5)
    assert world.ask(retry(first, concurrency_policy=policy))["outcome"] == "submitted"
    assert world.ask(trigger(61, concurrency_policy=policy))["outcome"] != "submitted"


def test_neither_a_deadline_nor_a_pause_keeps_a_retry(world: World) -> None:
    said = {"concurrency_policy": "forbid", "pause_on_failure": True, "starting_deadline_seconds": 60}
    first = failed(world, **said)
    assert "paused" in world.state()
    assert world.ask(retry(first, **said))["outcome"] == "submitted"


@pytest.mark.parametrize("policy", ["allow", "forbid", "queue", "replace"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["batch_get_item", "list_jobs", "transact_write_items", "submit_job", "describe_jobs"])
def test_a_function_that_dies_makes_no_second_retry(world: World, call: str, after: bool, policy: str) -> None:
    # GIVEN a run that failed just now, and a function that dies at some call
    first = str(world.ask(trigger(0, concurrency_policy=policy))["job_id"])
    world.end(first, "FAILED", "x")
    world.run(until=world.now + 5)
    world.die_once(call, after=after)
    # WHEN it is asked for a retry, and again until there is an answer: nobody tries again but who asked
    event = retry(first, concurrency_policy=policy)
    for _ in range(3):
        world.deliver(event)
        world.run(until=world.now + 50)
    world.run(until=world.now + 400)
    # THEN the run has been tried again, once, by its own job
    assert len(retries(world, first)) == 1
    assert len(world.jobs) == 2
    assert world.record(trigger(0))["job_id"]["S"] == retries(world, first)[0]


def test_a_retry_which_never_waits_may_have_long_overrides() -> None:
    long = {"environment": [{"name": "X", "value": "x" * 5000}]}
    request = Request.of_retry(retry("job-1", concurrency_policy="queue")["retry"] | {"overrides": long})
    assert (request.overrides, request.is_backfill, request.retry_of) == (long, True, "job-1")


def test_a_retry_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(MalformedError, match=r"retry\.of is missing"):
        world.app().handle({"retry": trigger(0)})


@pytest.mark.parametrize("policy", ["allow", "forbid", "queue", "replace"])
def test_a_manual_run_is_retried_for_its_own_second(world: World, policy: str) -> None:
    # GIVEN a run of the minute, and one that a person started within it, which failed
    due = str(world.ask(trigger(0, concurrency_policy=policy))["job_id"])
    world.end(due, "SUCCEEDED", "")
    asked = trigger(0, concurrency_policy=policy)
    manual = {**asked, "mode": "manual", "trigger": {"requested_time": "2026-11-24T09:00:41Z"}}
    first = str(world.ask(manual)["job_id"])
    world.end(first, "FAILED", "x")
    world.run(until=world.now + 700)
    # WHEN it is retried, twice
    again = {"retry": {**asked, "trigger": {"scheduled_time": "2026-11-24T09:00:41Z"}, "of": first}}
    answers = [world.ask(again) for _ in range(2)]
    # THEN one job runs for that second, and the run of the minute keeps its record
    assert [each["outcome"] for each in answers] == ["submitted", "duplicate"]
    (job_id,) = retries(world, first)
    variables = {each["name"]: each["value"] for each in world.jobs[job_id]["container"]["environment"]}
    assert variables["BATCHTAB_SCHEDULED_TIME"] == "2026-11-24T09:00:41Z"
    assert world.ask(asked)["outcome"] == "duplicate"
