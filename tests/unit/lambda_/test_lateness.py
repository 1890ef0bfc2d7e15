"""Runs that never came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st
from job_alerts import clients, lateness, schedule
from job_alerts.story import Route
from job_alerts.table import Watched

from jobs.schedule import next_runs
from tests.unit.lambda_.support import SETTINGS, START, FakeTable, World, event

QUEUE = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-prod-default"
NAME = "billing-invoice"
MIDNIGHT = START // 86_400 * 86_400 + 86_400
CRON = "cron(0 0 * * ? *)"


def watch(world: World, expression: str = CRON, late_after_seconds: int = 600) -> None:
    """Watches a job, from now on."""
    assert isinstance(world.table, FakeTable)
    world.table.schedules = [Watched(NAME, QUEUE, expression, late_after_seconds)]
    sweep(world)


def sweep(world: World) -> str:
    return world.handle(event("sweep"))


def sweep_until(world: World, moment: int, *, every: int = 60) -> None:
    while world.clock < moment:
        world.clock = min(world.clock + every, moment)
        sweep(world)


@pytest.fixture
def world() -> World:
    return World()


def test_a_run_that_did_not_come_is_told_once(world: World) -> None:
    # GIVEN a daily job that may be ten minutes late, and does not start
    watch(world)
    sweep_until(world, MIDNIGHT + 599)
    assert world.inbox == []
    assert world.asked == []
    # WHEN the ten minutes are over, and then for another hour
    sweep_until(world, MIDNIGHT + 4000)
    # THEN it was told once, with when it was due, and Batch was asked once
    (told,) = world.inbox
    assert told.title == "billing-invoice did not start"
    assert told.sentence == "billing-invoice did not start within 10 min of its schedule"
    facts = {fact.label: fact for fact in told.facts}
    assert facts["Due"].at == MIDNIGHT
    assert (facts["Schedule"].value, facts["Queue"].value, facts["Stage"].value) == (CRON, "default", "prod")
    assert world.asked == [NAME]


def test_a_run_that_came_in_time_is_not_told(world: World) -> None:
    watch(world)
    world.starts[NAME] = [MIDNIGHT + 30]
    sweep_until(world, MIDNIGHT + 4000)
    assert world.inbox == []
    assert world.asked == [NAME]


def test_yesterdays_run_is_not_todays(world: World) -> None:
    watch(world)
    world.starts[NAME] = [MIDNIGHT - 86_400 + 30]
    sweep_until(world, MIDNIGHT + 700)
    assert len(world.inbox) == 1


def test_what_was_due_before_it_was_watched_is_not_told(world: World) -> None:
    # GIVEN a job that is deployed five minutes after its time
    world.clock = MIDNIGHT + 300
    watch(world)
    sweep_until(world, MIDNIGHT + 4000)
    # THEN nobody is told of the run before it was there
    assert world.inbox == []


def test_a_changed_schedule_is_watched_anew(world: World) -> None:
    # GIVEN a job that is moved, just before it would be late, to an hour that has passed
    watch(world)
    sweep_until(world, MIDNIGHT + 300)
    watch(world, "cron(2 0 * * ? *)")
    sweep_until(world, MIDNIGHT + 4000)
    assert world.inbox == []


def test_a_job_that_slept_is_watched_anew(world: World) -> None:
    # GIVEN a job that is suspended for ten days, and so watched no more
    watch(world)
    assert isinstance(world.table, FakeTable)
    schedules, world.table.schedules = world.table.schedules, []
    sweep(world)
    # WHEN it is resumed
    world.clock = MIDNIGHT + 10 * 86_400 + 3600
    world.table.schedules = schedules
    sweep_until(world, world.clock + 3600)
    # THEN nobody is told of the days between
    assert world.inbox == []


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_each_missed_run_is_told_or_counted(world: World, cut: int) -> None:
    # GIVEN an hourly job that never starts, with one message in three hours
    world.settings = SETTINGS._replace(repeat_seconds=3 * 3600)
    watch(world, "cron(0 * * * ? *)", 60)
    sweep_until(world, MIDNIGHT + 3600 * (3 + cut) + 61)
    # THEN the second message tells of the runs between
    first = next(story for story in world.inbox)
    assert not [fact for fact in first.facts if fact.label == "Again"]
    repeats = [fact.value for story in world.inbox[1:] for fact in story.facts if fact.label == "Again"]
    assert repeats[0] == "4 runs in a row did not come"


def test_a_rate_is_due_one_period_after_the_last_start(world: World) -> None:
    # GIVEN a job that starts every five minutes, and skips one
    world.settings = SETTINGS._replace(repeat_seconds=0)
    watch(world, "rate(5 minutes)", 60)
    begin = START + 100
    world.starts[NAME] = [begin + 300 * number for number in range(10) if number != 6]
    sweep_until(world, begin + 300 * 9 + 60)
    # THEN one message tells the one that is missing
    (told,) = world.inbox
    due = next(fact.at for fact in told.facts if fact.label == "Due")
    assert due is not None
    assert abs(due - (begin + 300 * 6)) < 60
    # AND Batch was asked about once a run
    assert len(world.asked) <= 11


def test_a_late_run_is_told_where_its_alerts_go(world: World) -> None:
    assert isinstance(world.table, FakeTable)
    world.table.known_routes = {"billing": Route("billing", "#billing", "here")}
    watch(world)
    sweep_until(world, MIDNIGHT + 700)
    (told,) = world.inbox
    assert (told.channel, told.mention) == ("#billing", "here")
    assert "billing" in [fact.value for fact in told.facts if fact.label == "Service"]


def test_a_muted_job_is_not_told(world: World) -> None:
    assert isinstance(world.table, FakeTable)
    world.table.known_routes = {NAME: Route(NAME, mute=True)}
    watch(world)
    sweep_until(world, MIDNIGHT + 700)
    assert world.inbox == []


def test_what_slack_does_not_take_is_told_by_a_later_sweep(world: World) -> None:
    # GIVEN a Slack that is away when a run is late
    watch(world)
    world.slack_is_up = False
    sweep_until(world, MIDNIGHT + 700)
    # WHEN it is back
    world.slack_is_up = True
    sweep_until(world, MIDNIGHT + 1000)
    # THEN it is told, once
    assert len(world.inbox) == 1


def test_batch_that_does_not_answer_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a Batch that refuses for a while
    watch(world)

    def refuse(*_: Any) -> None:
        raise lateness.NotKnown("throttled")

    with monkeypatch.context() as patched:
        patched.setattr(world, "last_start", refuse)
        sweep_until(world, MIDNIGHT + 700)
    assert world.inbox == []
    # THEN the run is told as soon as it is known
    sweep_until(world, MIDNIGHT + 800)
    assert len(world.inbox) == 1


def test_a_sweep_that_did_not_come_for_long_tells_the_last_run_only(world: World) -> None:
    watch(world, "rate(5 minutes)", 60)
    world.clock += 86_400
    sweep(world)
    sweep_until(world, world.clock + 120)
    assert len(world.inbox) == 1


# --- schedules, backwards


EXPRESSIONS = [
    *("0 0 * * ? *", "7/10 * * * ? *", "15 9,17 ? * MON-FRI *", "0 0 L * ? *", "0 0 LW * ? *", "30 1 15W * ? *"),
    *("0 12 ? * 6#3 *", "0 12 ? * FRIL *", "5 4 ? * L *", "0 0 1 JAN,JUL ? *", "0 6 29 2 ? *", "0 0 L-3 * ? *"),
    *("0/7 3-5 1/9 * ? *", "0 8 ? * 2,4 2026-2028", "59 23 31 12 ? *", "0 0 1W * ? *"),
]


@pytest.mark.parametrize("fields", EXPRESSIONS)
@given(moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)))
@settings(max_examples=25, deadline=None)
def test_the_last_time_is_the_one_that_the_project_s_own_clock_gives(fields: str, moment: datetime) -> None:
    # GIVEN the times of an expression after a moment, as jobs.schedule counts them
    expression = f"cron({fields})"
    at = moment.replace(tzinfo=UTC, microsecond=0)
    runs = next_runs(expression, at, 3)
    for earlier, later in pairwise(runs):
        # THEN just before the later one, and at the earlier, the last one is the earlier
        for until in (earlier, later - timedelta(seconds=1)):
            assert schedule.last_due(expression, int(at.timestamp()), int(until.timestamp())) == earlier.timestamp()
    if runs and runs[0] > at:
        until = int(runs[0].timestamp()) - 1
        assert schedule.last_due(expression, int(at.timestamp()) + 1, until) is None


@pytest.mark.parametrize("text", ["", "cron()", "cron(x 0 * * ? *)", "cron(0 0 * *)", "at(2026-01-01T00:00:00)"])
def test_what_is_no_schedule_has_no_times(text: str) -> None:
    assert schedule.last_due(text, 0, START) is None
    assert schedule.period(text) is None


def test_a_rate_has_a_period() -> None:
    assert [schedule.period(f"rate({text})") for text in ("1 minute", "5 minutes", "2 hours", "1 day")] == [
        *(60, 300, 7200, 86_400)
    ]


# --- Batch


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made: Any = boto3.client
    batch = made("batch", region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(lateness, "client", lambda *_, **__: batch)
    with Stubber(batch) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
    clients._clients.clear()


def summary(name: str, created: int) -> dict[str, Any]:
    return {"jobId": "x", "jobName": name, "createdAt": created * 1000}


def test_batch_is_asked_for_the_newest_by_name(stub: Stubber) -> None:
    wanted = {"jobQueue": QUEUE, "filters": [{"name": "JOB_NAME", "values": [NAME]}], "maxResults": 50}
    jobs = [summary(NAME.upper(), 300), summary(NAME, 200), summary(NAME, 100)]
    stub.add_response("list_jobs", {"jobSummaryList": jobs, "nextToken": "more"}, wanted)
    assert lateness.last_start(QUEUE, NAME, 150) == 200


def test_pages_end_where_jobs_are_too_old(stub: Stubber) -> None:
    stub.add_response("list_jobs", {"jobSummaryList": [summary(NAME.upper(), 300)], "nextToken": "more"})
    stub.add_response("list_jobs", {"jobSummaryList": [summary(NAME, 100)], "nextToken": "still more"})
    assert lateness.last_start(QUEUE, NAME, 150) is None


def test_a_refusal_of_batch_is_no_answer(stub: Stubber) -> None:
    stub.add_client_error("list_jobs", "AccessDeniedException")
    with pytest.raises(lateness.NotKnown):
        lateness.last_start(QUEUE, NAME, 0)
