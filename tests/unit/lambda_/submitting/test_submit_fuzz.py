"""Thousands of lives of a job: triggers delivered more than once, deaths between any two calls, ends told or lost."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.examples import rounds
from tests.unit.lambda_.submitting.world import JOB, RETRY_SECONDS, Bucket, World, trigger

from submit_run import jobs
from submit_run.decision import REPLACED

RUNS = 6
ROUNDS = rounds("SUBMIT_ROUNDS", 40, in_ci=400)


def live(
    monkeypatch: pytest.MonkeyPatch, seed: int, policy: str, death: float
) -> tuple[World, list[dict[str, object]]]:
    """Six minutes of a job's triggers, and then one to wake what a lost event left waiting."""
    world = World(monkeypatch, seed, death)
    chance = world.random
    world.job_seconds = lambda: chance.choice((2.0, 30.0, 70.0, 200.0))
    world.lists_after = chance.choice((0.0, 0.0, 1.0))
    if seed % 4 == 1:  # others in the account take most of what Batch allows
        world.rates = {
            name: Bucket(chance.choice((0.05, 0.5))) for name in ("submit_job", "list_jobs", "terminate_job")
        }
    world.tells_ends = policy in ("queue", "replace") and chance.random() < 0.8
    events = [trigger(minute, concurrency_policy=policy, queue_limit=3) for minute in range(RUNS)]
    for minute, event in enumerate(events):
        for _ in range(chance.choice((1, 1, 2, 3))):
            world.deliver(event, after=60 * minute + chance.choice((0.0, 0.0, chance.uniform(0, 90))))
    world.run()
    world.death = 0.0
    world.rates = {}
    world.tells_ends = True
    world.job_seconds = lambda: 1.0
    for job_id in world.unfinished():
        world.end(job_id)
    last = trigger(60, concurrency_policy=policy, queue_limit=3)
    world.deliver(last, after=120)
    world.run()
    return world, [*events, last]


@pytest.mark.parametrize("policy", ["allow", "forbid", "queue", "replace"])
def test_each_scheduled_time_submits_at_most_one_job_and_no_two_overlap(
    monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(ROUNDS):
        # GIVEN a job whose invocations die at one call of twenty, or never
        # WHEN it has lived
        world, events = live(monkeypatch, seed, policy, 0.05 if seed % 5 else 0.0001)
        where = f"{policy}, seed {seed}"
        # THEN no run was submitted twice
        counts = Counter(world.run_ids())
        assert all(count == 1 for count in counts.values()), (where, counts)
        # AND no two of them were there at once
        if policy != "allow":
            assert world.most_at_once <= 1, where
        # AND none was ended for itself, or for one before it
        for job in world.jobs.values():
            if (reason := str(job.get("statusReason", ""))).startswith(REPLACED):
                assert reason.removeprefix(REPLACED) > jobs.variable_of(job, jobs.SCHEDULED_TIME), (where, job)
        # AND of each run is recorded what became of it, unless its event lies in the dead-letter queue
        for event in events:
            status = world.status(event)
            outcomes[status] += 1
            lost = event in world.dead_letters
            assert status in {"submitted", "skipped", "dropped"} or lost, (where, status, world.state())
            if status == "submitted":
                run_id = world.record(event)["run_id"]["S"]
                assert counts[run_id] == 1, (where, run_id)
    # AND all of it happened
    assert outcomes["submitted"] > ROUNDS
    if policy in ("forbid", "queue", "replace"):
        assert outcomes["skipped" if policy == "forbid" else "dropped"] > 0


@pytest.mark.parametrize("policy", ["forbid", "queue"])
def test_a_death_is_made_up_for_within_the_stated_time(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    for call in ("batch_get_item", "list_jobs", "transact_write_items", "submit_job"):
        for after in (False, True):
            # GIVEN an invocation that dies before or after its first call of a kind
            world = World(monkeypatch)
            world.die_once(call, after=after)
            began = world.now
            # WHEN Lambda tries it again
            world.deliver(trigger(0, concurrency_policy=policy))
            world.run(until=began + sum(RETRY_SECONDS))
            # THEN the run was submitted once
            assert world.run_ids() == [f"{JOB}@2026-11-24T09:00:00Z"], (call, after)
            assert world.status(trigger(0)) == "submitted", (call, after)
            # AND within two minutes
            assert world.now - began <= 180
            assert world.submitted_at - began <= 120, (call, after)
