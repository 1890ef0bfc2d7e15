"""What must hold where answers are lost, lists lag behind, and much waits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from tests.unit.lambda_.submitting import world as world_module
from tests.unit.lambda_.submitting.world import JOB, World, end_of, trigger

from job_alerts import dynamo_table
from job_alerts.runs import Runs

ITEM_MAX_BYTES = 400 * 1024


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize(("waited", "lag"), [(5.0, 14.0), (0.0, 2.0)], ids=["read time-out", "connection closed"])
def test_a_lost_answer_of_submit_job_makes_no_second_job(
    world: World, monkeypatch: pytest.MonkeyPatch, waited: float, lag: float
) -> None:
    # GIVEN a Batch that takes a job, whose answer is lost, and that lists it within the 15 seconds of decision 0017
    submit, calls = world._submit_job, []
    world.lists_after = lag

    def lost(**asked: Any) -> Any:
        calls.append(submit(**asked))
        if len(calls) == 1:
            world.now += waited
            raise ReadTimeoutError(endpoint_url="batch")
        return calls[-1]

    monkeypatch.setattr(world, "_submit_job", lost)
    # WHEN a run is due, and Lambda tries again what failed
    world.deliver(trigger(0, concurrency_policy="forbid"))
    world.run(until=world.now + 400)
    # THEN there is one job
    assert world.run_ids() == [f"{JOB}@2026-11-24T09:00:00Z"]


def test_every_write_is_a_transaction_whose_answer_may_be_lost(world: World) -> None:
    # GIVEN that boto gives transactions a token and repeats them, and that a repeated PutItem would meet itself
    # WHEN runs are submitted and skipped
    world.ask(trigger(0, **{"except": ["2026-12-25"]}))
    world.ask(trigger(1, **{"except": ["2026-11-24"]}))
    # THEN nothing else writes
    assert set(world.calls) == {"batch_get_item", "transact_write_items", "submit_job"}


@pytest.mark.parametrize("policy", ["queue", "replace", "forbid", "allow"])
def test_a_failure_that_is_told_after_the_next_trigger_pauses_all_the_same(world: World, policy: str) -> None:
    # GIVEN a run that failed, and the next trigger before the event of its end (which Lambda may retry for minutes)
    world.ask(trigger(0, concurrency_policy=policy, pause_on_failure=True))
    world.end("job-1", "FAILED", "Essential container in task exited", told=False)
    world.ask(trigger(1, concurrency_policy=policy, pause_on_failure=True))
    # WHEN the end is told
    world.ask(end_of(world.jobs["job-1"], policy))
    # THEN the job is paused
    assert "paused" in world.state()


def test_the_end_of_a_job_started_by_hand_wakes_a_run_that_was_just_about_to_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a job started by hand that ends, and is told to have ended, just after a run's ListJobs saw it
    manual = world._submit_job(jobName=JOB)["jobId"]
    listed, done = world._list_jobs, []

    def list_jobs(**asked: Any) -> Any:
        answer = json.loads(json.dumps(listed(**asked)))
        if not done:
            done.append(1)
            world.end(manual, told=False)
            world.app().handle(end_of(world.jobs[manual], "queue"))
        return answer

    monkeypatch.setattr(world, "_list_jobs", list_jobs)
    # WHEN the run is due
    world.deliver(trigger(0, concurrency_policy="queue"))
    world.run(until=world.now + 400)
    # THEN it does not wait for the next trigger, which may be a day away
    assert world.status(trigger(0)) == "submitted"


@pytest.mark.parametrize(("policy", "wrong"), [("queue", "waiting"), ("forbid", "skipped")])
def test_a_job_whose_end_was_told_does_not_count_though_a_list_lags_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, policy: str, wrong: str
) -> None:
    # GIVEN a run whose end was told, while ListJobs still says that it runs
    world.ask(trigger(0, concurrency_policy=policy))
    world.end("job-1", told=False)
    world.ask(end_of(world.jobs["job-1"], policy))
    listed = world._list_jobs

    def behind(**asked: Any) -> Any:
        answer = json.loads(json.dumps(listed(**asked)))
        for job in answer["jobSummaryList"]:
            if job["jobId"] == "job-1":
                job["status"] = "RUNNING"
        return answer

    monkeypatch.setattr(world, "_list_jobs", behind)
    # WHEN the next is due
    world.deliver(trigger(1, concurrency_policy=policy))
    world.run(until=world.now + 400)
    # THEN nothing keeps it
    assert world.status(trigger(1)) != wrong


@pytest.mark.parametrize("why", ["replaced by a change of policy", "late"])
def test_a_hundred_runs_that_wait_can_be_let_go(world: World, why: str) -> None:
    # GIVEN a hundred runs that wait, the most that `queue_limit` allows, beside one that runs
    deadline = {"starting_deadline_seconds": 7200} if why == "late" else {}
    for minute in range(101):
        world.at(60, lambda: None)
        world.run(until=world.now + 60)
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=100, **deadline))
    assert len(world.state()["waiting"]) == 100
    # WHEN it ends, long after their deadline; or the job replaces from now on
    if why == "late":
        world.run(until=world.now + 7300)
    else:
        world.deliver(trigger(102, concurrency_policy="replace"))
    world.end("job-1")
    world.run(until=world.now + 4000)
    # THEN none of it fails for ever
    assert world.dead_letters == []
    assert len(world.state().get("waiting", [])) == 0


def test_a_hundred_runs_that_wait_fit_into_an_item(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the largest job that jobs/limits.py allows: an event of 4.1 KB, where a rule takes 8
    monkeypatch.setattr(world_module, "QUEUE", f"arn:aws:batch:eu-west-1:111122223333:job-queue/{'q' * 128}")
    name = "j" * 128
    large = {
        "name": name,
        "job_definition": "d" * 128,
        "queue_limit": 100,
        "concurrency_policy": "queue",
        "starting_deadline_seconds": 86400,
        "timezone": "America/Argentina/Buenos_Aires",
        "schedule": f"cron({'0,' * 119}0 0 * * ? *)".ljust(256),
        "except": [
            f"cron({n},{','.join(map(str, range(10, 36)))} 0 1 1 ? {2000 + n})".replace(",10", ",010")
            for n in range(30)
        ],
    }
    # WHEN a hundred wait
    for minute in range(101):
        world.ask(trigger(minute, **large))
    # THEN the state is below DynamoDB's limit
    content = world.table[name, "state"]["content"]["S"]
    assert len(json.loads(content)["waiting"]) == 100
    assert len(content.encode()) < ITEM_MAX_BYTES


def test_a_paused_job_with_a_run_that_waits_can_be_made_up_for(world: World) -> None:
    # GIVEN a job that a failure paused while a run waited: nothing is active
    first = world.ask(trigger(0, concurrency_policy="queue", pause_on_failure=True))
    world.ask(trigger(1, concurrency_policy="queue", pause_on_failure=True))
    world.end(first["job_id"], "FAILED", told=False)
    world.ask(end_of(world.jobs["job-1"], "queue"))
    assert "paused" in world.state()
    # WHEN an older time is made up for, to which no pause applies
    answer = world.ask(trigger(-60, concurrency_policy="queue", pause_on_failure=True, mode="backfill"))
    # THEN it runs: only an active run makes it busy
    assert answer["outcome"] == "submitted"


@pytest.mark.parametrize("policy", ["forbid", "allow"])
def test_runs_that_waited_are_not_forgotten_when_the_policy_changes(world: World, policy: str) -> None:
    # GIVEN a run that waits, and a deployment that makes another policy of `queue`
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    world.end("job-1", told=False)
    # WHEN triggers come from then on
    for minute in (2, 3):
        world.ask(trigger(minute, concurrency_policy=policy, **{"except": ["2026-12-25"]}))
        for job_id in world.unfinished():
            world.end(job_id, told=False)
    # THEN it has run, or its record says why not
    assert world.status(trigger(1)) != "waiting"


def test_the_alerts_can_read_a_claim(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a run that was claimed at a moment with a fraction, and not submitted
    world.now += 0.123
    world.die_once("submit_job", after=False)
    world.deliver(trigger(0, concurrency_policy="forbid"))
    world.run(until=world.now)
    # WHEN the alerts look whether it came
    item = world.record(trigger(0))
    answer = {"Items": [item]}
    monkeypatch.setattr(dynamo_table.DynamoTable, "_call", lambda *_args, **_named: answer)
    found = Runs("arn:aws:dynamodb:eu-west-1:111122223333:table/runs").last(JOB, 0, 1)
    # THEN they know until when to wait
    assert found is not None
    assert found.lease_until >= int(world.now)


def test_a_waiting_run_whose_claimant_died_and_that_batch_refuses_then_waits_again(world: World) -> None:
    # GIVEN a run that waited, whose turn came, and whose claimant died before SubmitJob; and Batch that refuses
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    world.end("job-1", told=False)
    world.die_once("submit_job", after=False)
    world.deliver(end_of(world.jobs["job-1"], "queue"))
    world.run(until=world.now)
    world.refuses = "Job queue reports-default is DISABLED"
    world.run(until=world.now + 70)
    # WHEN the queue is enabled again, before Lambda's last attempt
    world.refuses = ""
    world.run(until=world.now + 400)
    # THEN the run was not lost
    assert f"{JOB}@2026-11-24T09:01:00Z" in world.run_ids() or world.dead_letters


def test_what_is_no_end_ends_nothing(world: World) -> None:
    # GIVEN an active run, and Batch's event that it has started, from a rule that is wider than ours
    world.ask(trigger(0, concurrency_policy="queue"))
    world.jobs["job-1"]["status"] = "RUNNING"
    world.ask(end_of(world.jobs["job-1"], "queue"))
    # THEN it is active still
    assert world.state()["active"]["job_id"] == "job-1"
