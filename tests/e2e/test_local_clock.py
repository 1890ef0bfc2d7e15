"""The driven clock of local AWS: schedules in their time zones, whole days in minutes, timeouts without waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import yaml
from tests.e2e.local_helpers import ACCOUNT, REGION, Batch, LocalAws, make_batch, running, unique, wait_until
from tests.projects import PROJECT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    images = {"my-service": str(PROJECT / "examples" / "my-service")}
    arguments = ("--time", "2026-01-01T00:00:00+09:00", "--speed", "0")
    with running(tmp_path_factory.mktemp("clock"), *arguments, images=images) as started:
        yield started


@pytest.fixture
def batch(local: LocalAws) -> Iterator[Batch]:
    made = make_batch(local, vcpus=16)
    yield made
    events, scheduler = local.client("events"), local.client("scheduler")
    for each in events.list_rules()["Rules"]:
        events.disable_rule(Name=each["Name"])
    for each in scheduler.list_schedules()["Schedules"]:
        scheduler.delete_schedule(Name=each["Name"])
    local.post("clock", speed=0)


def schedule(batch: Batch, expression: str, **more: Any) -> str:
    """Schedule a job that is named for its scheduled time; returns the schedule's name."""
    name = unique("schedule")
    request = {
        "JobName": name,
        "JobQueue": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}",
        "JobDefinition": batch.define("true", "-"),
        "Tags": {"at": "<aws.scheduler.scheduled-time>"},
    }
    batch.local.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow=more.pop("FlexibleTimeWindow", {"Mode": "OFF"}),
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob",
            "RoleArn": batch.role,
            "Input": json.dumps(request),
        },
        **more,
    )
    return name


def jobs(batch: Batch, name: str) -> list[dict[str, Any]]:
    """All jobs of a name, oldest first."""
    pages = batch.api.get_paginator("list_jobs").paginate(
        jobQueue=batch.queue, filters=[{"name": "JOB_NAME", "values": [name]}]
    )
    ids = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
    found = [
        job
        for start in range(0, len(ids), 100)
        for job in batch.api.describe_jobs(jobs=ids[start : start + 100])["jobs"]
    ]
    return found[::-1]


def fired(batch: Batch, name: str) -> list[str]:
    return [job["tags"]["at"] for job in jobs(batch, name)]


def test_clock_starts_where_it_is_told_and_stands_still_at_speed_0(local: LocalAws) -> None:
    # the first test may have moved it already; it never moves by itself
    first, second = local.get("clock"), local.get("clock")
    assert first == second
    assert first["speed"] == 0
    assert first["now"] >= "2025-12-31T15:00:00Z"


def test_clock_is_set_advanced_and_sped_up(local: LocalAws) -> None:
    assert local.post("clock", time="2026-02-01T09:00:00+09:00")["now"] == "2026-02-01T00:00:00Z"
    assert local.post("clock", advance_seconds=90)["now"] == "2026-02-01T00:01:30Z"
    assert local.post("clock", advance_to="2026-02-01T01:00:00Z")["now"] == "2026-02-01T01:00:00Z"
    local.post("clock", speed=1000)
    wait_until(lambda: local.get("clock")["now"] > "2026-02-01T01:05:00Z", "the clock to run")
    assert local.post("clock", speed=0)["speed"] == 0


def test_a_clock_that_goes_can_advance_by_nothing(local: LocalAws) -> None:
    # GIVEN a clock that goes WHEN it is to advance by no second THEN what is due has been run when it answers
    local.post("clock", speed=1)
    for _ in range(20):
        assert local.post("clock", advance_seconds=0)["speed"] == 1
    local.post("clock", speed=0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"speed": -1}', "speed"),
        (b'{"speed": "fast"}', "speed"),
        (b'{"time": "noon"}', "'noon' is not a time"),
        (b'{"advance_to": "2020-01-01T00:00:00Z"}', "is past"),
        (b'{"advance_seconds": "x"}', "advance_seconds"),
        (b'{"time": "2026-01-01", "advance_seconds": 1}', "give one of them"),
        (b'{"hour": 1}', "hour"),
    ],
)
def test_clock_refuses(local: LocalAws, body: bytes, told: str) -> None:
    before = local.get("clock")
    status, message = local.refused("POST", "clock", body)
    assert status == 400
    assert told in message
    assert local.get("clock") == before


def test_nine_in_the_morning_in_seoul(local: LocalAws, batch: Batch) -> None:
    # GIVEN the evening before, and a schedule of 09:00 in Seoul
    local.post("clock", time="2026-06-01T20:00:00+09:00")
    name = schedule(batch, "cron(0 9 * * ? *)", ScheduleExpressionTimezone="Asia/Seoul")
    # WHEN two days pass
    local.post("clock", advance_to="2026-06-03T20:00:00+09:00")
    # THEN it fired at midnight UTC, and the jobs were created then
    assert fired(batch, name) == ["2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]
    created = [datetime.fromtimestamp(job["createdAt"] / 1000, tz=UTC) for job in jobs(batch, name)]
    assert [moment.strftime("%d %H:%M") for moment in created] == ["02 00:00", "03 00:00"]


def test_spring_night_in_berlin_skips_half_past_two(local: LocalAws, batch: Batch) -> None:
    # GIVEN 02:30 in Berlin, which does not exist on 29 March 2026
    local.post("clock", time="2026-03-27T12:00:00Z")
    name = schedule(batch, "cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    # WHEN the nights before, of and after the change pass
    local.post("clock", advance_to="2026-03-30T12:00:00Z")
    # THEN the night of the change has none, and after it 02:30 is an hour earlier in UTC
    assert fired(batch, name) == ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]


def test_autumn_night_in_berlin_has_half_past_two_once(local: LocalAws, batch: Batch) -> None:
    # GIVEN 02:30 in Berlin, which comes twice on 25 October 2026
    local.post("clock", time="2026-10-23T12:00:00Z")
    name = schedule(batch, "cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    # WHEN the nights before, of and after the change pass
    local.post("clock", advance_to="2026-10-26T12:00:00Z")
    # THEN it fired once in each, on the first of the two
    assert fired(batch, name) == ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]


def test_schedule_keeps_to_its_start_and_end_and_is_removed(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule of every hour from 02:00 to 04:30
    local.post("clock", time="2026-07-01T00:10:00Z")
    name = schedule(
        batch,
        "cron(0 * * * ? *)",
        StartDate=datetime(2026, 7, 1, 2, tzinfo=UTC),
        EndDate=datetime(2026, 7, 1, 4, 30, tzinfo=UTC),
        ActionAfterCompletion="DELETE",
    )
    # WHEN the day passes
    local.post("clock", advance_to="2026-07-01T04:29:00Z")
    scheduler = local.client("scheduler")
    assert scheduler.get_schedule(Name=name)["State"] == "ENABLED"
    local.post("clock", advance_to="2026-07-01T12:00:00Z")
    # THEN it fired within, and is gone
    assert fired(batch, name) == [f"2026-07-01T0{hour}:00:00Z" for hour in (2, 3, 4)]
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


def test_flexible_window_spreads_within_its_minutes(local: LocalAws, batch: Batch) -> None:
    # GIVEN a window of 15 minutes around 12 hourly times
    local.post("clock", time="2026-08-01T00:30:00Z")
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    name = schedule(batch, "cron(0 * * * ? *)", FlexibleTimeWindow=window)
    # WHEN they pass
    local.post("clock", advance_seconds=12 * 3600)
    # THEN each fired once, up to 15 minutes late, and not all at the same minute
    found = jobs(batch, name)
    assert [job["tags"]["at"][11:13] for job in found] == [f"{hour:02}" for hour in range(1, 13)]
    late = [job["createdAt"] / 1000 - datetime.fromisoformat(job["tags"]["at"]).timestamp() for job in found]
    assert all(0 <= seconds <= 900 for seconds in late)
    assert len({round(seconds) for seconds in late}) > 6


def test_jobs_that_ended_a_week_ago_are_forgotten(local: LocalAws, batch: Batch) -> None:
    local.post("clock", time="2026-10-01T00:00:00Z")
    old = batch.run("true", "-")
    batch.wait(old)
    local.post("clock", advance_seconds=6 * 86_400)
    assert batch.job(old)["status"] == "SUCCEEDED"
    local.post("clock", advance_seconds=2 * 86_400)
    batch.wait(batch.run("true", "-"))
    wait_until(lambda: batch.api.describe_jobs(jobs=[old])["jobs"] == [], "the old job to be forgotten")


def test_setting_the_time_runs_nothing_in_between(local: LocalAws, batch: Batch) -> None:
    local.post("clock", time="2026-09-01T00:00:00Z")
    name = schedule(batch, "cron(* * * * ? *)")
    local.post("clock", time="2026-09-01T10:00:30Z")
    local.post("clock", advance_seconds=60)
    assert len(fired(batch, name)) == 1


def test_rate_runs_at_once_unless_it_has_a_start(local: LocalAws, batch: Batch) -> None:
    # GIVEN a rate, and one that starts later
    local.post("clock", time="2026-09-02T00:00:30Z")
    name = schedule(batch, "rate(7 minutes)")
    bounded = schedule(batch, "rate(7 minutes)", StartDate=datetime(2026, 9, 2, 0, 5, tzinfo=UTC))
    # WHEN a quarter of an hour passes
    local.post("clock", advance_seconds=900)
    # THEN the one has counted from when it was made, and the other from its start
    assert [at[11:16] for at in fired(batch, name)] == ["00:00", "00:07", "00:14"]
    assert [at[11:16] for at in fired(batch, bounded)] == ["00:05", "00:12"]


@pytest.mark.slow
def test_no_minute_is_lost_or_doubled_at_speed(local: LocalAws, batch: Batch) -> None:
    # GIVEN a schedule of every minute
    local.post("clock", time="2026-11-01T00:00:10Z")
    name = schedule(batch, "cron(* * * * ? *)")
    # WHEN the clock runs 600 times as fast as real time through two hours
    local.post("clock", speed=600)
    wait_until(lambda: local.get("clock")["now"] > "2026-11-01T02:00:10Z", "two hours to pass")
    local.post("clock", speed=0)
    local.post("clock", advance_seconds=0)  # it may be a little behind what it shows
    # THEN each minute has fired exactly once, in order
    found = [datetime.fromisoformat(moment) for moment in fired(batch, name)]
    assert found[0] == datetime(2026, 11, 1, 0, 1, tzinfo=UTC)
    assert all(later - earlier == timedelta(minutes=1) for earlier, later in pairwise(found))
    assert len(found) >= 120


@pytest.mark.slow
def test_whole_day_of_my_service(local: LocalAws, batch: Batch) -> None:
    # GIVEN my-service's jobs as declared, each on a rule of its own
    service = yaml.safe_load((PROJECT / "jobs" / "my-service" / "jobs.yaml").read_text())
    local.post("clock", time="2026-05-04T23:59:30Z")
    for job_name, job in service["jobs"].items():
        definition = batch.define(
            *job["command"],
            properties={"image": f"{service['image']['repository']}:latest"},
            timeout={"attemptDurationSeconds": job["timeout_seconds"]},
        )
        rule = unique("rule")
        local.client("events").put_rule(Name=rule, ScheduleExpression=job["schedule"])
        # the name of the job tells its scheduled time, by way of a variable of the job
        transformer = {
            "InputPathsMap": {"time": "$.time"},
            "InputTemplate": '{"ContainerOverrides": {"Environment": [{"Name": "AT", "Value": <time>}]}}',
        }
        local.client("events").put_targets(
            Rule=rule,
            Targets=[
                {
                    "Id": "1",
                    "Arn": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}",
                    "RoleArn": batch.role,
                    "BatchParameters": {"JobDefinition": definition, "JobName": f"my-service-{job_name}"},
                    "InputTransformer": transformer,
                }
            ],
        )

    # WHEN a day passes, in which each run has the real time that it needs
    def found() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return jobs(batch, "my-service-do-something"), jobs(batch, "my-service-do-often")

    def have_ended() -> bool:
        return all(job["status"] in ("SUCCEEDED", "FAILED") for each in found() for job in each)

    for hour in range(24):
        for minute in (0, *range(7, 60, 10)):
            local.post("clock", advance_to=f"2026-05-05T{hour:02}:{minute:02}:30Z")
            wait_until(have_ended, "the runs to end")
    local.post("clock", advance_to="2026-05-05T23:59:30Z")
    # THEN every run of the day has happened once and succeeded
    daily, often = found()
    assert [at(job) for job in daily] == ["2026-05-05T00:00:00Z"]
    assert [at(job) for job in often] == [
        f"2026-05-05T{hour:02}:{minute:02}:00Z" for hour in range(24) for minute in range(7, 60, 10)
    ]
    assert {job["status"] for job in daily + often} == {"SUCCEEDED"}
    assert any("do-often is done" in line for line in batch.output(often[-1]))


def at(job: dict[str, Any]) -> str:
    return next(str(each["value"]) for each in job["container"]["environment"] if each["name"] == "AT")


def test_timeout_sends_sigterm_and_30_seconds_later_sigkill(local: LocalAws, batch: Batch) -> None:
    # GIVEN a job that ignores SIGTERM, with a timeout of a minute and several attempts
    code = (
        "import signal,time\n"
        "signal.signal(signal.SIGTERM, lambda *a: print('ignored', flush=True))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(1)"
    )
    job_id = batch.run(code, timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 3})
    started = batch.wait(job_id, "RUNNING")
    wait_until(lambda: batch.output(started) == ["ready"], "the job to be ready")
    # WHEN the minute is not yet over, THEN nothing happens
    local.post("clock", advance_seconds=58)
    assert batch.output(started) == ["ready"]
    # WHEN it is, THEN the job gets SIGTERM, and has its 30 seconds
    local.post("clock", advance_seconds=4)
    wait_until(lambda: batch.output(started) == ["ready", "ignored"], "SIGTERM")
    local.post("clock", advance_seconds=20)
    assert batch.job(job_id)["status"] == "RUNNING"
    # WHEN they are over as well, THEN it is killed and not tried again
    local.post("clock", advance_seconds=15)
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert job["container"]["exitCode"] == 137
    assert len(job["attempts"]) == 1
    assert 90_000 <= job["stoppedAt"] - job["startedAt"] < 100_000


def test_timeout_leaves_a_job_that_ends_in_time_alone(local: LocalAws, batch: Batch) -> None:
    job_id = batch.run("pass", timeout={"attemptDurationSeconds": 60})
    assert batch.wait(job_id)["status"] == "SUCCEEDED"
    local.post("clock", advance_seconds=120)
    assert batch.job(job_id)["status"] == "SUCCEEDED"
    assert batch.job(job_id)["timeout"] == {"attemptDurationSeconds": 60}
