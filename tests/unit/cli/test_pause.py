"""A job's triggers off and on, at once, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from batchtab.aws.client import Aws
from batchtab.aws.runs import Answer, FunctionError, State
from batchtab.aws.triggers import Trigger, Triggers
from batchtab.cli.jobs import pause
from batchtab.cli.main import main
from batchtab.declarations.named_jobs import all_jobs
from batchtab.terraform.session import Session

NAME = "batchtab-prod-billing-invoice"
SCHEDULE: dict[str, Any] = {
    "Arn": "arn:aws:scheduler:ap-northeast-2:123456789012:schedule/batchtab-prod-billing/batchtab-prod-billing-invoice",
    "ActionAfterCompletion": "NONE",
    "CreationDate": datetime(2026, 1, 1, tzinfo=UTC),
    "Description": "Invoices.",
    "EndDate": datetime(2027, 1, 1, tzinfo=UTC),
    "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
    "GroupName": "batchtab-prod-billing",
    "LastModificationDate": datetime(2026, 1, 1, tzinfo=UTC),
    "Name": NAME,
    "ScheduleExpression": "cron(0 9 * * ? *)",
    "ScheduleExpressionTimezone": "Asia/Seoul",
    "State": "ENABLED",
    "Target": {
        "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
        "RoleArn": "arn:aws:iam::123456789012:role/batchtab-prod-trigger",
        "Input": "{}",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-prod-trigger-dead-letter"},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185},
    },
}
READ_ONLY = {"Arn", "CreationDate", "LastModificationDate", "State"}


# --- the calls


@pytest.fixture
def triggers() -> Triggers:
    return Triggers(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")


def test_a_job_has_the_triggers_that_are_there(triggers: Triggers) -> None:
    # GIVEN a job with a schedule and a rule on the ends of others, and no rule of its own
    with Stubber(triggers._events) as events, Stubber(triggers._scheduler) as scheduler:
        events.add_client_error("describe_rule", "ResourceNotFoundException", expected_params={"Name": NAME})
        events.add_response("describe_rule", {"State": "DISABLED"}, {"Name": f"{NAME}.after"})
        wanted = {"Name": NAME, "GroupName": "batchtab-prod-billing"}
        scheduler.add_response("get_schedule", SCHEDULE, wanted)
        found = triggers.of_job("billing", "invoice")
    assert found == [Trigger(f"{NAME}.after", False), Trigger(NAME, True, "batchtab-prod-billing")]


def test_a_job_with_a_long_name_is_found_by_its_short_one(triggers: Triggers) -> None:
    job = "reconcile-the-ledger-with-the-bank-of-the-country"
    with Stubber(triggers._events) as events, Stubber(triggers._scheduler) as scheduler:
        names: list[str] = []
        events.add_client_error("describe_rule", "ResourceNotFoundException")
        events.add_client_error("describe_rule", "ResourceNotFoundException")
        scheduler.add_client_error("get_schedule", "ResourceNotFoundException")
        for client in (triggers._events, triggers._scheduler):
            client.meta.events.register(
                "provide-client-params.*.*", lambda params, **_: names.append(params["Name"]), unique_id="names"
            )
        assert triggers.of_job("billing", job) == []
    assert [len(name) for name in names] == [64, 64, 64]
    assert names[0] == names[2] != names[1]


def test_a_rule_is_switched_by_the_call_that_is_for_it(triggers: Triggers) -> None:
    with Stubber(triggers._events) as events:
        events.add_response("disable_rule", {}, {"Name": NAME})
        events.add_response("enable_rule", {}, {"Name": NAME})
        triggers.set_enabled(Trigger(NAME, True), False)
        triggers.set_enabled(Trigger(NAME, False), True)
        events.assert_no_pending_responses()


def test_of_a_schedule_only_the_state_changes(triggers: Triggers) -> None:
    # GIVEN a schedule with all that a schedule may have, whose start lies ahead
    start = datetime(2999, 1, 1, tzinfo=UTC)
    with Stubber(triggers._scheduler) as scheduler:
        scheduler.add_response("get_schedule", {**SCHEDULE, "StartDate": start})
        # WHEN it is disabled THEN all of it is sent again
        wanted = {key: value for key, value in SCHEDULE.items() if key not in READ_ONLY}
        wanted |= {"State": "DISABLED", "StartDate": start}
        scheduler.add_response("update_schedule", {"ScheduleArn": SCHEDULE["Arn"]}, wanted)
        triggers.set_enabled(Trigger(NAME, True, "batchtab-prod-billing"), False)
        scheduler.assert_no_pending_responses()


def test_a_start_that_has_passed_is_left_out_because_scheduler_refuses_it(triggers: Triggers) -> None:
    with Stubber(triggers._scheduler) as scheduler:
        scheduler.add_response("get_schedule", {**SCHEDULE, "StartDate": datetime(2026, 1, 1, tzinfo=UTC)})
        wanted = {key: value for key, value in SCHEDULE.items() if key not in READ_ONLY} | {"State": "ENABLED"}
        scheduler.add_response("update_schedule", {"ScheduleArn": SCHEDULE["Arn"]}, wanted)
        triggers.set_enabled(Trigger(NAME, False, "batchtab-prod-billing"), True)
        scheduler.assert_no_pending_responses()


def test_everything_that_takes_part_in_a_schedule_is_kept() -> None:
    """What a later botocore gives UpdateSchedule must be thought about: what is left out there is reset."""
    client = Aws("ap-northeast-2", "http://127.0.0.1:9").client("scheduler")
    members = client.meta.service_model.operation_model("UpdateSchedule").input_shape.members
    from batchtab.aws.triggers import _KEPT  # noqa: PLC0415

    assert set(members) - set(_KEPT) == {"ClientToken", "StartDate", "State"}


def test_many_jobs_are_looked_at_in_a_few_calls(triggers: Triggers) -> None:
    # GIVEN two services, one with schedules, and more rules than a page has
    with Stubber(triggers._events) as events, Stubber(triggers._scheduler) as scheduler:
        prefix = {"NamePrefix": "batchtab-prod-"}
        first = {"Rules": [{"Name": "batchtab-prod-a-x", "State": "DISABLED"}], "NextToken": "2"}
        events.add_response("list_rules", first, prefix)
        second = {"Rules": [{"Name": "batchtab-prod-a-y.after", "State": "ENABLED"}]}
        events.add_response("list_rules", second, {**prefix, "NextToken": "2"})
        scheduler.add_client_error("list_schedules", "ResourceNotFoundException")
        listed = {"Schedules": [{"Name": "batchtab-prod-b-z", "State": "DISABLED"}]}
        scheduler.add_response("list_schedules", listed, {"GroupName": "batchtab-prod-b"})
        found = triggers.of_services({"a": ["x", "y"], "b": ["z"]})
    assert found == {
        ("a", "x"): [Trigger("batchtab-prod-a-x", False)],
        ("a", "y"): [Trigger("batchtab-prod-a-y.after", True)],
        ("b", "z"): [Trigger("batchtab-prod-b-z", False, "batchtab-prod-b")],
    }


# --- the commands


class World:
    """The triggers and the state of one job, as the commands see them."""

    def __init__(self) -> None:
        self.here = {"batchtab-local-examples-sync": True}
        self.state: State | None = None
        self.events: list[Any] = []
        self.error: Exception | None = None

    def of_job(self, service: str, job: str) -> list[Trigger]:
        del service, job
        return [Trigger(name, enabled) for name, enabled in self.here.items()]

    def set_enabled(self, trigger: Trigger, enabled: bool) -> None:
        self.here[trigger.name] = enabled

    function_name = "batchtab-local-submit-run"

    def states(self, jobs: Iterable[str]) -> dict[str, State]:
        return dict.fromkeys(jobs, self.state) if self.state else {}

    def ask(self, event: Any) -> Answer:
        if self.error:
            raise self.error
        self.events.append(event)
        self.state = None
        return Answer("resumed")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("batchtab.cli.jobs.pause.Triggers", lambda *_: made)
    monkeypatch.setattr("batchtab.cli.jobs.pause.Runs", lambda *_: made)
    return made


PAUSED = State({"paused": {"since": "2026-11-24T09:00:00Z", "job_id": "1", "reason": "job 1 failed: exit code 1"}})


def test_pause_and_resume_say_what_was_and_what_is_and_may_be_said_twice(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pause", "sync"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "examples-sync: rule batchtab-local-examples-sync was enabled, is disabled",
        "The next plan shows this as drift, and a deployment resumes it; suspend: true in its file keeps it.",
    ]
    assert main(["pause", "sync"]) == 0
    assert "was disabled already" in capsys.readouterr().out
    assert main(["resume", "sync"]) == 0
    assert "was disabled, is enabled" in capsys.readouterr().out
    assert main(["resume", "sync"]) == 0
    assert "was enabled already" in capsys.readouterr().out
    assert world.here == {"batchtab-local-examples-sync": True}
    assert world.events == []


def test_both_triggers_of_a_job_are_switched(world: World) -> None:
    world.here = {"rule": True, "rule.after": True}
    assert main(["pause", "examples/sync"]) == 0
    assert world.here == {"rule": False, "rule.after": False}


def test_a_job_that_a_failure_paused_is_resumed_by_the_function(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job whose trigger is on, and that starts nothing since a run failed
    world.state = PAUSED
    # WHEN it is resumed THEN the function is told, and it is said why it was paused
    assert main(["resume", "sync"]) == 0
    assert world.events == [{"resume": {"job": "examples-sync"}}]
    assert "was paused since 2026-11-24T09:00:00Z, is resumed: job 1 failed: exit code 1" in capsys.readouterr().out


def test_runs_that_wait_are_told_and_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.state = State({"waiting": [{}, {}]})
    assert main(["pause", "sync"]) == 0
    assert "2 runs wait and still begin in turn." in capsys.readouterr().out
    assert main(["resume", "sync"]) == 0
    assert world.events == [{"resume": {"job": "examples-sync"}}]


def test_a_function_that_fails_is_one_line_and_the_triggers_are_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.here, world.state, world.error = {"rule": False}, PAUSED, FunctionError("timed out")
    assert main(["resume", "sync"]) == 2
    assert world.here == {"rule": True}
    (line,) = capsys.readouterr().err.splitlines()
    assert "batchtab-local-submit-run did not resume examples-sync: timed out" in line
    assert "run the same command again" in line


@pytest.mark.parametrize(
    ("job", "said", "status"),
    [
        ("hello", "examples-hello has no trigger in stage local [hint: it has only manual runs]", 2),
        ("tick", "examples-tick has no trigger: not deployed to stage local [hint: batchtab up --stage local]", 2),
        ("tock", "'tock' is not a job of stage local", 3),
    ],
)
def test_what_cannot_be_paused_is_one_line(
    world: World, job: str, said: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world.here = {}
    assert main(["pause", job]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_file_that_suspends_is_said_to_win(world: World, spoil: Callable[..., None], capsys: Any) -> None:
    spoil("jobs/examples/jobs.yaml", "concurrency_policy: queue", "concurrency_policy: queue\n    suspend: true")
    assert main(["resume", "sync"]) == 0
    assert "suspend: true, so the next deployment suspends it again" in capsys.readouterr().out
    assert main(["pause", "sync"]) == 0
    assert "drift" not in capsys.readouterr().out
    assert world.here == {"batchtab-local-examples-sync": False}


# --- why


class Known(World):
    """Triggers and states of several jobs."""

    def __init__(self, off: set[str], paused: set[str]) -> None:
        super().__init__()
        self.off, self.paused = off, paused

    def of_services(self, jobs: Any) -> dict[tuple[str, str], list[Trigger]]:
        return {(s, j): [Trigger(f"{s}-{j}", f"{s}-{j}" not in self.off)] for s, its in jobs.items() for j in its}

    def states(self, jobs: Iterable[str]) -> dict[str, State]:
        return {job: PAUSED for job in jobs if job in self.paused}


def test_who_or_what_paused_a_job_is_sent_and_a_suspended_one_is_not_paused(
    spoil: Callable[..., None], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN three jobs whose triggers are off: by hand, by hand and after a failure, and by its file; and one after one
    spoil("jobs/my-service/jobs.yaml", "schedule: cron(0 0 * * ? *)", "schedule: cron(0 0 * * ? *)\n    suspend: true")
    spoil("jobs/examples/jobs.yaml", "usual_duration_seconds: 60", "pause_on_failure: true")
    session = Session.open("local", project)
    known: Any = Known(
        off={"examples-tick", "examples-sync", "my-service-do-something"},
        paused={"examples-sync", "examples-report", "examples-nightly"},
    )
    monkeypatch.setattr("batchtab.cli.jobs.pause.Triggers", lambda *_: known)
    # WHEN it is asked why they are paused
    found = pause.why_paused(session, known, list(all_jobs(session.catalog)), known)
    # THEN by the files is not paused, nor is a job that once said pause_on_failure
    assert found == {
        "examples-tick": "its rule was disabled manually",
        "examples-sync": "its rule was disabled manually",
        "examples-report": "since 2026-11-24T09:00:00Z, job 1 failed: exit code 1",
    }
