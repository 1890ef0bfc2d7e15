"""Situations of a run, each with the cause that its story names, and those in which nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.run_story.situations import (
    AT,
    ID,
    NAME,
    NOW,
    OTHER,
    RULE,
    THIRD,
    after,
    declared,
    facts,
    failed,
    noted,
    ran,
    waits,
)

from batchtab.run_story import story_of
from batchtab.run_story.batch_job import Attempt, BatchJob
from batchtab.run_story.facts import Environment, Facts, Failure, Letter, QueueFacts, Trigger

OVERLAP = f"the run of 2026-11-24T08:00:00Z, job {OTHER}, has not ended"
POLICIES = ("allow", "forbid", "queue", "replace")
FULL = Environment("default", max_vcpus=4.0, desired_vcpus=4.0)
BERLIN = ZoneInfo("Europe/Berlin")


def queue(*environments: Environment, **others: Any) -> QueueFacts:
    return QueueFacts("batchtab-prod-default", environments=environments or (FULL,), **others)


def other(status: str = "RUNNING", **others: Any) -> BatchJob:
    return ran(**{"id": OTHER, "status": status, "stopped": None, "attempts": (), **others})


def berlin(text: str, schedule: str, **others: Any) -> Facts:
    """A time on a wall clock that is changed, asked for as somebody types it."""
    wall = datetime.fromisoformat(text)
    at = wall.replace(tzinfo=BERLIN).astimezone(UTC) if wall.tzinfo is None else wall.astimezone(UTC)
    if wall.tzinfo is None and at.astimezone(BERLIN).replace(tzinfo=None) != wall:
        at = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # when clocks are changed
    job = declared(schedule=schedule, timezone="Europe/Berlin")
    given = {"job": job, "at": at, "wall": None if wall.tzinfo else wall, "zone": BERLIN, "triggers": (RULE,)}
    return facts(**{**given, **others})


SITUATIONS: dict[str, tuple[Facts, str, str, str]] = {
    # --- runs that the submit function did not start
    "gave way": (
        facts(job=declared(concurrency_policy="forbid"), decision=noted("skipped", OVERLAP)),
        "overlap",
        f"skipped: the run of 2026-11-24 08:00, job {OTHER}, had not ended (concurrency_policy: forbid)",
        f"batchtab backfill {NAME} --from 2026-11-24T09:00:00Z --to 2026-11-24T09:00:00Z --stage prod",
    ),
    "gave way to a manual run": (
        facts(decision=noted("skipped", f"job {OTHER}, which no schedule started, has not ended")),
        "overlap",
        "which no schedule started, had not ended",
        "backfill",
    ),
    "skipped while paused": (
        facts(decision=noted("skipped", f"paused since 2026-11-24T08:01:00Z: job {OTHER} failed: timed out")),
        "paused",
        f"skipped: the job was paused since 2026-11-24 08:01: job {OTHER} failed: timed out",
        "backfill",
    ),
    "skipped as excepted": (
        facts(decision=noted("skipped", "excluded: 2026-11-24")),
        "excepted",
        "skipped: the time is excluded by except: 2026-11-24",
        "",
    ),
    "skipped as excepted, recorded by an older function": (
        facts(decision=noted("skipped", "excepted: 2026-11-24")),
        "excepted",
        "skipped: the time is excluded by except: 2026-11-24",
        "",
    ),
    "late": (
        facts(decision=noted("late", "700 seconds after its time: starting_deadline_seconds is 600")),
        "late",
        "late: its turn came 700 s after its time, and starting_deadline_seconds is 600",
        "backfill",
    ),
    "no room in the queue": (
        facts(decision=noted("dropped", "4 runs wait already: queue_limit")),
        "queue_limit",
        "dropped: 4 runs waited already, which is queue_limit",
        "backfill",
    ),
    "a later one came": (
        facts(decision=noted("dropped", "the run of 2026-11-24T10:00:00Z, a later one, came before it")),
        "replaced",
        "dropped: the run of 2026-11-24 10:00 came in its place (concurrency_policy: replace)",
        "",
    ),
    "replaced while it waited": (
        facts(decision=noted("dropped", "Replaced by the run of 2026-11-24T10:00:00Z")),
        "replaced",
        "dropped: the run of 2026-11-24 10:00 came in its place",
        "",
    ),
    "another policy since": (
        facts(decision=noted("dropped", "the job's concurrency_policy was changed while it waited")),
        "policy_changed",
        "concurrency_policy was changed",
        "backfill",
    ),
    "too far from the others": (
        facts(decision=noted("dropped", "no other ended within 60 seconds of it: within_seconds")),
        "dropped",
        "within_seconds",
        "",
    ),
    "refused by Batch": (
        facts(decision=noted("refused", "Batch refuses it: ClientException: JobQueue is not ENABLED")),
        "refused",
        "Batch refused it: ClientException: JobQueue is not ENABLED",
        "backfill",
    ),
    "refused and in the dead-letter queue": (
        facts(decision=noted("claimed", lease_until=0.0), letters=(Letter("function", "DynamoDB is away", "2"),)),
        "dead_letter",
        "the submit function could not submit it after 2 retries: DynamoDB is away (it is in the dead-letter queue)",
        "backfill",
    ),
    "cut off": (
        facts(decision=noted("claimed", lease_until=NOW.timestamp() - 1)),
        "cut_off",
        "its submission was interrupted",
        "backfill",
    ),
    "being submitted": (
        facts(decision=noted("claimed", lease_until=NOW.timestamp() + 9)),
        "submitting",
        "it is being submitted just now",
        "",
    ),
    "waits for its turn": (
        facts(decision=noted("waiting", OVERLAP), others={OTHER: other()}),
        "overlap",
        f"waits: job {OTHER}, which came before it, has not ended (RUNNING)",
        "",
    ),
    "waits for one that waits itself": (
        facts(decision=noted("waiting", OVERLAP), others={OTHER: other("RUNNABLE", started=None)}),
        "overlap",
        f"waits for job {OTHER}, which is RUNNABLE",
        f"batchtab why {OTHER} --stage prod",
    ),
    "waits for one that has ended": (
        facts(decision=noted("waiting", OVERLAP), others={OTHER: other("SUCCEEDED")}),
        "end_not_noted",
        "which has ended (SUCCEEDED): its end was not noted",
        f"batchtab resume {NAME} --stage prod",
    ),
    "waits while paused": (
        facts(
            job=declared(concurrency_policy="queue", pause_on_failure=True),
            decision=noted("waiting", OVERLAP),
            paused={"since": "2026-11-24T08:01:00Z", "reason": f"job {OTHER} failed: x"},
        ),
        "paused",
        f"waits: the job is paused since 2026-11-24 08:01: job {OTHER} failed: x",
        f"batchtab resume {NAME} --stage prod",
    ),
    "forgotten by Batch": (facts(decision=noted("submitted", job_id=ID)), "forgotten", "Batch has forgotten", ""),
    "skipped because its delivery was late": (
        facts(
            decision=noted("skipped", OVERLAP, noted_at="2026-11-24T09:01:06Z"),
            failures=(Failure(after(1), "BatchGetItem: DynamoDB is away (ServiceUnavailableException)"),),
        ),
        "overlap",
        "had not ended (concurrency_policy: forbid); it was decided 1 min 6 s after its time: BatchGetItem: Dynamo",
        "backfill",
    ),
    "dropped because its delivery was late": (
        facts(decision=noted("dropped", "1 runs wait already: queue_limit", noted_at="2026-11-24T09:01:06Z")),
        "queue_limit",
        "dropped: 1 run waited already, which is queue_limit; its delivery came 1 min 6 s after its time",
        "backfill",
    ),
    "nothing noted, and the function failed": (
        facts(triggers=(RULE,), failures=(Failure(after(1), "SubmitJob: Batch is away (ServerException)"),)),
        "function_failed",
        "the submit function failed, and nothing of the run is noted: SubmitJob: Batch is away",
        "backfill",
    ),
    # --- times without a run
    "no time of its schedule": (
        facts(at=after(600), triggers=(RULE,)),
        "not_due",
        "it is not a time of its schedule, 0 * * * *; the nearest: 2026-11-24 09:00 and 2026-11-24 10:00",
        "",
    ),
    "excluded": (
        facts(job=declared(**{"except": ["2026-12-25", "2026-11-24/2026-11-25"]}), triggers=(RULE,)),
        "excepted",
        "the time is excluded by except: 2026-11-24/2026-11-25",
        "",
    ),
    "before its start": (facts(job=declared(start="2026-12-01")), "before_start", "start, 2026-12-01 00:00", ""),
    "after its end": (facts(job=declared(end="2026-11-01")), "after_end", "the job's end, 2026-11-01 23:59:59", ""),
    "suspended": (
        facts(job=declared(suspend=True), triggers=(replace(RULE, is_enabled=False),)),
        "suspended",
        "the job is suspended: jobs/reports/jobs.yaml says suspend: true",
        "batchtab deploy --stage prod",
    ),
    "paused by a person": (
        facts(triggers=(replace(RULE, is_enabled=False),)),
        "paused",
        "the job is paused: its rule batchtab-prod-reports-nightly is disabled",
        f"batchtab resume {NAME} --stage prod",
    ),
    "schedule disabled before": (
        facts(triggers=(Trigger("schedule", "s", False, made=after(-9000), changed=after(-3600)),)),
        "paused",
        "its schedule s is disabled since 2026-11-24 08:00",
        "resume",
    ),
    "schedule disabled only later": (
        facts(triggers=(Trigger("schedule", "s", False, made=after(-9000), changed=after(60)),)),
        "not_delivered",
        "its trigger was not delivered",
        "backfill",
    ),
    "no trigger": (facts(triggers=()), "no_trigger", "it has no trigger in AWS", "batchtab deploy --stage prod"),
    "schedule made later": (
        facts(triggers=(Trigger("schedule", "s", made=after(600)),)),
        "deployed_later",
        "it was deployed only later: its schedule was made at 2026-11-24 09:10",
        "backfill",
    ),
    "first run later": (
        facts(triggers=(RULE,), first_known=after(3600)),
        "deployed_later",
        "its first known run is of 2026-11-24 10:00",
        "backfill",
    ),
    "rule could not submit": (
        facts(triggers=(RULE,), letters=(Letter("rule", "NO_PERMISSIONS: may not batch:SubmitJob", "24"),)),
        "dead_letter",
        "its rule could not submit it after 24 retries: NO_PERMISSIONS: may not batch:SubmitJob",
        "backfill",
    ),
    "nothing is known": (
        facts(triggers=(RULE,), first_known=after(-7200)),
        "not_delivered",
        "it was due, and Batch knows nothing of it",
        "backfill",
    ),
    "too long ago": (
        facts(at=AT - timedelta(days=30), triggers=(RULE,)),
        "forgotten",
        "Batch remembers jobs for 7",
        "",
    ),
    "in the future": (facts(at=after(7200), triggers=(RULE,)), "future", "it is not due yet: it is in 1 h", ""),
    "in the future, and paused": (
        facts(at=after(7200), triggers=(replace(RULE, is_enabled=False),)),
        "paused",
        "it is due in 1 h, and will not run: the job is paused",
        "resume",
    ),
    "just now": (facts(now=after(30), triggers=(RULE,)), "just_due", "it was due 30 s ago", ""),
    "clocks leave it out": (
        berlin("2026-03-29T02:30", "30 2 * * *"),
        "clocks",
        "02:30 does not exist on 2026-03-29: clocks go from 02:00 to 03:00 (Europe/Berlin)",
        "",
    ),
    "the second of two": (
        berlin("2026-10-25T02:30+01:00", "30 2 * * *"),
        "clocks",
        "02:30 comes twice on 2026-10-25, as clocks are changed, and the first one counts",
        f"batchtab why {NAME}@2026-10-25T00:30:00Z --stage prod",
    ),
    "no schedule": (facts(job=declared(schedule=None), at=None), "no_schedule", "runs when somebody starts it", "run"),
    "after another": (
        facts(job=declared(schedule=None, after="fetch"), at=None, triggers=(replace(RULE, is_after=True),)),
        "no_schedule",
        "it starts after fetch (succeeded)",
        "batchtab why reports-fetch --stage prod",
    ),
    "after another, with its rule disabled": (
        facts(
            job=declared(schedule=None, after="fetch"),
            at=None,
            triggers=(replace(RULE, is_enabled=False, is_after=True),),
        ),
        "paused",
        "the job is paused",
        "resume",
    ),
    # --- jobs that have not started
    "too big": (
        facts(batch=waits(vcpus=64.0), queue=queue()),
        "too_big",
        "it asks for 64 vCPUs, and max_vcpus of its compute environment is 4",
        "deploy",
    ),
    "too much memory": (
        facts(
            batch=waits(status_reason="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement is …"),
            queue=queue(),
        ),
        "stuck",
        "no instance type of the environment has the job's vCPUs or memory (1 vCPUs, 512 MiB)",
        "deploy",
    ),
    "no instances": (
        facts(
            batch=waits(status_reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill"), queue=queue()
        ),
        "stuck",
        "AWS has no instance of the environment's types to give",
        "deploy",
    ),
    "environment disabled": (
        facts(batch=waits(), queue=queue(replace(FULL, state="DISABLED"))),
        "environment_disabled",
        "compute environment default is DISABLED",
        "deploy",
    ),
    "environment invalid": (
        facts(batch=waits(), queue=queue(replace(FULL, status="INVALID", status_reason="CLIENT_ERROR - no role"))),
        "environment_invalid",
        "compute environment default is INVALID: CLIENT_ERROR - no role",
        "deploy",
    ),
    "queue disabled": (
        facts(batch=waits(), queue=queue(state="DISABLED")),
        "queue_disabled",
        "queue batchtab-prod-default is DISABLED",
        "deploy",
    ),
    "queue invalid": (
        facts(batch=waits(), queue=queue(status="INVALID", status_reason="no environment")),
        "queue_invalid",
        "queue batchtab-prod-default is INVALID: no environment",
        "deploy",
    ),
    "blocked by the head": (
        facts(batch=waits(), queue=queue(front=(other("RUNNABLE", name="reports-big", vcpus=99.0), waits()))),
        "queue_blocked",
        f"reports-big, job {OTHER}, blocks the head of queue batchtab-prod-default: it asks for 99 vCPUs, and max",
        f"batchtab stop {OTHER} --stage prod",
    ),
    "environment full": (
        facts(batch=waits(), queue=queue(running=(other(name="reports-big", vcpus=4.0),))),
        "full",
        "4 of 4 vCPUs are in use by 1 job (reports-big), and it asks for 1",
        "",
    ),
    "behind others": (
        facts(batch=waits(), queue=queue(front=(other("RUNNABLE"), waits()))),
        "queue_order",
        f"1 job is before it in queue batchtab-prod-default; the next is {NAME}, job {OTHER}",
        f"batchtab why {OTHER} --stage prod",
    ),
    "no capacity": (
        facts(batch=waits(), queue=queue(replace(FULL, desired_vcpus=0.0))),
        "no_capacity",
        "no capacity for 59 min 58 s: default has 0 of 4 vCPUs",
        "doctor",
    ),
    "depends on one that runs": (
        facts(batch=waits("PENDING", depends_on=(OTHER,)), others={OTHER: other(name="reports-load")}),
        "dependency",
        f"it waits for reports-load (job {OTHER}, RUNNING)",
        "",
    ),
    "starting for long": (
        facts(batch=waits("STARTING")),
        "slow_start",
        "its container has been starting for 59 min 58 s",
        "",
    ),
    # --- jobs that have ended
    "replaced": (
        facts(batch=failed("Replaced by the run of 2026-11-24T10:00:00Z", is_terminated=True)),
        "replaced",
        "replaced by the run of 2026-11-24 10:00, as concurrency_policy: replace says",
        "",
    ),
    "stopped by a person": (
        facts(batch=failed("stopped by arn:aws:iam::1:user/kim: wrong day", is_terminated=True, exit_code=143)),
        "stopped",
        "stopped: stopped by arn:aws:iam::1:user/kim: wrong day",
        f"batchtab retry {ID} --stage prod",
    ),
    "dependency failed": (
        facts(batch=failed("Dependent Job failed", depends_on=(OTHER,)), others={OTHER: other("FAILED", name="a-b")}),
        "dependency",
        f"a job that it depends on failed: a-b, job {OTHER}",
        f"batchtab why {OTHER} --stage prod",
    ),
    "children failed": (
        facts(
            batch=failed("Array Child Job failed", array_size=40, children=(("SUCCEEDED", 38), ("FAILED", 2))),
            failed_children=(
                failed(exit_code=3, id=f"{ID}:4", array_index=4),
                failed(exit_code=1, id=f"{ID}:17", array_index=17),
            ),
        ),
        "array",
        "2 of 40 children failed (exit code 3: 4; exit code 1: the program reported an error: 17)",
        f"batchtab logs {ID} --failed --stage prod",
    ),
    "an array that a person stopped": (
        facts(
            batch=failed("Array Child Job failed", array_size=2, children=(("FAILED", 2),)),
            failed_children=(
                failed("wrong day", id=f"{ID}:0", array_index=0, is_terminated=True, exit_code=143),
                failed(
                    "wrong day", id=f"{ID}:1", array_index=1, is_terminated=True, started=None, attempts=(), stopped=NOW
                ),
            ),
        ),
        "stopped",
        "stopped: wrong day",
        f"batchtab retry {ID} --stage prod",
    ),
    "an array of which only some children were stopped": (
        facts(
            batch=failed("Array Child Job failed", array_size=2, is_terminated=True, children=(("FAILED", 2),)),
            failed_children=(
                failed("wrong day", id=f"{ID}:0", array_index=0, is_terminated=True),
                failed(exit_code=3, id=f"{ID}:1", array_index=1),
            ),
        ),
        "array",
        "2 of 2 children failed (stopped: wrong day: 0; exit code 3: 1)",
        f"batchtab logs {ID} --failed --stage prod",
    ),
    "gave way in the container": (
        facts(batch=ran(), runner={"skipped": True, "gave_way_to": THIRD}),
        "gave_way",
        f"it gave way to job {THIRD}, which had not ended",
        "",
    ),
    "gave way with a code of its own": (
        facts(batch=failed(exit_code=75, skip_exit_code=75)),
        "gave_way",
        "it gave way to another run of the job",
        "",
    ),
    "guard could not check": (
        facts(batch=failed(exit_code=70), runner={"reason": "could not check for other runs: AccessDenied; refused"}),
        "guard",
        "the job runner could not check for other runs: AccessDenied",
        "retry",
    ),
    "killed near its limit": (
        facts(batch=failed(exit_code=137), runner={"peak_memory_mib": 505}),
        "memory",
        "out of memory, it seems: its peak was 505 of 512 MiB",
        "logs",
    ),
    # --- runs that are well, with something that was not as usual
    "delivered twice": (
        facts(batch=ran(), twins=(ran(id=OTHER, created=after(3)),)),
        "delivered_again",
        f"its trigger was delivered 2 times, and each made a job: also {OTHER}",
        "",
    ),
    "delivered late": (
        facts(batch=ran(created=after(190), started=after(200), stopped=after(260))),
        "delayed",
        "submitted 3 min 10 s after its time",
        "",
    ),
    "started late after an end": (
        facts(
            job=declared(schedule=None, after_all=["fetch", "load"]),
            batch=ran(upstream_job_id=OTHER, created=after(190)),
            others={OTHER: other("SUCCEEDED", stopped=after(90))},
            failures=(Failure(after(91), "BatchGetItem: DynamoDB is away", is_own=True),),
        ),
        "delayed",
        "submitted 1 min 40 s after the end that started it: BatchGetItem: DynamoDB is away",
        "",
    ),
    "submitted late after failures of its own, beside another": (
        facts(
            job=declared(concurrency_policy="queue"),
            batch=ran(created=after(190), started=after(200), stopped=after(260)),
            before=ran(id=OTHER, created=after(-60), started=after(-50), stopped=after(20)),
            failures=(Failure(after(1), "DynamoDB did not answer", is_own=True),),
        ),
        "delayed",
        "submitted 3 min 10 s after its time: DynamoDB did not answer",
        "",
    ),
    "found in Batch": (
        facts(batch=ran(), decision=noted("submitted", job_id=ID, noted_at="2026-11-24T09:01:10Z")),
        "answer_lost",
        "Batch's answer to its submission was lost, and found 1 min 8 s later: the submit function was ended",
        "",
    ),
    "told by the alerts": (
        facts(triggers=(RULE,), letters=(Letter("schedule", "lambda is away", "9", is_sent=True),)),
        "dead_letter",
        "its schedule could not submit it after 9 retries: lambda is away (the alerts have sent it)",
        "backfill",
    ),
    "submitted late after failures": (
        facts(
            batch=ran(created=after(190), started=after(200), stopped=after(260)),
            failures=(Failure(after(1), "SubmitJob: Batch is away (ServerException)"),),
        ),
        "delayed",
        "submitted 3 min 10 s after its time: SubmitJob: Batch is away (ServerException)",
        "",
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_story_names_the_cause(situation: str) -> None:
    # GIVEN a situation
    given, kind, text, do = SITUATIONS[situation]
    # WHEN its story is put together
    cause = story_of(given).cause
    # THEN it names this cause and no other, and the command that helps where there is one
    assert cause is not None
    assert cause.kind == kind
    assert text in cause.text
    assert do in cause.do if do else cause.do == ""
    assert not cause.do or cause.do.startswith("batchtab ")


WELL: dict[str, Facts] = {
    **{f"{policy}: it ran": facts(job=declared(concurrency_policy=policy), batch=ran()) for policy in POLICIES},
    **{
        f"{policy}: it ran, as noted": facts(
            job=declared(concurrency_policy=policy), batch=ran(), decision=noted("submitted", job_id=ID)
        )
        for policy in POLICIES
    },
    **{
        f"{policy}: it runs": facts(
            now=after(30),
            job=declared(concurrency_policy=policy),
            batch=ran(status="RUNNING", stopped=None, attempts=()),
        )
        for policy in POLICIES
    },
    **{
        f"{policy}: it has just become RUNNABLE": facts(
            now=after(20), job=declared(concurrency_policy=policy), batch=waits(), queue=queue(front=(waits(),))
        )
        for policy in POLICIES
    },
    "queue: it waited for the one before": facts(
        job=declared(concurrency_policy="queue"),
        batch=ran(created=after(1500), started=after(1501), stopped=after(1560)),
        before=ran(id=OTHER, created=after(-3600), started=after(-3590), stopped=after(1499)),
        decision=noted("submitted", job_id=ID),
    ),
    "replace: it ended the one before": facts(
        job=declared(concurrency_policy="replace"),
        batch=ran(created=after(31), started=after(32), stopped=after(60)),
        before=failed("Replaced by the run of 2026-11-24T09:00:00Z", id=OTHER, created=after(-3600)),
    ),
    "a second attempt succeeded": facts(
        batch=ran(attempts=(Attempt(after(3), after(5), 1, "", "x"), Attempt(after(10), after(70), 0, "", "x")))
    ),
    "a backfill of yesterday": facts(
        batch=ran(created=after(86_400), started=after(86_401), stopped=after(86_402)), now=after(90_000)
    ),
    "a backfill of a moment ago": facts(
        batch=ran(created=after(190), started=after(200), stopped=after(260)),
        decision=noted("submitted", job_id=ID, mode="backfill"),
    ),
    "a manual run": facts(batch=ran(scheduled_time=""), at=None),
    "a run after another": facts(
        job=declared(schedule=None, after="fetch"),
        batch=ran(upstream_job_id=OTHER, created=after(100)),
        others={OTHER: other("SUCCEEDED", stopped=after(90))},
    ),
    "an end that is in a run": facts(decision=noted("joined", f"in the run {NAME}@{OTHER}")),
    "within its flexible window": facts(
        job=declared(flexible_window_minutes=15), batch=ran(created=after(800), started=after(801), stopped=after(802))
    ),
    "an array that runs": facts(batch=waits("PENDING", array_size=4, children=(("RUNNING", 2), ("RUNNABLE", 2)))),
    "a job that starts": facts(now=after(20), batch=waits("STARTING")),
}


@pytest.mark.parametrize("situation", WELL)
def test_without_a_fault_it_names_none(situation: str) -> None:
    assert story_of(WELL[situation]).cause is None


def test_a_story_is_on_its_readers_clock_and_in_plain_words() -> None:
    # GIVEN all that stories say
    said = [story_of(given) for given, *_ in SITUATIONS.values()] + [story_of(given) for given in WELL.values()]
    texts = " ".join(
        " ".join(
            [
                story.title,
                *(line.text for line in story.lines),
                *([story.cause.text, story.cause.fix] if story.cause else []),
            ]
        )
        for story in said
    )
    # THEN no moment in it is left in UTC's form, and nothing of Python's
    assert "T09:00:00Z" not in texts
    assert "None" not in texts
    assert "datetime" not in texts
