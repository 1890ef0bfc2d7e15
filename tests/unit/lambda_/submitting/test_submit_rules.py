"""What becomes of a run: each rule alone, without deaths."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from tests.unit.lambda_.submitting.world import JOB, World, end_of, trigger

from batchtab import limits
from job_alerts import job_event
from submit_run import decision, jobs
from submit_run.handler import lambda_handler
from submit_run.request import MalformedError, Request


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def variables(world: World, job_id: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in world.jobs[job_id]["container"]["environment"]}


def test_a_run_is_told_its_time_and_its_id(world: World) -> None:
    # WHEN a trigger asks for a run
    answer = world.ask(trigger(5, concurrency_policy="forbid"))
    # THEN its job has both in its environment, and nothing else
    assert answer["outcome"] == "submitted"
    assert variables(world, answer["job_id"]) == {
        "BATCHTAB_RUN_ID": f"{JOB}@2026-11-24T09:05:00Z",
        "BATCHTAB_SCHEDULED_TIME": "2026-11-24T09:05:00Z",
    }


def test_a_run_after_another_job_is_told_that_job_and_has_its_name(world: World) -> None:
    answer = world.ask(trigger(0, upstream_job_id="up-1", concurrency_policy="forbid"))
    assert variables(world, answer["job_id"])["BATCHTAB_UPSTREAM_JOB_ID"] == "up-1"
    assert answer["run_id"] == f"{JOB}@up-1"
    # AND of the same minute another one is another run
    world.end(answer["job_id"])
    assert world.ask(trigger(0, upstream_job_id="up-2", concurrency_policy="forbid"))["outcome"] == "submitted"


VARIABLES = [
    {"name": "BATCHTAB_RUN_ID", "value": f"{JOB}@2026-11-24T09:05:00Z"},
    {"name": "BATCHTAB_SCHEDULED_TIME", "value": "2026-11-24T09:05:00Z"},
]
ONE = {"containerOverrides": {"environment": VARIABLES}}
SEVERAL = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": "main", "environment": VARIABLES}]}]}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ONE),
        ({"share": "reports"}, {**ONE, "shareIdentifier": "reports"}),
        ({"container": "main"}, SEVERAL),
        ({"nodes": 3}, {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": "0:", **ONE}]}}),
        (
            {"nodes": 3, "container": "main"},
            {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": "0:", **SEVERAL}]}},
        ),
    ],
)
def test_variables_and_share_are_given_as_the_jobs_kind_takes_them(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []
    batch = SimpleNamespace(submit_job=lambda **arguments: asked.append(arguments) or {"jobId": "j"})
    monkeypatch.setattr(jobs, "client", lambda *_, **__: batch)
    assert jobs.submit(Request.of(trigger(5, **said)), ends_at=0) == "j"
    job = {"jobName", "jobQueue", "jobDefinition"}
    assert {key: value for key, value in asked[0].items() if key not in job} == expected
    # AND AWS's own model takes it
    shape = get_session().get_service_model("batch").operation_model("SubmitJob").input_shape
    assert not ParamValidator().validate(asked[0], shape).has_errors()


def test_the_run_of_a_job_is_found_in_each_form() -> None:
    environment = {"environment": [{"name": "BATCHTAB_RUN_ID", "value": "r"}]}
    task = {
        "taskProperties": [{"containers": [{"name": "proxy", "essential": False}, {"name": "main", **environment}]}]
    }
    for job in (
        {"container": environment},
        {"container": {}, "ecsProperties": task},
        {"nodeProperties": {"nodeRangeProperties": [{"container": environment}]}},
        {"nodeProperties": {"nodeRangeProperties": [{"ecsProperties": task}]}},
    ):
        assert jobs.run_id_of(job) == "r"


def test_the_end_of_one_node_is_none(world: World) -> None:
    # GIVEN a run that another one waits for
    first = world.ask(trigger(0, concurrency_policy="queue", nodes=2))
    world.ask(trigger(1, concurrency_policy="queue", nodes=2))
    # WHEN Batch tells of one of its nodes
    ended = end_of({**world.jobs[first["job_id"]], "status": "FAILED"}, "queue")
    ended["detail"]["jobId"] += "#1"
    # THEN nothing starts
    assert world.ask(ended)["outcome"] == "ignored"


@pytest.mark.parametrize(
    ("schedule", "same"), [("cron(* * * * ? *)", True), ("at(2026-11-24T09:00:00)", True), ("rate(1 minute)", False)]
)
def test_a_rule_and_a_schedule_of_one_minute_are_one_run_but_for_a_rate(
    world: World, schedule: str, same: bool
) -> None:
    # GIVEN the same minute, told with other seconds by two triggers
    first, second = trigger(0, schedule=schedule), trigger(0, schedule=schedule)
    second["trigger"]["scheduled_time"] = "2026-11-24T09:00:41Z"
    # WHEN both come
    world.ask(first)
    # THEN there is one job, or two
    assert world.ask(second)["outcome"] == ("duplicate" if same else "submitted")


@pytest.mark.parametrize("policy", ["allow", "forbid", "replace", "queue"])
def test_a_trigger_that_is_delivered_three_times_at_once_submits_one_job(world: World, policy: str) -> None:
    for _ in range(3):
        world.deliver(trigger(0, concurrency_policy=policy))
    world.run(until=world.now + 10)
    assert world.run_ids() == [f"{JOB}@2026-11-24T09:00:00Z"]
    assert sorted(answer["outcome"] for _, answer in world.answers) == ["duplicate", "duplicate", "submitted"]


def test_under_forbid_a_run_is_skipped_while_the_one_before_it_goes_on(world: World) -> None:
    # GIVEN a run that has not ended
    first = world.ask(trigger(0, concurrency_policy="forbid"))
    world.calls.clear()
    # WHEN the next is due
    answer = world.ask(trigger(1, concurrency_policy="forbid"))
    # THEN it is skipped, which is recorded with the reason, in three calls
    assert answer["outcome"] == "skipped"
    assert answer["reason"] == f"the run of 2026-11-24T09:00:00Z, job {first['job_id']}, has not ended"
    assert world.record(trigger(1))["reason"]["S"] == answer["reason"]
    assert sum(world.calls.values()) == 3
    # AND the one after its end runs
    world.end(first["job_id"], told=False)
    world.calls.clear()
    assert world.ask(trigger(2, concurrency_policy="forbid"))["outcome"] == "submitted"
    assert sum(world.calls.values()) == 6  # one more than the first: what has become of the one before


def test_a_first_run_under_forbid_takes_five_calls(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="forbid"))
    assert dict(world.calls) == {"batch_get_item": 1, "list_jobs": 1, "transact_write_items": 2, "submit_job": 1}


@pytest.mark.parametrize("policy", ["forbid", "queue", "replace"])
def test_a_job_that_was_started_by_hand_counts(world: World, policy: str) -> None:
    # GIVEN a job of this name that no schedule started
    manual = world._submit_job(jobName=JOB)["jobId"]
    # WHEN a run is due
    answer = world.ask(trigger(0, concurrency_policy=policy))
    # THEN it does not start beside it
    assert answer["outcome"] == ("skipped" if policy == "forbid" else "waiting")
    world.end(manual)
    world.run()
    assert world.most_at_once == 1
    assert len(world.run_ids()) == (1 if policy == "forbid" else 2)


def test_another_job_s_runs_do_not_count(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="forbid"))
    assert world.ask(trigger(0, name="reports-other", concurrency_policy="forbid"))["outcome"] == "submitted"


def test_under_queue_runs_start_in_order_at_most_so_many_wait_and_the_rest_is_dropped(world: World) -> None:
    # GIVEN a run, and four that are due while it goes on; two may wait
    events = [trigger(minute, concurrency_policy="queue", queue_limit=2) for minute in range(5)]
    answers = [world.ask(event) for event in events]
    # THEN two wait and two are dropped
    assert [answer["outcome"] for answer in answers] == ["submitted", "waiting", "waiting", "dropped", "dropped"]
    assert answers[3]["reason"] == "2 runs wait already: queue_limit"
    # WHEN one after the other ends
    for number in (1, 2, 3):
        world.end(f"job-{number}")
        world.run()
    # THEN those that waited have run in the order of their times
    assert world.run_ids() == [f"{JOB}@2026-11-24T09:0{minute}:00Z" for minute in range(3)]
    assert world.most_at_once == 1


def test_an_end_that_nobody_told_delays_what_waits_to_the_next_trigger(world: World) -> None:
    # GIVEN a run that waits, and the end of the one before it, whose event was lost
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    world.end("job-1", told=False)
    # WHEN the next is due
    world.ask(trigger(2, concurrency_policy="queue"))
    # THEN the one that waited goes first
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:01:00Z"
    assert world.status(trigger(2)) == "waiting"


def test_a_run_that_waited_beyond_its_deadline_is_late(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue", starting_deadline_seconds=60))
    # WHEN the one before it ends ten minutes later
    world.at(600, lambda: world.end("job-1"))
    world.run(until=world.now + 600)
    # THEN it does not start any more
    assert world.status(trigger(1)) == "late"
    assert len(world.jobs) == 1


def test_under_replace_the_old_run_is_ended_with_the_reason_and_the_new_one_starts_then(world: World) -> None:
    # GIVEN a run, and one that waits to take its place
    world.ask(trigger(0, concurrency_policy="replace"))
    world.deliver(trigger(1, concurrency_policy="replace"))
    world.deliver(trigger(2, concurrency_policy="replace"), after=0.5)
    # WHEN time passes
    world.run(until=world.now + 10)
    # THEN the old one was told why it ends
    assert world.jobs["job-1"]["statusReason"].startswith("Replaced by the run of 2026-11-24T09:0")
    # AND the last one runs, alone
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:02:00Z"
    assert world.most_at_once == 1
    assert world.unfinished() == [list(world.jobs)[-1]]


def test_under_replace_an_older_run_that_comes_late_replaces_nothing(world: World) -> None:
    world.ask(trigger(5, concurrency_policy="replace"))
    assert world.ask(trigger(4, concurrency_policy="replace"))["outcome"] == "dropped"
    assert world.unfinished() == ["job-1"]


@pytest.mark.parametrize(
    ("excluded", "timezone", "outcome"),
    [
        ("2026-11-24", "", "skipped"),
        ("2026-11-20/2026-11-24", "", "skipped"),
        ("2026-11-20/2026-11-23", "", "submitted"),
        ("2026-11-25", "Pacific/Auckland", "submitted"),  # there it is still the 24th, at ten in the evening
        ("2026-11-24", "Pacific/Auckland", "skipped"),
        ("cron(0 22 ? * TUE *)", "Pacific/Auckland", "skipped"),
        ("cron(0 9 ? * TUE *)", "Pacific/Auckland", "submitted"),
        ("cron(0 9 24 11 ? *)", "", "skipped"),
        ("cron(0 9 ? * TUE#4 *)", "", "skipped"),
        ("cron(0 9 ? * TUEL *)", "", "skipped"),
        ("cron(0 9 ? * 3#3 *)", "", "submitted"),
        ("cron(0 9 L-6 * ? *)", "", "skipped"),
        ("cron(0 9 24W * ? 2026)", "", "skipped"),
        ("cron(5/5 9 * * ? *)", "", "submitted"),
    ],
)
def test_a_run_on_an_exception_is_skipped(world: World, excluded: str, timezone: str, outcome: str) -> None:
    event = trigger(0, concurrency_policy="allow", timezone=timezone, **{"except": [excluded]})
    answer = world.ask(event)
    assert answer["outcome"] == outcome
    assert answer["reason"] == (f"excluded: {excluded}" if outcome == "skipped" else "")


def test_a_run_that_comes_after_its_deadline_is_late(world: World) -> None:
    # GIVEN a trigger that is delivered six minutes late
    world.at(360, lambda: None)
    world.run()
    # WHEN five are allowed
    answer = world.ask(trigger(0, concurrency_policy="forbid", starting_deadline_seconds=300))
    # THEN it is late
    assert answer["outcome"] == "late"
    assert answer["reason"] == "360 seconds after its time: starting_deadline_seconds is 300"
    assert not world.jobs


@pytest.mark.parametrize("policy", ["allow", "forbid", "queue"])
def test_a_job_that_pauses_on_failure_starts_nothing_until_it_is_resumed(world: World, policy: str) -> None:
    # GIVEN a run that has failed
    first = world.ask(trigger(0, concurrency_policy=policy, pause_on_failure=True))
    world.end(first["job_id"], "FAILED", "Essential container in task exited", told=False)
    told = end_of(world.jobs[first["job_id"]], policy)
    world.deliver(told)
    world.run()
    # WHEN the next is due
    answer = world.ask(trigger(1, concurrency_policy=policy, pause_on_failure=True))
    # THEN it is skipped, and the record says since when and why
    assert answer["outcome"] == "skipped"
    assert "paused since 2026-11-24T09:00:00Z: job job-1 failed: Essential container" in answer["reason"]
    # AND after somebody resumed it, it runs, even if the failure is told once more
    world.ask({"resume": {"job": JOB}})
    world.deliver(told)
    world.run()
    assert world.ask(trigger(2, concurrency_policy=policy, pause_on_failure=True))["outcome"] == "submitted"


def test_a_replaced_run_does_not_pause_its_job(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="replace", pause_on_failure=True))
    world.ask(trigger(1, concurrency_policy="replace", pause_on_failure=True))
    world.run(until=world.now + 5)
    assert "paused" not in world.state()
    assert len(world.jobs) == 2


def test_runs_that_wait_go_on_when_a_paused_job_is_resumed(world: World) -> None:
    # GIVEN a run that failed while another one waited
    world.ask(trigger(0, concurrency_policy="queue", pause_on_failure=True))
    world.ask(trigger(1, concurrency_policy="queue", pause_on_failure=True))
    world.end("job-1", "FAILED")
    world.run(until=world.now + 5)
    assert len(world.jobs) == 1
    # WHEN it is resumed
    world.ask({"resume": {"job": JOB}})
    # THEN the other one runs
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:01:00Z"


def test_a_backfill_makes_up_what_was_not_run_once(world: World) -> None:
    # GIVEN a time that was submitted, one that was skipped, and one that nobody asked for
    world.ask(trigger(0, concurrency_policy="forbid"))
    world.ask(trigger(1, concurrency_policy="forbid"))
    world.end("job-1")
    world.run(until=world.now + 5)
    # WHEN all three are made up for, twice
    outcomes = []
    for minute in (0, 1, 2, 0, 1, 2):
        answer = world.ask(trigger(minute, mode="backfill", concurrency_policy="forbid", starting_deadline_seconds=60))
        outcomes.append(answer["outcome"])
        for job_id in world.unfinished():
            world.end(job_id)
        world.run(until=world.now + 600)
    # THEN each has run once, however late
    assert outcomes == ["duplicate", "submitted", "submitted", "duplicate", "duplicate", "duplicate"]
    # AND its record says that it was made up for
    modes = [item.get("mode", {}).get("S") for (_, key), item in sorted(world.table.items()) if key.startswith("run#")]
    assert modes == [None, "backfill", "backfill"]
    assert len(set(world.run_ids())) == len(world.run_ids()) == 3


def test_a_backfill_waits_for_a_run_of_a_job_that_must_not_meet_itself(world: World) -> None:
    world.ask(trigger(5, concurrency_policy="queue"))
    answer = world.ask(trigger(0, mode="backfill", concurrency_policy="queue"))
    assert answer["outcome"] == "busy"
    assert not world.record(trigger(0))
    # AND under allow it does not
    assert world.ask(trigger(0, mode="backfill"))["outcome"] == "submitted"


def test_what_batch_refuses_is_tried_again_and_then_kept(world: World) -> None:
    # GIVEN a job definition that is gone
    world.refuses = "JobDefinition reports-nightly not found"
    event = trigger(0, concurrency_policy="forbid")
    # WHEN its trigger comes
    world.deliver(event)
    world.run()
    # THEN it lies in the dead-letter queue, the record says why, and the place is free
    assert world.dead_letters == [event]
    assert world.record(event)["status"]["S"] == "refused"
    assert "not found" in world.record(event)["reason"]["S"]
    world.refuses = ""
    assert world.ask(trigger(1, concurrency_policy="forbid"))["outcome"] == "submitted"
    # AND it can be made up for
    world.end("job-1", told=False)
    assert world.ask(trigger(0, mode="backfill", concurrency_policy="forbid"))["outcome"] == "submitted"


def test_a_run_that_waited_and_is_refused_waits_on(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    world.refuses = "no such queue"
    world.end("job-1")
    world.run(until=world.now + 1)
    assert world.status(trigger(1)) == "waiting"
    world.refuses = ""
    world.run()  # Lambda tries the event of the end again
    assert world.status(trigger(1)) == "submitted"


@pytest.mark.parametrize("service", ["dynamodb", "batch"])
def test_a_service_that_is_away_for_two_minutes_loses_nothing(world: World, service: str) -> None:
    # GIVEN a service that does not answer
    world.away.add(service)
    world.at(120, world.away.clear)
    # WHEN a trigger comes
    world.deliver(trigger(0, concurrency_policy="forbid"))
    world.run()
    # THEN the run is submitted once when it is back
    assert len(world.jobs) == 1
    assert not world.dead_letters


def test_a_job_that_batch_lists_late_is_not_submitted_again(world: World) -> None:
    # GIVEN a Batch that lists a job ten seconds after SubmitJob, and an invocation that dies after it
    world.lists_after = 10
    world.die_once("submit_job", after=True)
    world.deliver(trigger(0, concurrency_policy="forbid"))
    world.run()
    assert len(world.jobs) == 1
    # AND while it is not listed yet it has its place
    world.end("job-1", told=False)
    world.at(600, lambda: None)
    world.run()
    first = world.ask(trigger(12, concurrency_policy="forbid"))
    assert first["outcome"] == "submitted"
    assert world.ask(trigger(13, concurrency_policy="forbid"))["outcome"] == "skipped"


def test_metrics_tell_what_became_of_runs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.ask(trigger(0, concurrency_policy="forbid"))
    world.ask(trigger(1, concurrency_policy="forbid"))
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for line in lines]
    assert names == ["RunsSubmitted", "RunsSkipped"]
    # AND each metric that is named has its value and its dimensions
    for line in lines:
        directive = line["_aws"]["CloudWatchMetrics"][0]
        assert all(metric["Name"] in line for metric in directive["Metrics"])
        assert all(dimension in line for each in directive["Dimensions"] for dimension in each)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "is no trigger, no end of a job and no resume"),
        ({"trigger": {}}, "job is missing"),
        ({"trigger": {"scheduled_time": "2026-11-24T09:00:00Z"}, "job": {}}, "job.name is missing"),
        (trigger(0, concurrency_policy="never"), "job.concurrency_policy: 'never' is not one of allow, forbid"),
        (trigger(0, queue_limit="many"), "job.queue_limit: 'many' is not a number"),
        (trigger(0, **{"except": "2026-12-25"}), "job.except is not a list"),
        ({"source": "aws.batch", "detail": {}}, "detail: has no jobName and jobId"),
    ],
)
def test_an_event_that_says_nothing_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("RUNS_TABLE", "runs")
    with pytest.raises(MalformedError) as error:
        lambda_handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("event", "run_id"),
    [
        (trigger(0), f"{JOB}@2026-11-24T09:00:00Z"),
        ({"retry": {**trigger(1), "of": "job-1", "retry": {"of": "job-1"}}}, f"{JOB}@2026-11-24T09:01:00Z"),
        ({"source": "aws.batch", "detail": {"jobName": JOB, "jobId": "job-1", "status": "FAILED"}}, ""),
        ({"trigger": {}}, ""),
        (["nothing"], ""),
    ],
)
def test_an_error_is_logged_with_the_run_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], event: Any, run_id: str
) -> None:
    # GIVEN a function that cannot do what it is asked for
    monkeypatch.delenv("RUNS_TABLE", raising=False)
    with pytest.raises(KeyError):
        lambda_handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
    # THEN its log says at which run that was, and why
    assert json.loads(capsys.readouterr().out) == {
        "outcome": "ERROR",
        "run_id": run_id,
        "reason": "KeyError: 'RUNS_TABLE'",
    }


def test_a_time_that_is_none_is_refused() -> None:
    event = trigger(0)
    event["trigger"]["scheduled_time"] = "<aws.scheduler.scheduled-time>"
    with pytest.raises(MalformedError, match="is not a time"):
        Request.of(event)


def test_array_jobs_are_submitted_as_such(world: World) -> None:
    answer = world.ask(trigger(0, concurrency_policy="forbid", array_size=3))
    assert world.jobs[answer["job_id"]]["arrayProperties"] == {"size": 3}


@pytest.mark.parametrize(
    "entry", ["2026-13-45", "2026-12-26/2026-12-25", "cron(foo)", "cron(* * 25 12 * *)", "cron(0 9 ? * ? *)", "never"]
)
def test_an_exception_that_cannot_be_read_starts_nothing_and_is_told(world: World, entry: str) -> None:
    # GIVEN an entry that could mean a holiday
    event = trigger(0, **{"except": [entry]})
    # WHEN the run is due
    world.deliver(event)
    world.run()
    # THEN it does not run, and its event is kept for somebody to see
    assert not world.jobs
    assert world.dead_letters == [event]


def test_runs_that_wait_hear_of_ends_whatever_the_job_definition_says_by_then(world: World) -> None:
    # GIVEN runs that wait under `queue`
    for minute in range(4):
        world.ask(trigger(minute, concurrency_policy="queue"))
    # WHEN a deployment makes `allow` of it, whose definition asks for no ends, and whose triggers come here no more
    world.tells_ends_of = lambda job: any(
        each["name"] == "BATCHTAB_RUN_POLICY" for each in job["container"]["environment"]
    )
    for number in range(1, 5):
        world.end(f"job-{number}")
        world.run(until=world.now + 5)
    # THEN all of them have run
    assert len(world.jobs) == 4


def test_a_job_that_says_pause_on_failure_no_more_is_paused_no_more(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="forbid", pause_on_failure=True))
    world.end("job-1", "FAILED")
    world.run(until=world.now + 5)
    assert world.ask(trigger(1, concurrency_policy="forbid", pause_on_failure=True))["outcome"] == "skipped"
    assert world.ask(trigger(2, concurrency_policy="forbid"))["outcome"] == "submitted"


def test_all_who_must_know_a_replaced_run_know_it_by_the_same_words() -> None:
    # GIVEN three places that travel apart: the function, the alerts, and the rule of a chain
    assert decision.REPLACED == job_event._REPLACED == limits.REPLACED_PREFIX
