"""Runs as people mean them, on a stage made by Terraform with a driven clock: none lost, none twice, no two at once.

All of it is one story, told once by the fixture `story` in some minutes of which most are waits; tests ask what came
of it, in any order. It has a stage of its own: it takes DynamoDB away and sets the clock to other years.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.deployed import Deployed
from tests.e2e.schedule_stage import (
    FUNCTION,
    GROUP,
    PREFIX,
    QUEUE,
    SERVICE,
    Stage,
    Watch,
    scheduled_times,
    until,
    variables,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(3600), pytest.mark.xdist_group("schedules")]

DAY = "2028-01-10"
GATED = '[sh, -c, "until [ -e $0 ]; do sleep 0.3; done", gate]'
JOBS = f"""
service: {SERVICE}
image: {{repository: plain, tag: local}}
defaults: {{vcpus: 1, memory_mib: 512, timeout_seconds: 900}}
jobs:
  seoul: {{command: ["true"], schedule: cron(0 9 * * ? *), timezone: Asia/Seoul}}
  berlin: {{command: ["true"], schedule: 30 2 * * *, timezone: Europe/Berlin}}
  lost: {{command: ["true"], schedule: cron(5 0 10 1 ? 2028), concurrency_policy: forbid}}
  killed: {{command: ["true"], schedule: cron(0 1 10 1 ? 2028), concurrency_policy: forbid}}
  forbid: {{command: {GATED}, schedule: "cron(0-3,9 2 10 1 ? 2028)", concurrency_policy: forbid}}
  replace: {{command: {GATED}, schedule: cron(0-2 2 10 1 ? 2028), concurrency_policy: replace}}
  queue:
    command: {GATED}
    schedule: cron(0-3 2 10 1 ? 2028)
    timezone: UTC
    concurrency_policy: queue
    queue_limit: 2
  brittle: {{command: ["false"], schedule: cron(0-1 2 10 1 ? 2028), pause_on_failure: true}}
  stalled:
    command: {GATED.replace('", gate]', '", second-gate]')}
    schedule: cron(0 5 10 1 ? 2028)
    concurrency_policy: queue
    queue_limit: 2
  left: {{command: ["true"], schedule: cron(0 2 10 1 ? 2028), concurrency_policy: forbid}}
  right: {{command: ["true"], schedule: cron(1 2 10 1 ? 2028), concurrency_policy: forbid}}
  both: {{command: ["true"], after_all: [left, right]}}
  moved: {{command: ["true"], schedule: cron(0 4 10 1 ? 2028), concurrency_policy: forbid}}
"""
# Berlin changes its clocks on the third of each.
SPRING = ("2027-03-26", "2027-03-27", "2027-03-28", "2027-03-29", "2027-03-30")
AUTUMN = ("2027-10-29", "2027-10-30", "2027-10-31", "2027-11-01", "2027-11-02")
MANY = 50
LAST_MINUTES = {"forbid": 3, "replace": 2, "queue": 3, "brittle": 1}  # of the jobs of `meet`, at 02:00 and after
PATIENCE_SECONDS = 100  # more than the minute after which Lambda tries again
# What the submit function promises: whoever takes over a run that was left behind does so within it.
RECOVERY_SECONDS_MAX = 120
OUTAGE_SECONDS = 120


@dataclass
class Story:
    """What came of it all."""

    stage: Stage
    spring: dict[str, list[str]] = field(default_factory=dict)
    autumn: dict[str, list[str]] = field(default_factory=dict)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    many: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lost: Watch | None = None
    killed: Watch | None = None
    claimed_when_killed: dict[str, Any] = field(default_factory=dict)
    jobs_when_killed: int = -1
    deployment: str = ""
    tripled: dict[str, int] = field(default_factory=dict)
    triggers_of_moved: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    after_refusals: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def stage(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The jobs above, which run in a folder in which a test can open their gates."""
    root = tmp_path_factory.mktemp("schedules")
    (root / "gates").mkdir()
    settings: dict[str, Any] = {
        "environment": {"capacity": "EC2", "queues": {"default": 5, "continuously": 3}, "max_vcpus": 64},
        "alerts": {"function_name": "SendToSlack", "stand_in": True},
        "jobs": [SERVICE],
        "local": {"images": {"plain": "gates"}},
    }
    with deployed.restored(root, applies=True, **settings) as checkout:
        checkout.replace_jobs(SERVICE, JOBS)
        done = checkout.run("up")
        assert done.returncode == 0, done.stderr + done.stdout
        yield Stage(checkout)


@pytest.fixture(scope="module")
def story(stage: Stage) -> Story:
    """The whole of it."""
    story, began = Story(stage), time.monotonic()
    try:
        tell(story)
    except AssertionError:
        print("\n".join(stage.function_log()[-60:]))
        raise
    print(f"\nthe story took {time.monotonic() - began:.0f} s: {json.dumps(story.figures)}")
    return story


def tell(story: Story) -> None:
    """What takes minutes is under way while the rest goes on."""
    stage = story.stage
    stage.only_our_schedules()
    lose_a_table(story)
    story.spring = through_a_change(stage, SPRING)
    story.autumn = through_a_change(stage, AUTUMN)
    rule = move(story)
    until(lambda: stage.checkout.ask("faults", "GET") == [], OUTAGE_SECONDS, "the end of the outage")
    assert story.lost is not None
    stage.jump(f"{DAY}T00:30:00Z")  # Batch forgets a job that was submitted in the year before
    story.lost.wait()  # its next attempt must not meet the fault by which the function is killed
    kill(story)
    meet(story)
    crowd(story)
    fire_both(story, rule)
    for watch in (story.killed, story.lost):
        assert watch is not None
        watch.wait()
    refuse(story)
    for name in (
        "lost",
        "killed",
        "forbid",
        "replace",
        "queue",
        "brittle",
        "left",
        "right",
        "both",
        "moved",
        "stalled",
    ):
        seen = {job["jobId"]: job for job in [*story.jobs.get(name, []), *stage.jobs(name)]}
        story.jobs[name], story.records[name] = list(seen.values()), stage.records(name)


def lose_a_table(story: Story) -> None:
    """A job is due when DynamoDB has just gone away for two minutes."""
    stage = story.stage
    stage.jump(f"{DAY}T00:04:30Z")

    def is_there() -> bool:
        story.jobs["lost"] = stage.jobs("lost")  # of a time that the clock leaves: Batch forgets it then
        return bool(story.jobs["lost"])

    story.lost = Watch(is_there, patience_seconds=OUTAGE_SECONDS + 180)
    stage.checkout.ask("faults", service="dynamodb", seconds=OUTAGE_SECONDS)
    stage.walk(f"{DAY}T00:05:10Z")


def through_a_change(stage: Stage, dates: tuple[str, ...]) -> dict[str, list[str]]:
    """Walks from noon to noon, and notes the runs of each day: Batch forgets a job some time after one."""
    found: dict[str, dict[str, str]] = {"seoul": {}, "berlin": {}}
    before = {job["jobId"] for name in found for job in stage.jobs(name)}
    stage.jump(f"{dates[0]}T12:00:00Z")
    for date in dates[1:]:
        stage.walk(f"{date}T12:00:00Z")
        for name, runs in found.items():
            new = [job for job in stage.jobs(name) if job["jobId"] not in before]
            runs.update({job["jobId"]: variables(job)["BATCHTAB_SCHEDULED_TIME"] for job in new})
    return {name: sorted(runs.values()) for name, runs in found.items()}


def move(story: Story) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The job `moved` gets a time zone, and so a schedule in place of its rule; returns the rule and its targets."""
    stage, name = story.stage, f"{PREFIX}-{SERVICE}-moved"
    events = stage.client("events")
    rule, targets = events.describe_rule(Name=name), events.list_targets_by_rule(Rule=name)["Targets"]
    path = stage.checkout.root / "jobs" / SERVICE / "jobs.yaml"
    path.write_text(JOBS.replace("cron(0 4 10 1 ? 2028)", "cron(0 13 10 1 ? 2028), timezone: Asia/Seoul"))
    began = time.monotonic()
    story.deployment = stage.deploy_jobs()
    story.figures["deployment of the move, s"] = round(time.monotonic() - began, 1)
    return rule, targets


def kill(story: Story) -> None:
    """The submit function is killed when it has claimed a run and is about to submit it."""
    stage = story.stage
    stage.client("dynamodb")  # made before, as the function waits for some seconds only
    stage.jump(f"{DAY}T00:59:30Z")
    stage.checkout.ask("faults", service="batch", operation="SubmitJob", hold_seconds=60)
    # The walk waits for the function; on a busy machine it could wait until the function is out of time.
    walking = threading.Thread(target=stage.walk, args=(f"{DAY}T01:00:10Z",))
    walking.start()
    until(lambda: stage.checkout.ask("faults", "GET")[0]["held"] == 1, 120, "a submission")
    os.kill(stage.function_process(), signal.SIGKILL)
    story.claimed_when_killed = stage.records("killed")["01:00"]
    until(lambda: stage.checkout.ask("faults", "GET")[0]["held"] == 0, 60, "the end of the connection")
    walking.join()
    story.killed = Watch(lambda: bool(stage.jobs("killed")), patience_seconds=RECOVERY_SECONDS_MAX + 60)
    story.jobs_when_killed = len(stage.jobs("killed"))
    stage.checkout.ask("faults", "DELETE")


def meet(story: Story) -> None:
    """Jobs that are longer than their period, of each policy; each trigger is delivered three times."""
    stage = story.stage
    for sender in ("events", "scheduler"):
        stage.checkout.ask("faults", service=sender, deliveries=3)
    stage.jump(f"{DAY}T01:59:30Z")
    stage.checkout.ask("clock", speed=1)  # what is after what shows only in a clock that goes
    for minute in range(4):
        stage.walk(f"{DAY}T02:0{minute}:10Z", or_is_past=True)
        until(lambda minute=minute: is_decided(stage, minute), PATIENCE_SECONDS, "what becomes of the runs")
    until(lambda: len(stage.jobs("replace")) == 3, PATIENCE_SECONDS, "the last replacement")
    until(lambda: stage.ended("both", 1), PATIENCE_SECONDS, "the job after both")
    (stage.checkout.root / "gates" / "gate").touch()
    until(lambda: stage.ended("queue", 3) and stage.ended("forbid", 1) and stage.ended("replace", 3), 300, "all ends")
    stage.walk(f"{DAY}T02:09:10Z", or_is_past=True)
    until(lambda: stage.ended("forbid", 2), PATIENCE_SECONDS, "the last run")
    stage.checkout.ask("clock", speed=0)
    story.tripled = {fault["service"]: fault["met"] for fault in stage.checkout.ask("faults", "GET")}
    stage.checkout.ask("faults", "DELETE")


def is_decided(stage: Stage, minute: int) -> bool:
    """Whether each run of a minute of `meet` was decided, and the job that pauses itself has done so.

    A replacement waits for the end of the run before it, and must not meet the next: that one would be there instead.
    """
    due = [name for name, last in LAST_MINUTES.items() if minute <= last]
    records = {name: stage.records(name).get(f"02:0{minute}", {"status": "claimed"}) for name in due}
    if "replace" in records and records["replace"]["status"] == "waiting":
        return False
    return all(each["status"] != "claimed" for each in records.values()) and stage.is_paused("brittle")


def crowd(story: Story) -> None:
    """Many jobs are due in the same minute."""
    stage, scheduler = story.stage, story.stage.client("scheduler")
    target = scheduler.get_schedule(GroupName=GROUP, Name=f"{PREFIX}-{SERVICE}-queue")["Target"]
    event = json.loads(target["Input"])
    names = [f"many-{number:02}" for number in range(MANY)]
    stage.jump(f"{DAY}T02:59:30Z")
    for name in names:
        job = {**event["job"], "name": f"{SERVICE}-{name}", "schedule": "cron(0 3 10 1 ? 2028)"}
        scheduler.create_schedule(
            Name=name,
            GroupName=GROUP,
            ScheduleExpression=job["schedule"],
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={**target, "Input": json.dumps({**event, "job": job})},
        )
    began = time.monotonic()
    stage.walk(f"{DAY}T03:00:10Z")
    until(lambda: stage.ended("many-*", MANY), 300, f"{MANY} jobs")
    story.figures[f"{MANY} jobs of a minute, s"] = round(time.monotonic() - began, 1)
    for job in stage.jobs("many-*"):
        story.many.setdefault(job["jobName"], []).append(job)


def fire_both(story: Story, moved: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    """The rule from which a job was moved is there still when both are due, as if Terraform had not come to it yet."""
    stage, (rule, targets) = story.stage, moved
    events = stage.client("events")
    events.put_rule(Name=rule["Name"], ScheduleExpression=rule["ScheduleExpression"], State="ENABLED")
    events.put_targets(Rule=rule["Name"], Targets=targets)
    stage.jump(f"{DAY}T03:59:30Z")
    stage.walk(f"{DAY}T04:00:10Z")
    until(lambda: stage.answers("moved") >= 2, PATIENCE_SECONDS, "both triggers")
    until(lambda: stage.ended("moved", 1), PATIENCE_SECONDS, "the job")
    story.triggers_of_moved = stage.answers("moved")


def refuse(story: Story) -> None:
    """Batch refuses jobs for a while, when one runs and as many wait as may; then it takes them again."""
    stage, name = story.stage, f"{PREFIX}-{SERVICE}-stalled"
    stage.checkout.ask("clock", speed=1)
    batch, function = stage.client("batch"), stage.client("lambda")
    (target,) = stage.client("events").list_targets_by_rule(Rule=name)["Targets"]
    template = target["InputTransformer"]["InputTemplate"]

    def ask(minute: int) -> dict[str, Any]:
        payload = template.replace("<time>", f"{DAY}T05:0{minute}:00Z")
        answer = function.invoke(FunctionName=FUNCTION, Payload=payload)
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        return {"outcome": "failed", **said} if "FunctionError" in answer else said

    assert [ask(minute)["outcome"] for minute in range(3)] == ["submitted", "waiting", "waiting"]
    until(lambda: stage.jobs("stalled")[0]["status"] == "RUNNING", PATIENCE_SECONDS, "the first run")
    batch.update_job_queue(jobQueue=QUEUE, state="DISABLED")
    (stage.checkout.root / "gates" / "second-gate").touch()
    until(lambda: stage.ended("stalled", 1), PATIENCE_SECONDS, "its end")
    until(
        lambda: "refuses" in stage.records("stalled")["05:01"].get("reason", ""), PATIENCE_SECONDS, "the next's refusal"
    )
    ask(3)
    story.refused = {time: record["status"] for time, record in stage.records("stalled").items()}
    batch.update_job_queue(jobQueue=QUEUE, state="ENABLED")
    story.after_refusals = ask(4)
    until(lambda: len(stage.jobs("stalled")) >= 3, PATIENCE_SECONDS, "the runs that waited")
    stage.checkout.ask("clock", speed=0)


def intervals(jobs: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(job["startedAt"], job["stoppedAt"]) for job in jobs]


def assert_no_two_at_once(jobs: list[dict[str, Any]]) -> None:
    """Of jobs in their order, each began after the end of the one before."""
    assert all(before[1] < after[0] for before, after in pairwise(intervals(jobs))), intervals(jobs)


def minutes(*numbers: int) -> list[str]:
    return [f"{DAY}T02:0{number}:00Z" for number in numbers]


def test_nine_in_seoul_is_nine_in_seoul_through_the_year(story: Story) -> None:
    # GIVEN a job at 09:00 of Seoul, where no clock is changed
    # THEN it runs once a day at 00:00 UTC
    assert story.spring["seoul"] == [f"2027-03-{day}T00:00:00Z" for day in (27, 28, 29, 30)]
    assert story.autumn["seoul"] == ["2027-10-30T00:00:00Z", "2027-10-31T00:00:00Z", "2027-11-01T00:00:00Z",
                                     "2027-11-02T00:00:00Z"]  # fmt: skip


def test_half_past_two_in_berlin_is_left_out_in_spring_and_once_in_autumn(story: Story) -> None:
    # GIVEN a job at 02:30 of Berlin, written as crontab
    # THEN it does not run on the day that has no such time, and then an hour earlier by UTC
    assert story.spring["berlin"] == ["2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z", "2027-03-30T00:30:00Z"]
    # AND it runs once on the day that has two
    assert story.autumn["berlin"] == ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z",
                                      "2027-11-02T01:30:00Z"]  # fmt: skip


def test_a_trigger_that_is_delivered_three_times_submits_one_job(story: Story) -> None:
    # GIVEN events of rules and of schedules that came three times each
    assert story.tripled["events"] >= 10  # the triggers of three jobs by rules, and ends of runs
    assert story.tripled["scheduler"] == 4
    # THEN each run that was submitted is one job
    for name in ("forbid", "replace", "queue", "brittle"):
        submitted = [each["scheduled_time"] for each in story.records[name].values() if each["status"] == "submitted"]
        assert submitted
        assert sorted(scheduled_times(story.jobs[name])) == sorted(submitted), name


def test_forbid_leaves_out_runs_while_one_runs(story: Story) -> None:
    # GIVEN a job longer than its period, each of whose triggers was delivered three times
    jobs, records = story.jobs["forbid"], story.records["forbid"]
    # THEN the first run and the one after its end were submitted, once each, and never two at once
    assert scheduled_times(jobs) == minutes(0, 9)
    assert_no_two_at_once(jobs)
    # AND of the others the table says why
    assert {time: record["status"] for time, record in records.items()} == {
        "02:00": "submitted", "02:01": "skipped", "02:02": "skipped", "02:03": "skipped", "02:09": "submitted"
    }  # fmt: skip
    for number in (1, 2, 3):
        assert jobs[0]["jobId"] in records[f"02:0{number}"]["reason"], records


def test_replace_ends_the_old_run_and_says_why(story: Story) -> None:
    # GIVEN three runs of which each came while the one before it ran
    jobs = story.jobs["replace"]
    # THEN each was submitted once, in order and after the end of the one before
    assert scheduled_times(jobs) == minutes(0, 1, 2)
    assert_no_two_at_once(jobs)
    # AND the replaced ones say by which
    assert [job["status"] for job in jobs] == ["FAILED", "FAILED", "SUCCEEDED"]
    for job, by in zip(jobs, minutes(1, 2), strict=False):
        assert job["statusReason"] == f"Replaced by the run of {by}"
    assert {record["status"] for record in story.records["replace"].values()} == {"submitted"}


def test_queue_runs_one_after_another_and_drops_what_is_too_many(story: Story) -> None:
    # GIVEN four runs, of which two may wait
    jobs, records = story.jobs["queue"], story.records["queue"]
    # THEN three ran, in order, each after the end of the one before
    assert scheduled_times(jobs) == minutes(0, 1, 2)
    assert_no_two_at_once(jobs)
    assert [records[f"02:0{n}"]["status"] for n in range(4)] == ["submitted", "submitted", "submitted", "dropped"]
    # AND of the fourth the table says why
    assert "2" in records["02:03"]["reason"], records


def test_what_waits_goes_on_after_batch_has_refused_it(story: Story) -> None:
    # GIVEN a run that ended while Batch took no job, with as many waiting as may
    assert story.refused["05:00"] == "submitted"
    assert story.refused["05:01"] == story.refused["05:02"] == "waiting"
    # WHEN Batch takes jobs again, and the next trigger comes
    # THEN the first of those that waited ran, and then the others, in order
    jobs = story.jobs["stalled"]
    times = scheduled_times(jobs)
    assert times[:3] == [f"{DAY}T05:0{minute}:00Z" for minute in range(3)]
    assert_no_two_at_once([job for job in jobs if job["status"] == "SUCCEEDED"])


def test_a_job_after_all_of_two_runs_once_when_both_have_ended(story: Story) -> None:
    # GIVEN two jobs that ran once each, and whose ends were delivered three times
    [left], [right] = story.jobs["left"], story.jobs["right"]
    # THEN the job after both ran once, after the later end, which it was told
    [job] = story.jobs["both"]
    assert variables(job)["BATCHTAB_UPSTREAM_JOB_ID"] == right["jobId"]
    assert job["createdAt"] >= right["stoppedAt"] > left["stoppedAt"]
    # AND the table says what became of each end
    assert sorted(record["status"] for record in story.records["both"].values()) == ["joined", "submitted"]
    (joined,) = (record for record in story.records["both"].values() if record["status"] == "joined")
    assert joined["reason"] == f"in the run {SERVICE}-both@{right['jobId']}"


def test_a_failed_run_pauses_its_job(story: Story) -> None:
    # GIVEN a job that fails, and that is paused when it does
    [job] = story.jobs["brittle"]
    # THEN its next run is left out, and the table says after which job
    assert job["status"] == "FAILED"
    record = story.records["brittle"]["02:01"]
    assert record["status"] == "skipped"
    assert job["jobId"] in record["reason"]


def test_each_run_knows_its_time_and_its_id(story: Story) -> None:
    for name in ("lost", "killed", "forbid", "replace", "queue", "moved"):
        for job in story.jobs[name]:
            given = variables(job)
            assert given["BATCHTAB_RUN_ID"] == f"{SERVICE}-{name}@{given['BATCHTAB_SCHEDULED_TIME']}"


def test_a_run_whose_submission_was_killed_is_submitted_within_two_minutes(story: Story) -> None:
    # GIVEN a function that was killed between its claim and its submission
    assert story.claimed_when_killed["status"] == "claimed"
    assert story.jobs_when_killed == 0
    # THEN the run was submitted, once, and in time
    assert story.killed is not None
    print(f"\nsubmitted {story.killed.seconds} s after the kill")
    assert story.killed.seconds is not None
    assert story.killed.seconds < RECOVERY_SECONDS_MAX
    assert scheduled_times(story.jobs["killed"]) == [f"{DAY}T01:00:00Z"]
    assert story.records["killed"]["01:00"]["status"] == "submitted"


def test_a_run_that_was_due_while_dynamodb_was_away_is_submitted_afterwards(story: Story) -> None:
    # GIVEN a table that could not be reached for two minutes
    assert story.lost is not None
    print(f"\nsubmitted {story.lost.seconds} s after it was due")
    # THEN the run came after them, once
    assert story.lost.seconds is not None
    assert story.lost.seconds > OUTAGE_SECONDS
    assert scheduled_times(story.jobs["lost"]) == [f"{DAY}T00:05:00Z"]
    assert story.records["lost"]["00:05"]["status"] == "submitted"


def test_many_jobs_of_the_same_minute_run_once_each(story: Story) -> None:
    assert len(story.many) == MANY
    assert {len(jobs) for jobs in story.many.values()} == {1}
    assert {time for jobs in story.many.values() for time in scheduled_times(jobs)} == {f"{DAY}T03:00:00Z"}


def test_a_job_that_moves_from_a_rule_to_a_schedule_runs_once(story: Story) -> None:
    # GIVEN a job whose rule Terraform replaced by a schedule
    assert "moved_schedule" in story.deployment
    # WHEN both fired for the same minute
    assert story.triggers_of_moved == 2
    # THEN it ran once
    assert scheduled_times(story.jobs["moved"]) == [f"{DAY}T04:00:00Z"]
    assert list(story.records["moved"]) == ["04:00"]


def test_nothing_was_given_up(stage: Stage, story: Story) -> None:
    assert story.jobs
    sqs = stage.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        assert depth["ApproximateNumberOfMessages"] == "0", Path(url).name
