"""A job that moves between a rule and a schedule is moved when no run of it is due, on a clock of the test's own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from batchtab.aws.client import Aws
from batchtab.aws.runs import Answer
from batchtab.cli.deployment import trigger_moves
from batchtab.cli.deployment.missed_runs import submit_missed
from batchtab.cli.deployment.trigger_moves import Move, Side
from batchtab.declarations.named_jobs import all_jobs
from batchtab.errors import UsageError
from batchtab.schedules.timing import Timing
from batchtab.terraform.session import Session

NAME = "batchtab-local-my-service-do-often"
FUNCTION = "arn:aws:lambda:ap-northeast-2:000000000000:function:batchtab-local-submit-run"
QUEUE = "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-continuously"
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def state(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A state as Terraform writes it."""
    return {
        "version": 4,
        "resources": [
            {"mode": "managed", "type": type_, "name": "x", "instances": [{"attributes": attributes}]}
            for type_, attributes in resources
        ],
    }


def rule(expression: str = "cron(7/10 * * * ? *)", enabled: bool = True) -> tuple[str, dict[str, Any]]:
    attributes = {"name": NAME, "schedule_expression": expression, "state": "ENABLED" if enabled else "DISABLED"}
    return "aws_cloudwatch_event_rule", attributes


def target(arn: str = QUEUE) -> tuple[str, dict[str, Any]]:
    return "aws_cloudwatch_event_target", {"rule": NAME, "arn": arn}


def schedule(**others: Any) -> tuple[str, dict[str, Any]]:
    attributes = {
        "name": NAME,
        "group_name": "batchtab-local-my-service",
        "schedule_expression": "cron(0 9 * * ? *)",
        "schedule_expression_timezone": "Asia/Seoul",
        "start_date": "",
        "end_date": "",
        "state": "ENABLED",
        "flexible_time_window": [{"mode": "OFF", "maximum_window_in_minutes": 0}],
        "target": [{"arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob"}],
    }
    return "aws_scheduler_schedule", {**attributes, **others}


@pytest.fixture
def found(spoil: Callable[..., None], project: Path) -> Callable[..., list[Move]]:
    """The moves of a stack with such a state, when the file of do-often says such a text in place of its schedule."""

    def find(deployed: dict[str, Any], text: str) -> list[Move]:
        spoil("jobs/my-service/jobs.yaml", "schedule: cron(7/10 * * * ? *)", text)
        catalog = Session.open("local", project).catalog
        return trigger_moves.find(
            deployed, [job for job in all_jobs(catalog) if job.service == "my-service"], "batchtab-local"
        )

    return find


# --- which jobs move


def test_a_rule_that_becomes_a_schedule_is_a_move(found: Callable[..., list[Move]]) -> None:
    (move,) = found(state(rule(), target()), "schedule: 0 9 * * *\n    timezone: Asia/Seoul")
    assert (move.job, move.old.kind, move.new.kind, move.may_double) == (
        "my-service-do-often",
        "rule",
        "schedule",
        True,
    )


def test_a_schedule_that_becomes_a_rule_is_a_move(found: Callable[..., list[Move]]) -> None:
    (move,) = found(state(schedule()), "schedule: 0 0 * * *")
    assert (move.old.kind, move.new.kind) == ("schedule", "rule")
    # AND the old one's times are those of its zone
    assert list(move.old.spans(NOON, NOON + timedelta(days=1))) == [(datetime(2026, 11, 25, tzinfo=UTC),) * 2]


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        (state(rule(), target()), "schedule: 0 0 * * *"),  # another time, the same trigger
        (state(schedule()), "schedule: 0 10 * * *\n    timezone: Asia/Seoul"),
        (state(), "schedule: 0 9 * * *\n    timezone: Asia/Seoul"),  # a new job
        (state(rule(), target()), "description: by hand"),  # no trigger any more
        (state(rule(enabled=False), target()), "schedule: 0 9 * * *\n    timezone: Asia/Seoul"),
        (state(rule(), target()), "schedule: 0 9 * * *\n    timezone: Asia/Seoul\n    suspend: true"),
        ({}, "schedule: 0 9 * * *\n    timezone: Asia/Seoul"),  # no state at all
    ],
    ids=["a rule stays", "a schedule stays", "a new job", "by hand", "was off", "will be off", "no state"],
)
def test_what_cannot_run_twice_is_no_move(
    found: Callable[..., list[Move]], deployed: dict[str, Any], text: str
) -> None:
    assert found(deployed, text) == []


@pytest.mark.parametrize(
    ("was", "policy", "doubles"),
    [
        (FUNCTION, "\n    concurrency_policy: queue", False),
        (QUEUE, "\n    concurrency_policy: queue", True),  # the old one submits to Batch, whatever the new one does
        (FUNCTION, "", True),
    ],
)
def test_only_where_the_function_decides_on_both_sides_a_run_cannot_come_twice(
    found: Callable[..., list[Move]], was: str, policy: str, doubles: bool
) -> None:
    (move,) = found(state(rule(), target(was)), f"schedule: 0 9 * * *\n    timezone: Asia/Seoul{policy}")
    assert move.may_double is doubles


def test_a_schedule_of_the_function_is_known_by_its_target(found: Callable[..., list[Move]]) -> None:
    (move,) = found(state(schedule(target=[{"arn": FUNCTION}])), "schedule: 0 0 * * *\n    concurrency_policy: forbid")
    assert not move.may_double


def test_a_trigger_that_cannot_be_read_does_not_stop_a_deployment(found: Callable[..., list[Move]]) -> None:
    (move,) = found(state(schedule(schedule_expression_timezone="Mars/Base")), "schedule: 0 0 * * *")
    assert move.old.timing is None
    assert trigger_moves.quiet_moment([move], NOON) == NOON


# --- when it is quiet


def side(kind: str, expression: str, zone: str = "UTC", window: int = 0, *, managed: bool = False) -> Side:
    return Side(kind, Timing(expression, ZoneInfo(zone), kind), timedelta(minutes=window), managed)


def move(old: Side, new: Side) -> Move:
    return Move("my-service-do-often", old, new)


def seconds_to_quiet(now: datetime, *given: Move) -> float | None:
    quiet = trigger_moves.quiet_moment(given, now)
    return None if quiet is None else (quiet - now).total_seconds()


HOURLY = move(side("rule", "cron(0 * * * ? *)"), side("schedule", "cron(0 * * * ? *)"))


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [
        ("11:30:00", 0),
        ("11:56:59", 0),  # more than three minutes before
        ("11:57:00", 4 * 60),
        ("11:59:30", 90),
        ("12:00:00", 60),
        ("12:00:59", 1),
        ("12:01:00", 0),  # a minute after
    ],
)
def test_from_three_minutes_before_to_one_after_a_run_it_is_not_quiet(clock: str, seconds: int) -> None:
    now = datetime.fromisoformat(f"2026-11-24T{clock}+00:00")
    assert seconds_to_quiet(now, HOURLY) == seconds


def test_both_triggers_count_and_each_of_several_jobs() -> None:
    # GIVEN an old time at 12:00, a new one at 12:03, and another job that is due at 12:07
    one = move(side("rule", "cron(0 12 * * ? *)"), side("schedule", "cron(3 21 * * ? *)", "Asia/Seoul"))
    other = move(side("rule", "cron(7 12 * * ? *)"), side("schedule", "cron(7 12 * * ? *)"))
    # THEN there is no room between the first two, and then none before the third
    assert seconds_to_quiet(NOON, one) == 4 * 60
    assert seconds_to_quiet(NOON, one, other) == 8 * 60


def test_a_flexible_window_is_waited_for_to_its_end() -> None:
    flexible = move(side("schedule", "cron(0 12 * * ? *)", window=10), side("rule", "cron(0 12 * * ? *)"))
    assert seconds_to_quiet(NOON + timedelta(minutes=5), flexible) == 6 * 60


def test_of_a_rate_nobody_knows_when_it_is_due() -> None:
    assert seconds_to_quiet(NOON, move(side("rule", "rate(1 minute)"), side("schedule", "rate(1 minute)"))) == 0


def test_what_runs_every_few_minutes_has_no_quiet_moment() -> None:
    assert seconds_to_quiet(NOON, move(side("rule", "cron(*/4 * * * ? *)"), side("schedule", "rate(1 hour)"))) is None
    # but every five minutes there is one
    assert seconds_to_quiet(NOON, move(side("rule", "cron(*/5 * * * ? *)"), side("schedule", "rate(1 hour)"))) == 60


# --- waiting


class Clock:
    def __init__(self, now: datetime) -> None:
        self.at = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.at += timedelta(seconds=min(seconds, 20))  # a sleep may end early


def waited(now: datetime, *given: Move) -> float:
    clock = Clock(now)
    trigger_moves.wait(given, now=clock.now, sleep=clock.sleep)
    return (clock.at - now).total_seconds()


def test_it_waits_and_says_for_what_and_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(NOON - timedelta(minutes=1), HOURLY) == 120
    assert capsys.readouterr().err == (
        "my-service-do-often moves from a rule to a schedule, and is due at 12:00 UTC: waits until 12:01:00 UTC\n"
    )


def test_a_quiet_moment_and_nothing_to_move_take_no_time_and_no_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(NOON + timedelta(minutes=30), HOURLY) == 0
    assert waited(NOON) == 0
    assert capsys.readouterr().err == ""


def refused(now: datetime, *given: Move) -> str:
    with pytest.raises(UsageError) as error:
        waited(now, *given)
    return str(error.value)


def test_a_job_that_is_due_too_often_is_refused_in_a_line_with_the_way_out() -> None:
    line = refused(NOON, move(side("rule", "cron(* * * * ? *)"), side("schedule", "cron(* * * * ? *)")))
    assert line == (
        "batchtab: my-service-do-often moves from a rule to a schedule, and is due too often for a moment in which it"
        " could move without running twice"
        " [hint: suspend: true for one deployment, or a concurrency_policy other than allow for good]"
    )


def test_a_moment_that_is_too_far_is_named() -> None:
    flexible = move(side("schedule", "cron(0 12 * * ? *)", window=120), side("rule", "cron(0 12 * * ? *)"))
    line = refused(NOON + timedelta(minutes=5), flexible)
    assert "until 2026-11-24 14:01:00 UTC [hint: deploy then, or with suspend: true]" in line


def test_a_job_of_the_submit_function_is_waited_for_but_no_reason_to_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a managed job that is due each minute, and one that is due at noon
    often = move(side("rule", "cron(* * * * ? *)", managed=True), side("schedule", "cron(* * * * ? *)", managed=True))
    # THEN it is said that one of its runs may be left out, and the other is waited for
    assert waited(NOON, often) == 0
    assert "due too often to wait for" in capsys.readouterr().err
    assert waited(NOON, often, HOURLY) == 60
    # AND one that has a quiet moment is waited for
    daily = move(side("rule", "cron(0 12 * * ? *)", managed=True), side("schedule", "cron(0 12 * * ? *)", managed=True))
    assert waited(NOON, daily) == 60


# --- where it is asked


def test_the_state_is_read_and_none_is_no_fault() -> None:
    aws = Aws("ap-northeast-2", "http://127.0.0.1:9")
    with Stubber(aws._s3) as stub:
        body = json.dumps(state(rule())).encode()
        wanted = {"Bucket": "b", "Key": "prod/jobs-x.tfstate"}
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(body), len(body))}, wanted)
        assert aws.state("b", "prod", "jobs-x") == state(rule())
        for code in ("NoSuchKey", "NoSuchBucket"):
            stub.add_client_error("get_object", code)
            assert aws.state("b", "prod", "jobs-x") is None


def test_only_a_stack_of_jobs_is_asked_about(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stage whose state has a rule, and files that want a schedule
    session = Session.open("local", project)
    asked: list[Any] = []
    aws: Any = type("_", (), {"state": lambda _self, *key: asked.append(key) or state(rule(), target())})()
    monkeypatch.setattr(trigger_moves, "wait", asked.append)
    # WHEN their turn comes
    trigger_moves.wait_for_quiet(session, aws, ["network", "environment", "jobs-my-service"])
    # THEN one state was read, and its jobs stay where they are
    assert asked == [("batchtab-local-state", "local", "jobs-my-service"), []]


def test_what_has_no_moment_is_refused_before_anything_is_done(project: Path, spoil: Callable[..., None]) -> None:
    # GIVEN a job that runs each minute and moves
    spoil("jobs/my-service/jobs.yaml", "cron(7/10 * * * ? *)", "'* * * * *'\n    timezone: Asia/Seoul")
    deployed = state(rule("cron(* * * * ? *)"), target())
    aws: Any = type("_", (), {"state": lambda _self, *_key: deployed})()
    # WHEN the stacks are looked at THEN it is refused, and the other stacks are not
    session = Session.open("local", project)
    trigger_moves.check(session, aws, ["network", "environment", "jobs-examples"])
    with pytest.raises(UsageError, match="due too often"):
        trigger_moves.check(session, aws, session.stacks())


@pytest.mark.parametrize(("old", "new", "asked"), [(True, True, 2), (False, True, 0), (True, False, 0)])
def test_what_was_due_while_a_claimed_job_moved_is_asked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: bool, new: bool, asked: int
) -> None:
    # GIVEN a job of each minute that moved within one, with or without the submit function
    session = Session.open("local", project)
    timing = Timing("cron(* * * * ? *)")
    move = Move(
        "my-service-do-often",
        Side("rule", timing, timedelta(), old),
        Side("schedule", timing, timedelta(), new),
    )
    events: list[Any] = []

    class Function:
        def __init__(self, *_: Any) -> None: ...

        def ask(self, event: Any) -> Answer:
            events.append(event)
            return Answer("duplicate" if len(events) == 1 else "submitted")

    monkeypatch.setattr("batchtab.cli.deployment.missed_runs.Runs", Function)
    # WHEN the deployment is over
    aws: Any = None
    submit_missed(session, aws, [move], NOON + timedelta(seconds=50), now=lambda: NOON + timedelta(seconds=65))
    # THEN both minutes were asked for as a trigger asks, and what the triggers had not done is said
    assert [event["trigger"]["scheduled_time"] for event in events] == [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:01:00Z",
    ][:asked]
    assert all("mode" not in event for event in events)
    said = capsys.readouterr().out
    assert said == (
        "my-service-do-often: its run of 2026-11-24T12:01:00Z was due while it moved: submitted\n" * (asked > 0)
    )
