"""A thousand jobs on the same minute: AWS takes fifty a second, and each is submitted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.examples import rounds
from tests.unit.lambda_.submitting.world import START, Bucket, World, throttled, trigger

JOBS = 1000
PER_SECOND = 50
SEEDS = range(max(1, rounds("SUBMIT_ROUNDS", 80, in_ci=160) // 80))
OF_BATCH = ("submit_job", "list_jobs", "describe_jobs")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def burst(world: World, jobs: int, policy: str) -> list[float]:
    """Runs of a number of jobs that are due in one minute; the seconds from then to each SubmitJob, in order."""
    for number in range(jobs):
        world.deliver(trigger(0, name=f"job-{number}", concurrency_policy=policy), after=world.random.uniform(0, 1))
    world.run(until=START + 4000)
    return sorted(job["createdAt"] / 1000 - START for job in world.jobs.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "counted", "at_once", "median", "last"),
    [
        ("allow", ("submit_job",), 1000, 12, 25),
        ("forbid", OF_BATCH, 1000, 30, 200),
        ("forbid", ("submit_job",), 10, 30, 300),
    ],
    ids=["AWS's documented rate", "one rate for all that Batch is asked", "ten invocations at once, as a new account"],
)
def test_a_thousand_jobs_on_the_same_minute_are_spread_and_each_is_submitted_once(
    monkeypatch: pytest.MonkeyPatch, policy: str, counted: Sequence[str], at_once: int, median: float, last: float
) -> None:
    for seed in SEEDS:
        # GIVEN an account that may ask Batch fifty times a second
        world = World(monkeypatch, seed)
        world.call_seconds, world.concurrency = 0.03, at_once
        world.rates = dict.fromkeys(counted, Bucket(PER_SECOND))
        # WHEN a thousand jobs are due
        delays = burst(world, JOBS, policy)
        # THEN each was submitted, and none twice
        assert len(delays) == len(set(world.run_ids())) == JOBS, seed
        assert world.dead_letters == [], seed
        # AND no second had more than AWS takes, beside what it lets through at first
        assert max(Counter(map(int, delays)).values()) <= 2 * PER_SECOND, seed
        # AND in good time
        assert delays[JOBS // 2] <= median, seed
        assert delays[-1] <= last, seed


def test_waiting_for_a_turn_takes_none_of_lambdas_retries(world: World) -> None:
    # GIVEN as many runs as Batch takes in the time of one invocation
    world.rates = {"submit_job": Bucket(5)}
    # WHEN they are due at once
    burst(world, 80, "forbid")
    # THEN no invocation failed
    assert world.errors == []
    assert len(world.jobs) == 80


def test_a_burst_with_deaths_submits_none_twice_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3 * len(SEEDS)):
        # GIVEN a Batch that is asked too often, and invocations that die at one call of fifty
        world = World(monkeypatch, seed, 0.02)
        world.rates = dict.fromkeys(OF_BATCH, Bucket(2))
        # WHEN sixty runs are due at once
        burst(world, 60, "forbid")
        # THEN each is submitted once, or its event is in the dead-letter queue
        counts = Counter(world.run_ids())
        assert set(counts.values()) == {1}, (seed, counts)
        dead = {f"{event['job']['name']}@{event['trigger']['scheduled_time']}" for event in world.dead_letters}
        assert len(counts.keys() | dead) == 60, seed


def test_an_invocation_gives_up_before_lambda_ends_it(world: World) -> None:
    # GIVEN a Batch of which others take all
    world.rates = {"submit_job": Bucket(0)}
    world.rates["submit_job"].takes(world.now)
    # WHEN a run is due
    event = trigger(0, concurrency_policy="forbid")
    world.deliver(event)
    world.run(until=world.now + 4000)
    # THEN three invocations fail because they were throttled, and the dead-letter queue keeps the event
    assert [type(error) for error in world.errors] == [ClientError] * 3
    assert world.dead_letters == [event]
    # AND they asked again and again, but not in each moment
    assert 15 <= world.throttled["submit_job"] <= 75


@pytest.mark.parametrize("call", ["list_jobs", "submit_job", "terminate_job", "transact_write_items", "batch_get_item"])
def test_a_call_that_was_throttled_is_made_again(world: World, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    # GIVEN a job that runs, and a call that AWS throttles twice; of a transaction it says so as a reason
    world.ask(trigger(0, concurrency_policy="replace"))
    perform, refused = getattr(world, f"_{call}"), [1, 1]
    reason: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError"}],
    }

    def perform_later(**asked: Any) -> Any:
        if refused:
            refused.pop()
            raise ClientError(reason, call) if call == "transact_write_items" else throttled(call)
        return perform(**asked)

    monkeypatch.setattr(world, f"_{call}", perform_later)
    # WHEN the next run is due
    world.deliver(trigger(1, concurrency_policy="replace"))
    world.run(until=world.now + 30)
    # THEN it takes the other's place, and no invocation failed
    assert world.errors == []
    assert world.status(trigger(1)) == "submitted"
