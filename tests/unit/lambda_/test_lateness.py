"""Runs that never came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from tests.unit.lambda_.support import SETTINGS, START, FakeRuns, FakeTable, World, event

from job_alerts import lateness
from job_alerts.message import Route
from job_alerts.runs import Run
from job_alerts.schedule import Schedule
from job_alerts.text import line
from job_alerts.watches import Watched, WatchState

QUEUE = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-prod-default"
NAME = "billing-invoice"
MIDNIGHT = START // 86_400 * 86_400 + 86_400
CRON = "cron(0 0 * * ? *)"


def watch(world: World, expression: str = CRON, late_after_seconds: int = 600) -> None:
    """Watches a job, from now on."""
    assert isinstance(world.table, FakeTable)
    world.table.watches.schedules = [Watched(NAME, QUEUE, Schedule(expression), late_after_seconds)]
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
    assert told.command == "batchtab why billing-invoice@2026-03-03T00:00:00Z --stage prod"
    fields = {field.label: field for field in told.fields}
    assert fields["Due"].at == MIDNIGHT
    assert (fields["Schedule"].value, fields["Queue"].value, fields["Stage"].value) == (CRON, "default", "prod")
    assert world.asked == [NAME]


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        (Schedule("cron(0 25 * * ? *)"), "'cron(0 25 * * ? *)' has '25' as hours: 0 to 23"),
        (Schedule("rate(0 days)"), "'rate(0 days)' has the value 0: 1 or more"),
        (Schedule(CRON, "Asia/Nowhere"), "'Asia/Nowhere' is not a known time zone"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_told_once_and_hides_no_other(
    world: World, schedule: Schedule, fault: str
) -> None:
    # GIVEN a job that never starts, behind one whose schedule can't be read
    watch(world)
    assert isinstance(world.table, FakeTable)
    watches = world.table.watches
    watches.schedules = [Watched("a-first", QUEUE, schedule, 600), *watches.schedules]
    # WHEN it is looked for late runs for a day
    sweep_until(world, MIDNIGHT + 4000)
    # THEN somebody is told of both, once
    unreadable, late = world.inbox
    assert (unreadable.title, late.title) == ("a-first is not watched", "billing-invoice did not start")
    fields = {field.label: field.value for field in unreadable.fields}
    assert fields["What happened"] == fault
    assert fields["Schedule"] == line(schedule.text, 160)
    # WHEN it is changed THEN it is watched
    watches.schedules = [Watched("a-first", QUEUE, Schedule(CRON), 600)]
    sweep_until(world, MIDNIGHT + 2 * 86_400)
    assert world.inbox[-1].title == "a-first did not start"


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


@pytest.mark.parametrize("expression", ["cron(* * * * ? *)", "rate(1 minute)"])
def test_a_run_due_while_a_stage_is_deployed_is_not_told(world: World, expression: str) -> None:
    # GIVEN a job whose schedule is in the table a minute and a half before its trigger takes effect
    watch(world, expression, 60)
    began = world.clock + 90
    world.starts[NAME] = list(range(began, began + 600, 60))
    sweep_until(world, began + 600)
    # THEN the times before are not reported
    assert world.inbox == []
    # WHEN it starts no more THEN somebody is
    sweep_until(world, began + 800)
    assert len(world.inbox) == 1


def test_a_job_that_moves_to_another_queue_is_watched_anew(world: World) -> None:
    # GIVEN a run in one queue, and a job that is moved to another before the run is looked for
    watch(world)
    world.starts[NAME] = []
    sweep_until(world, MIDNIGHT + 300)
    assert isinstance(world.table, FakeTable)
    world.table.watches.schedules = [Watched(NAME, QUEUE.replace("default", "large"), Schedule(CRON), 600)]
    # THEN it is not reported, although it is not in the other queue
    sweep_until(world, MIDNIGHT + 4000)
    assert world.inbox == []


def test_what_an_earlier_version_watched_is_still_watched(world: World) -> None:
    # GIVEN a run that is due, and a row of the version before, which has no queue
    watch(world)
    sweep_until(world, MIDNIGHT + 300)
    assert isinstance(world.table, FakeTable)
    world.table.watches.put_watching(NAME, WatchState(CRON, MIDNIGHT - 60, 0, 0))
    # WHEN it is late after the upgrade THEN it is reported, once
    sweep_until(world, MIDNIGHT + 4000)
    assert len(world.inbox) == 1


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
    schedules, world.table.watches.schedules = world.table.watches.schedules, []
    sweep(world)
    # WHEN it is resumed
    world.clock = MIDNIGHT + 10 * 86_400 + 3600
    world.table.watches.schedules = schedules
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
    first = next(message for message in world.inbox)
    assert not [field for field in first.fields if field.label == "Again"]
    repeats = [field.value for message in world.inbox[1:] for field in message.fields if field.label == "Again"]
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
    due = next(field.at for field in told.fields if field.label == "Due")
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
    assert "billing" in [field.value for field in told.fields if field.label == "Service"]


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


# --- time zones, starts and ends


SEOUL_NINE = Schedule("cron(0 9 * * ? *)", "Asia/Seoul")


def watch_schedule(world: World, schedule: Schedule, late_after_seconds: int = 600) -> None:
    assert isinstance(world.table, FakeTable)
    world.table.watches.schedules = [Watched(NAME, QUEUE, schedule, late_after_seconds)]
    sweep(world)


def test_a_run_is_due_by_the_clocks_of_its_zone(world: World) -> None:
    # GIVEN a job of nine o'clock in Seoul, which is midnight in UTC
    watch_schedule(world, SEOUL_NINE)
    sweep_until(world, MIDNIGHT + 599)
    assert world.inbox == []
    sweep_until(world, MIDNIGHT + 700)
    # THEN it is told when that has passed, with its zone
    (told,) = world.inbox
    fields = {field.label: field for field in told.fields}
    assert fields["Due"].at == MIDNIGHT
    assert fields["Schedule"].value == "cron(0 9 * * ? *) Asia/Seoul"


def test_a_job_whose_zone_changes_is_watched_anew(world: World) -> None:
    watch_schedule(world, SEOUL_NINE)
    sweep_until(world, MIDNIGHT + 300)
    watch_schedule(world, SEOUL_NINE._replace(timezone="Asia/Taipei"))
    sweep_until(world, MIDNIGHT + 1000)
    assert world.inbox == []


def test_a_run_once_is_told_once(world: World) -> None:
    watch_schedule(world, Schedule("at(2026-03-03T09:00:00)", "Asia/Seoul"))
    sweep_until(world, MIDNIGHT + 86_400, every=600)
    (told,) = world.inbox
    assert [field.at for field in told.fields if field.label == "Due"] == [MIDNIGHT]


# --- what the submit function decided


@pytest.fixture
def runs(world: World) -> FakeRuns:
    world.runs = FakeRuns()
    return world.runs


@pytest.mark.parametrize("status", ["submitted", "waiting", "skipped", "dropped", "late"])
@pytest.mark.parametrize("expression", [CRON, "rate(10 minutes)"])
def test_a_run_that_was_decided_is_not_missing(world: World, runs: FakeRuns, status: str, expression: str) -> None:
    # GIVEN a run that Batch has not, because the submit function decided so
    watch(world, expression)
    due = range(START + 600, MIDNIGHT + 4000, 600) if expression.startswith("rate") else [MIDNIGHT]
    runs.known = {NAME: [Run(moment, status, 0) for moment in due]}
    sweep_until(world, MIDNIGHT + 3000)
    # THEN nothing is told, and of one scheduled time it is asked once
    assert world.inbox == []
    assert runs.asked == len(world.asked) > 0


def test_another_runs_record_does_not_excuse_this_one(world: World, runs: FakeRuns) -> None:
    watch(world)
    runs.known = {NAME: [Run(MIDNIGHT - 86_400, "skipped", 0), Run(MIDNIGHT + 60, "skipped", 0)], "b": []}
    sweep_until(world, MIDNIGHT + 700)
    assert len(world.inbox) == 1


def test_a_run_that_is_being_submitted_is_waited_for(world: World, runs: FakeRuns) -> None:
    # GIVEN a run that was claimed just before it is late
    watch(world)
    runs.known = {NAME: [Run(MIDNIGHT, "claimed", MIDNIGHT + 590 + 45)]}
    sweep_until(world, MIDNIGHT + 800)
    assert world.inbox == []
    # WHEN it is submitted THEN nothing is ever told
    runs.known = {NAME: [Run(MIDNIGHT, "submitted", 0)]}
    sweep_until(world, MIDNIGHT + 2000)
    assert world.inbox == []


def test_a_run_whose_submission_never_ends_is_told(world: World, runs: FakeRuns) -> None:
    watch(world)
    runs.known = {NAME: [Run(MIDNIGHT, "claimed", MIDNIGHT + 45)]}
    sweep_until(world, MIDNIGHT + 700)
    assert len(world.inbox) == 1


def test_a_table_of_runs_that_does_not_answer_silences_nothing(world: World, runs: FakeRuns) -> None:
    watch(world)
    runs.down = True
    sweep_until(world, MIDNIGHT + 4000)
    assert len(world.inbox) == 1


def test_a_run_that_batch_has_is_not_looked_up(world: World, runs: FakeRuns) -> None:
    watch(world)
    world.starts[NAME] = [MIDNIGHT + 30]
    sweep_until(world, MIDNIGHT + 700)
    assert (len(world.asked), runs.asked) == (1, 0)


# --- Batch


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made: Any = boto3.client
    batch = made("batch", region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(lateness, "client", lambda *_, **__: batch)
    with Stubber(batch) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def summary(name: str, created: int) -> dict[str, Any]:
    return {"jobId": "x", "jobName": name, "createdAt": created * 1000}


def plenty() -> float:
    return 110.0


def test_batch_is_asked_for_the_newest_since_then(stub: Stubber) -> None:
    wanted = {
        "jobQueue": QUEUE,
        "filters": [{"name": "AFTER_CREATED_AT", "values": ["149999"]}],
        "maxResults": 100,
    }
    jobs = [summary(NAME.upper(), 300), summary(NAME, 200), summary(NAME, 170)]
    stub.add_response("list_jobs", {"jobSummaryList": jobs, "nextToken": "more"}, wanted)
    assert lateness.last_start(QUEUE, NAME, 150, plenty) == 200


def test_all_pages_are_looked_at_for_a_job_of_the_name(stub: Stubber) -> None:
    # GIVEN a page of another job, and one of ours behind it
    stub.add_response("list_jobs", {"jobSummaryList": [summary(NAME.upper(), 300)], "nextToken": "more"})
    stub.add_response("list_jobs", {"jobSummaryList": [summary(NAME, 160)]})
    assert lateness.last_start(QUEUE, NAME, 150, plenty) == 160
    # AND none at all
    stub.add_response("list_jobs", {"jobSummaryList": [summary(NAME.upper(), 300)], "nextToken": "more"})
    stub.add_response("list_jobs", {"jobSummaryList": []})
    assert lateness.last_start(QUEUE, NAME, 150, plenty) is None


def test_a_refusal_of_batch_is_no_answer(stub: Stubber) -> None:
    stub.add_client_error("list_jobs", "AccessDeniedException")
    with pytest.raises(lateness.NotKnown):
        lateness.last_start(QUEUE, NAME, 0, plenty)


def test_of_a_queue_with_thousands_of_jobs_the_newest_five_thousand_are_looked_at(stub: Stubber) -> None:
    # GIVEN a queue that has more and more of another job
    for page in range(50):
        others = [summary("another", 300)] * 100
        stub.add_response("list_jobs", {"jobSummaryList": others, "nextToken": f"t{page}"})
    # THEN nobody can say whether ours is behind them
    with pytest.raises(lateness.NotKnown, match="more than 5000 jobs"):
        lateness.last_start(QUEUE, NAME, 150, plenty)


def test_a_job_on_the_last_page_that_is_looked_at_is_found(stub: Stubber) -> None:
    for page in range(50):
        name = "another" if page < 49 else NAME
        stub.add_response("list_jobs", {"jobSummaryList": [summary(name, 160)], "nextToken": f"t{page}"})
    assert lateness.last_start(QUEUE, NAME, 150, plenty) == 160


def test_no_further_page_is_asked_for_when_the_functions_time_is_short(stub: Stubber) -> None:
    # GIVEN time for one page
    stub.add_response("list_jobs", {"jobSummaryList": [summary("another", 300)], "nextToken": "more"})
    left = iter([46.0, 44.0])
    with pytest.raises(lateness.NotKnown, match="time is short"):
        lateness.last_start(QUEUE, NAME, 150, lambda: next(left))
