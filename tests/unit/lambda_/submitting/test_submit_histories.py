"""The smallest histories in which a run was once lost, stuck, doubled or recorded wrongly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.lambda_.submitting.world import JOB, World, end_of, trigger

from submit_run import jobs
from submit_run.request import Request

DISABLED = "Job queue reports-default is DISABLED"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def later(world: World, seconds: float) -> None:
    world.run(until=world.now + seconds)


# --- a free place lets the first that waits go on


def test_runs_that_wait_go_on_after_the_job_queue_was_disabled_for_a_while(world: World) -> None:
    # GIVEN as many runs as may wait, and an end that comes while Batch refuses all
    for minute in range(3):
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=2))
    world.refuses = DISABLED
    world.end("job-1")
    later(world, 400)
    # AND one more that is due meanwhile
    world.deliver(trigger(3, concurrency_policy="queue", queue_limit=2))
    later(world, 400)
    assert world.status(trigger(3)) in ("waiting", "dropped")
    assert len(world.state()["waiting"]) <= 3
    # WHEN Batch takes jobs again
    world.refuses = ""
    world.ask(trigger(30, concurrency_policy="queue", queue_limit=2))
    # THEN the first goes on, whatever becomes of the last
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:01:00Z"
    # AND then the others, each at the end of the one before it
    for number in range(2, 6):
        if f"job-{number}" in world.jobs:
            world.end(f"job-{number}")
            later(world, 10)
    assert not world.state().get("waiting")


def test_while_batch_refuses_no_more_runs_wait_than_may_and_each_is_told(world: World) -> None:
    # GIVEN a job queue that is disabled while runs wait
    for minute in range(3):
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=2))
    world.refuses = DISABLED
    world.end("job-1")
    later(world, 400)
    world.dead_letters.clear()
    # WHEN many more are due
    events = [trigger(minute, concurrency_policy="queue", queue_limit=2) for minute in range(10, 15)]
    for event in events:
        world.deliver(event)
        later(world, 400)
    # THEN what waits does not grow, and the triggers' events are in the dead-letter queue
    assert len(world.state()["waiting"]) <= 3
    assert world.dead_letters == events


def test_runs_that_wait_go_on_if_fewer_may_wait_by_then_and_an_end_was_lost(world: World) -> None:
    # GIVEN three runs that wait, and an end that nobody told
    for minute in range(4):
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=3))
    world.end("job-1", told=False)
    # WHEN a deployment lets only one wait, and the next is due
    answer = world.ask(trigger(4, concurrency_policy="queue", queue_limit=1))
    # THEN it is dropped, and the first goes on
    assert (answer["outcome"], answer["reason"]) == ("dropped", "1 runs wait already: queue_limit")
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:01:00Z"


@pytest.mark.parametrize("told", [True, False])
def test_runs_that_are_late_keep_no_run_in_time_from_waiting(world: World, told: bool) -> None:
    # GIVEN a long run, and runs of each minute, of which two may wait for a minute and a half
    said: dict[str, Any] = {"concurrency_policy": "queue", "queue_limit": 2, "starting_deadline_seconds": 90}
    for minute in range(10):
        world.ask(trigger(minute, **said))
        later(world, 60)
    # THEN those beyond it were let go of, and the last one waits
    assert [world.status(trigger(minute)) for minute in (1, 2, 7, 9)] == ["late", "late", "late", "waiting"]
    # AND runs when its turn comes
    world.end("job-1", told=told)
    if not told:
        world.ask(trigger(10, **said))
    later(world, 5)
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:09:00Z"


def test_a_run_whose_claimant_let_the_first_go_on_and_died_is_not_forgotten(world: World) -> None:
    # GIVEN a run that is dropped, while its invocation lets the first go on, and dies at that
    for minute in range(4):
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=3))
    world.end("job-1", told=False)
    world.die_once("submit_job", after=False)
    world.deliver(trigger(4, concurrency_policy="queue", queue_limit=1))
    later(world, 1)
    assert (world.status(trigger(1)), world.status(trigger(4))) == ("claimed", "dropped")
    # WHEN its event comes again
    later(world, 200)
    # THEN the first runs
    assert world.status(trigger(1)) == "submitted"


# --- jobs that somebody starts


@pytest.mark.parametrize(("policy", "status"), [("forbid", "skipped"), ("queue", "waiting"), ("replace", "submitted")])
def test_a_run_that_is_made_up_for_does_not_start_beside_a_job_that_somebody_started(
    world: World, policy: str, status: str
) -> None:
    # GIVEN a claim whose owner died, and a job that somebody starts before the event comes again
    world.die_once("submit_job", after=False)
    world.deliver(trigger(0, concurrency_policy=policy))
    later(world, 20)
    manual = world._submit_job(jobName=JOB)["jobId"]
    # WHEN it comes again
    later(world, 200)
    # THEN there are never two
    assert world.most_at_once == 1
    assert world.status(trigger(0)) == status
    # AND a run that waits runs afterwards
    world.end(manual)
    later(world, 10)
    assert world.status(trigger(0)) == ("skipped" if policy == "forbid" else "submitted")


# --- what is refused


def test_a_run_that_another_one_took_up_and_batch_refuses_comes_again(world: World) -> None:
    # GIVEN a claim whose owner died, whose event comes again while another run's trigger goes on with it
    world.die_once("submit_job", after=False)
    first = trigger(0, concurrency_policy="forbid")
    world.deliver(first)
    later(world, 50)
    world.refuses = DISABLED
    submit = world._submit_job

    def meanwhile(**asked: Any) -> Any:
        world._submit_job = submit  # type: ignore[method-assign]
        with pytest.raises(Exception, match="being submitted"):
            world.app().handle(first)
        return submit(**asked)

    world._submit_job = meanwhile  # type: ignore[method-assign]
    world.deliver(trigger(1, concurrency_policy="forbid"))
    # WHEN Batch goes on refusing
    later(world, 600)
    # THEN both are in the dead-letter queue
    assert [event["trigger"]["scheduled_time"][-9:] for event in world.dead_letters] == ["09:00:00Z", "09:01:00Z"]
    assert world.status(first) == "refused"


def test_a_run_of_allow_that_was_refused_is_submitted_once_if_it_comes_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a run that Batch refused
    event = trigger(0, **{"except": ["2026-12-25"]})
    world.refuses = DISABLED
    world.deliver(event)
    later(world, 1)
    world.refuses = ""
    # WHEN it comes twice, and one delivery does all between the other's look at the record and its claim
    read, done = world._batch_get_item, []

    def slowly(**asked: Any) -> Any:
        answer = read(**asked)
        if not done:
            done.append(1)
            world.app().handle(event)
        return answer

    monkeypatch.setattr(world, "_batch_get_item", slowly)
    world.ask(event)
    # THEN there is one job
    assert len(world.jobs) == 1


# --- another policy


def test_a_run_that_was_claimed_under_allow_and_never_submitted_can_be_backfilled_under_forbid(world: World) -> None:
    # GIVEN a claim under `allow` whose owner died three times
    event = trigger(0, **{"except": ["2026-12-25"]})
    for _ in range(3):
        world.die_once("submit_job", after=False)
        world.deliver(event)
        later(world, 46)
    world.run(until=world.now + 1)
    # WHEN a deployment makes `forbid` of it, and somebody backfills the time
    answer = world.ask(trigger(0, concurrency_policy="forbid", mode="backfill"))
    # THEN it runs
    assert answer["outcome"] in ("submitted", "duplicate")
    assert len(world.jobs) == 1
    assert world.record(event)["job_id"]["S"] == "job-1"


def test_a_run_under_allow_takes_nobody_s_place(world: World) -> None:
    # GIVEN a run that runs, one that waits, and a deployment that makes `allow` of `queue`
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    # WHEN the next is due
    world.ask(trigger(2, **{"except": ["2026-12-25"]}))
    # THEN the place is still the first one's
    assert world.state()["active"]["job_id"] == "job-1"


def test_a_claim_whose_owner_died_is_settled_under_allow(world: World) -> None:
    # GIVEN a run that waited, and whose claimant, the trigger of a run that was dropped, is dead for good
    for minute in range(4):
        world.ask(trigger(minute, concurrency_policy="queue", queue_limit=3))
    world.end("job-1", told=False)
    world.die_once("submit_job", after=False)
    world.deliver(trigger(4, concurrency_policy="queue", queue_limit=1))
    later(world, 1)
    world._due.clear()  # Lambda's next attempts
    later(world, 60)
    assert world.status(trigger(1)) == "claimed"
    # WHEN a run is due under `allow`
    world.ask(trigger(5, **{"except": ["2026-12-25"]}))
    # THEN both run, or the record says why not
    assert world.status(trigger(1)) in ("submitted", "dropped")
    assert world.status(trigger(5)) == "submitted"


def test_a_late_run_lets_the_first_that_waits_go_on(world: World) -> None:
    # GIVEN a run that waits, and an end that nobody told
    world.ask(trigger(0, concurrency_policy="queue"))
    world.ask(trigger(1, concurrency_policy="queue"))
    world.end("job-1", told=False)
    later(world, 300)
    # WHEN the next comes too late
    answer = world.ask(trigger(2, concurrency_policy="queue", starting_deadline_seconds=60))
    # THEN the first goes on all the same
    assert answer["outcome"] == "late"
    assert world.run_ids()[-1] == f"{JOB}@2026-11-24T09:01:00Z"


def test_an_older_run_under_replace_lets_a_later_one_that_waits_go_on(world: World) -> None:
    # GIVEN a run that waits for the end of another, which nobody told
    world.ask(trigger(0, concurrency_policy="replace"))
    world.tells_ends = False
    world.ask(trigger(2, concurrency_policy="replace"))
    later(world, 100)
    assert world.status(trigger(2)) == "waiting"
    # WHEN an older one comes late
    answer = world.ask(trigger(1, concurrency_policy="replace"))
    # THEN it is dropped, and the later one runs
    assert answer["outcome"] == "dropped"
    assert world.status(trigger(2)) == "submitted"


def test_a_run_that_is_made_up_for_ends_no_later_run_s_job(world: World) -> None:
    # GIVEN a claim under `replace` whose owner died, and a later run under `allow`, which runs
    world.die_once("submit_job", after=False)
    world.deliver(trigger(0, concurrency_policy="replace"))
    later(world, 50)
    world._submit_job(
        jobName=JOB,
        containerOverrides={"environment": [{"name": jobs.SCHEDULED_TIME, "value": "2026-11-24T09:01:00Z"}]},
    )
    # WHEN the older one comes again
    later(world, 200)
    # THEN the later one goes on
    assert world.unfinished() == ["job-1"]
    assert world.status(trigger(0)) == "waiting"


@pytest.mark.parametrize("mode", ["", "backfill"])
def test_what_batch_may_have_forgotten_is_submitted_by_a_backfill_only(world: World, mode: str) -> None:
    # GIVEN a claim whose owner died, and whose event came no more
    world.die_once("submit_job", after=False)
    world.deliver(trigger(0, concurrency_policy="forbid"))
    later(world, 1)
    world._due.clear()
    # WHEN a week later the next is due, or somebody backfills the time
    later(world, 7 * 86_400)
    world.ask(trigger(0 if mode else 10_080, concurrency_policy="forbid", mode=mode))
    # THEN the record says what is known
    assert world.status(trigger(0)) == ("submitted" if mode else "refused")
    assert (f"{JOB}@2026-11-24T09:00:00Z" in world.run_ids()) == bool(mode)
    if not mode:
        assert "is not known" in world.record(trigger(0))["reason"]["S"]


def test_a_backfill_that_died_is_not_submitted_for_a_trigger_after_batch_may_have_forgotten_it(world: World) -> None:
    # GIVEN a backfill that died, perhaps after SubmitJob
    world.die_once("submit_job", after=True)
    world.deliver(trigger(0, concurrency_policy="forbid", mode="backfill"))
    later(world, 1)
    world._due.clear()  # nobody asks for it again
    world.end("job-1", told=False)
    # WHEN the job is due after Batch has forgotten that
    later(world, 8 * 86_400)
    world.jobs.clear()
    world.ask(trigger(20_000, concurrency_policy="forbid"))
    # THEN only that run is submitted, and the other one's record says what is known
    assert world.run_ids() == [Request.of(trigger(20_000)).run_id]
    assert "is not known" in world.record(trigger(0))["reason"]["S"]


def test_a_run_that_waits_and_is_asked_for_under_allow_does_not_start_beside_another_job(world: World) -> None:
    # GIVEN a run that waits for a job that somebody started
    world._submit_job(jobName=JOB)
    world.ask(trigger(0, concurrency_policy="queue"))
    assert world.status(trigger(0)) == "waiting"
    # WHEN its trigger, which is declared under `allow` by now, comes again
    world.ask(trigger(0, **{"except": ["2026-12-25"]}))
    # THEN it waits on, until that job has ended
    assert world.unfinished() == ["job-1"]
    world.end("job-1")
    later(world, 10)
    assert world.status(trigger(0)) == "submitted"


# --- lists that are grouped by version


@pytest.mark.parametrize("policy", ["forbid", "queue"])
def test_a_job_that_somebody_started_is_seen_on_whatever_page_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    # GIVEN five pages of ended jobs of an older version before the one that runs
    for _ in range(450):
        world.end(world._submit_job(jobName=JOB)["jobId"], told=False)
    world._submit_job(jobName=JOB)
    paged(world, monkeypatch)
    # WHEN a run is due
    world.ask(trigger(0, concurrency_policy=policy))
    # THEN it does not start beside it
    assert len(world.unfinished()) == 1
    # AND no page of those that have ended was looked at in vain
    assert world.calls["list_jobs"] == 7


@pytest.mark.parametrize("age", [60.0, 90_000.0])
def test_a_run_s_job_is_found_on_whatever_page_it_is(world: World, monkeypatch: pytest.MonkeyPatch, age: float) -> None:
    # GIVEN a run that was submitted, and many jobs of its name before and after it
    since = world.now
    for number in range(900):
        if number == 450:
            later(world, 5)
            variables = [{"name": jobs.RUN_ID, "value": f"{JOB}@2026-11-24T09:00:00Z"}]
            made = world._submit_job(jobName=JOB, containerOverrides={"environment": variables})["jobId"]
            later(world, 60)
        else:
            world._submit_job(jobName=JOB)
    later(world, age)
    paged(world, monkeypatch)
    batch = SimpleNamespace(list_jobs=world._list_jobs, describe_jobs=world._describe_jobs)
    monkeypatch.setattr(jobs, "client", lambda *_, **__: batch)
    # THEN it is found
    request = Request.of(trigger(0, concurrency_policy="forbid"))
    assert jobs.find(request, since, since + 45, world.now + 20) == made


def paged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has Batch list a hundred at once, the oldest first, as where the last version of a name is grouped behind."""
    listed = world._list_jobs

    def pages(nextToken: str = "0", maxResults: int = 1000, **asked: Any) -> Any:  # noqa: N803 - AWS's names
        found = sorted(listed(**asked)["jobSummaryList"], key=lambda job: int(job["jobId"].removeprefix("job-")))
        start = int(nextToken)
        following = {"nextToken": str(start + maxResults)} if start + maxResults < len(found) else {}
        return {"jobSummaryList": found[start : start + maxResults], **following}

    monkeypatch.setattr(world, "_list_jobs", pages)


def test_an_end_is_noted_once(world: World) -> None:
    world.ask(trigger(0, concurrency_policy="queue"))
    world.end("job-1", told=False)
    for _ in range(2):
        world.ask(end_of(world.jobs["job-1"], "queue"))
    assert world.state()["ended"] == ["job-1"]
