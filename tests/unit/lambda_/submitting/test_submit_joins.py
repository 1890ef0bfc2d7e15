"""Jobs that come after all of several others: the end of each is noted once, and the last of them starts a run."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.examples import examples
from tests.unit.lambda_.submitting.world import JOB, QUEUE, START, World

NAMES = ("reports-a", "reports-b", "reports-c")
POLICIES = ("allow", "forbid", "queue", "replace")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def end(name: str, number: int, second: float, *, after_all: tuple[str, ...] = NAMES[:2], **job: Any) -> dict[str, Any]:
    """What the rule hands on of the end of an upstream job's run, some seconds after the start."""
    moment = datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "trigger": {
            "scheduled_time": moment,
            "upstream_job_id": f"{name[-1]}{number}",
            "upstream_job_definition": f"arn:aws:batch:eu-west-1:111122223333:job-definition/{name}:{number}",
        },
        "job": {
            "name": JOB,
            "job_queue": QUEUE,
            "job_definition": "reports-nightly",
            "after_all": list(after_all),
            **job,
        },
    }


def record(world: World, event: dict[str, Any]) -> dict[str, str]:
    """What is noted of an end: its status and why."""
    upstream = event["trigger"]["upstream_job_id"]
    found = [item for (_, key), item in world.table.items() if key.endswith(f"#{upstream}")]
    return {name: found[0][name]["S"] for name in ("status", "reason") if name in found[0]} if found else {}


def ask(world: World, event: dict[str, Any]) -> str:
    world.now = max(world.now, datetime.fromisoformat(event["trigger"]["scheduled_time"]).timestamp() + 1)
    return str(world.ask(event)["outcome"])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_starts_when_each_has_ended_and_then_each_has_to_end_again(world: World, policy: str) -> None:
    # GIVEN a job after two others WHEN one of them ends THEN it waits
    a1, b1 = end("reports-a", 1, 0, concurrency_policy=policy), end("reports-b", 1, 90, concurrency_policy=policy)
    assert ask(world, a1) == "joined"
    assert record(world, a1) == {"status": "joined", "reason": "waits for reports-b"}
    # WHEN the other one ends THEN a run starts, which is told that one
    assert ask(world, b1) == "submitted"
    assert world.run_ids() == [f"{JOB}@b1"]
    assert record(world, a1) == {"status": "joined", "reason": f"in the run {JOB}@b1"}
    assert ("active" in world.state()) == (policy != "allow")
    # AND the next one starts when both have ended again, in whatever order
    world.end(next(iter(world.jobs)))
    world.run(until=world.now)
    assert ask(world, end("reports-b", 2, 200, concurrency_policy=policy)) == "joined"
    assert ask(world, end("reports-a", 2, 300, concurrency_policy=policy)) == "submitted"
    assert world.run_ids() == [f"{JOB}@b1", f"{JOB}@a2"]


def test_a_job_that_ends_again_before_the_others_counts_once(world: World) -> None:
    events = [end("reports-a", 1, 0), end("reports-a", 2, 60), end("reports-b", 1, 120), end("reports-b", 2, 180)]
    assert [ask(world, event) for event in events] == ["joined", "joined", "submitted", "joined"]
    assert record(world, events[0]) == {"status": "joined", "reason": "job a2, of the same name, ended after it"}
    assert record(world, events[1])["reason"] == f"in the run {JOB}@b1"
    # AND also where it is delivered out of order
    late = end("reports-b", 9, 170)
    assert ask(world, late) == "joined"
    assert ask(world, end("reports-a", 3, 190)) == "submitted"
    assert record(world, late)["reason"] == "job b2, of the same name, ended after it"
    assert record(world, events[3])["reason"] == f"in the run {JOB}@a3"


@pytest.mark.parametrize("again", [0, 1, 2])
def test_an_end_that_is_delivered_again_counts_once(world: World, again: int) -> None:
    events = [end("reports-a", 1, 0), end("reports-b", 1, 60)]
    for event in events[:again]:
        ask(world, event)
    assert ask(world, events[0]) == ("duplicate" if again else "joined")
    if again < 2:
        assert ask(world, events[1]) == "submitted"
    assert [ask(world, event) for event in [*events, *events]] == ["duplicate"] * 4
    assert len(world.jobs) == 1


def test_an_end_before_all_had_ended_last_does_not_count(world: World) -> None:
    # GIVEN a run that took ends of seconds 100 and 110
    events = [end("reports-a", 1, 100), end("reports-b", 1, 110)]
    assert [ask(world, event) for event in events] == ["joined", "submitted"]
    # WHEN an end of before comes to light
    late = end("reports-a", 2, 105)
    assert ask(world, late) == "dropped"
    assert record(world, late)["reason"] == "it ended before all had ended last, at 2026-11-24T09:01:50Z"
    # THEN the next run waits for one after it
    assert ask(world, end("reports-b", 2, 700)) == "joined"
    assert ask(world, end("reports-a", 3, 800)) == "submitted"


def test_of_two_ends_in_one_second_one_that_comes_late_starts_no_second_run(world: World) -> None:
    # GIVEN a run of two ends within one second
    assert ask(world, end("reports-b", 2, 60)) == "joined"
    assert ask(world, end("reports-a", 1, 60)) == "submitted"
    # WHEN an end of the same second is delivered only now THEN it counts as one before
    late = end("reports-b", 1, 60)
    assert ask(world, late) == "dropped"
    # AND the next end of the other job waits
    assert ask(world, end("reports-a", 3, 200)) == "joined"
    assert len(world.jobs) == 1


def test_a_run_that_somebody_asks_for_takes_no_end(world: World) -> None:
    ask(world, end("reports-a", 1, 0))
    # WHEN somebody asks for a run that no end starts
    event = end("reports-b", 1, 60)
    del event["trigger"]["upstream_job_id"], event["trigger"]["upstream_job_definition"]
    assert ask(world, {**event, "mode": "backfill"}) == "submitted"
    # THEN the end waits on
    assert ask(world, end("reports-b", 2, 90)) == "submitted"
    assert record(world, end("reports-a", 1, 0))["reason"] == f"in the run {JOB}@b2"


def test_the_run_is_that_of_the_latest_end_whichever_was_told_last(world: World) -> None:
    # GIVEN a job whose runs may start five minutes late, and an end that is told a quarter of an hour after another one
    def of(name: str, number: int, second: float) -> dict[str, Any]:
        return end(name, number, second, starting_deadline_seconds=300)

    a1, b1 = of("reports-a", 1, 0), of("reports-b", 1, 1000)
    assert [ask(world, event) for event in (b1, a1)] == ["joined", "submitted"]
    # THEN the run is in time, and is told the end that came last
    (job,) = world.jobs.values()
    assert {each["name"]: each["value"] for each in job["container"]["environment"]} == {
        "BATCHTAB_RUN_ID": f"{JOB}@b1",
        "BATCHTAB_SCHEDULED_TIME": "2026-11-24T09:16:00Z",
        "BATCHTAB_UPSTREAM_JOB_ID": "b1",
    }
    assert record(world, a1)["status"] == "submitted"
    assert record(world, b1) == {"status": "joined", "reason": f"in the run {JOB}@b1"}
    # AND it is that run also when its trigger comes again
    assert ask(world, a1) == "duplicate"


def test_a_run_of_another_end_that_is_refused_is_tried_again_as_that_run(world: World) -> None:
    ask(world, end("reports-b", 1, 100))
    world.refuses = "queue is DISABLED"
    world.deliver(end("reports-a", 1, 0))
    world.at(100, lambda: setattr(world, "refuses", ""))
    world.run()
    assert world.run_ids() == [f"{JOB}@b1"]


def test_ends_that_are_too_far_apart_are_forgotten_with_a_record(world: World) -> None:
    def of(name: str, number: int, second: float) -> dict[str, Any]:
        return end(name, number, second, after_all=NAMES, within_seconds=3600)

    # GIVEN ends of which the first is too old for the last: it is kept for one that may be told late
    events = [of("reports-a", 1, 0), of("reports-b", 1, 3000), of("reports-c", 1, 3601)]
    assert [ask(world, event) for event in events] == ["joined"] * 3
    assert record(world, events[2])["reason"] == "waits: no end of each is within_seconds of it"
    # WHEN another one ends in time for both others
    assert ask(world, of("reports-a", 2, 6600)) == "submitted"
    assert record(world, events[1])["reason"] == record(world, events[2])["reason"] == f"in the run {JOB}@a2"
    # AND what nothing can complete any more is let go of
    b2 = of("reports-b", 2, 7000)
    assert ask(world, b2) == "joined"
    assert ask(world, of("reports-c", 2, 7000 + 7201)) == "joined"
    assert record(world, b2) == {
        "status": "dropped",
        "reason": "no other ended within 3600 seconds of it: within_seconds",
    }


def replayed(ends: list[tuple[str, int]], within: int | None) -> int:
    """How many runs ends make that are told as they come, by definition."""
    latest: dict[str, int] = {}
    runs = 0
    for name, at in sorted(ends, key=lambda each: each[1]):
        latest[name] = at
        if len(latest) == 2 and (within is None or max(latest.values()) - min(latest.values()) <= within):
            latest, runs = {}, runs + 1
    return runs


@pytest.mark.parametrize("within", [None, 40])
def test_in_whatever_order_ends_are_told_no_run_is_lost(monkeypatch: pytest.MonkeyPatch, within: int | None) -> None:
    # GIVEN each choice of up to four ends of two jobs, told in each order
    for number in (2, 3, 4):
        chosen = itertools.combinations((0, 30, 100, 130), number)
        for moments, names in itertools.product(chosen, itertools.product(NAMES[:2], repeat=number)):
            ends = list(zip(names, moments, strict=True))
            expected = replayed(ends, within)
            for order in itertools.permutations(range(number)):
                world = World(monkeypatch)
                world.now = START + 200
                said: dict[str, Any] = {"within_seconds": within} if within else {}
                for at in order:
                    world.ask(end(ends[at][0], at, ends[at][1], **said))
                # THEN there is a run if there is one in their own order; one that starts early may take what a later
                # one would have had
                assert min(expected, 1) <= len(world.run_ids()) <= expected, (ends, order)
                if list(order) == sorted(order):
                    assert len(world.run_ids()) == expected


def test_what_after_all_names_no_more_is_let_go_of(world: World) -> None:
    # GIVEN ends of two of three jobs
    a1, c1 = end("reports-a", 1, 0, after_all=NAMES), end("reports-c", 1, 10, after_all=NAMES)
    assert [ask(world, event) for event in (a1, c1)] == ["joined"] * 2
    # WHEN c is taken out, and b ends
    assert ask(world, end("reports-b", 1, 20)) == "submitted"
    # THEN b completes what is left, and c is in no run
    assert record(world, c1) == {"status": "dropped", "reason": "after_all does not name reports-c any more"}
    # WHEN the next ends are complete by taking one out THEN one that comes late starts the run
    ask(world, end("reports-a", 2, 100, after_all=NAMES))
    ask(world, end("reports-b", 2, 110, after_all=NAMES))
    a2 = end("reports-a", 2, 100)
    late = end("reports-a", 9, 90)
    assert ask(world, late) == "submitted"
    assert world.run_ids()[-1] == f"{JOB}@b2"
    assert record(world, a2)["reason"] == f"in the run {JOB}@b2"
    # AND an end that the old rule still hands on counts for nothing
    assert ask(world, end("reports-c", 2, 30)) == "dropped"


def test_ends_from_before_the_job_came_after_any_of_them_do_not_count(world: World) -> None:
    # GIVEN an end that waits
    a1 = end("reports-a", 1, 0, concurrency_policy="forbid")
    ask(world, a1)
    # WHEN the job is declared to come after each, and runs
    assert ask(world, end("reports-a", 2, 60, after_all=(), concurrency_policy="forbid")) == "submitted"
    # THEN what waited is let go of
    assert record(world, a1) == {"status": "dropped", "reason": "the job has no after_all any more"}
    world.end(next(iter(world.jobs)))
    world.run(until=world.now)
    assert ask(world, end("reports-b", 1, 120, concurrency_policy="forbid")) == "joined"


def test_of_a_job_that_ends_again_and_again_a_few_are_kept(world: World) -> None:
    for number in range(1, 10):
        ask(world, end("reports-a", number, number * 60))
    assert len(world.state()["joined"]) == 5
    assert ask(world, end("reports-b", 1, 90)) == "submitted"
    assert world.run_ids() == [f"{JOB}@b1"]


@pytest.mark.parametrize("policy", ["forbid", "queue"])
def test_what_is_decided_of_the_run_takes_the_ends(world: World, policy: str) -> None:
    # GIVEN a run that goes on
    for event in (end("reports-a", 1, 0, concurrency_policy=policy), end("reports-b", 1, 1, concurrency_policy=policy)):
        ask(world, event)
    # WHEN both end again meanwhile
    second = [end(name, 2, 60, concurrency_policy=policy) for name in NAMES[:2]]
    assert [ask(world, event) for event in second] == ["joined", "skipped" if policy == "forbid" else "waiting"]
    # THEN the next ones are the third of each
    assert world.state().get("joined") is None
    world.end(next(iter(world.jobs)))
    world.run(until=world.now)
    assert ask(world, end("reports-a", 3, 120, concurrency_policy=policy)) == "joined"


def test_a_run_that_batch_refuses_is_tried_again_with_its_ends(world: World) -> None:
    # GIVEN ends of both, and a Batch that refuses twice
    ask(world, end("reports-a", 1, 0))
    world.refuses = "queue is DISABLED"
    last = end("reports-b", 1, 10)
    world.deliver(last)
    world.at(100, lambda: setattr(world, "refuses", ""))
    # WHEN its trigger comes again THEN it runs, once
    world.run()
    assert world.run_ids() == [f"{JOB}@b1"]
    assert world.dead_letters == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("policy", POLICIES)
def test_wherever_an_invocation_dies_one_run_starts(
    monkeypatch: pytest.MonkeyPatch, policy: str, order: tuple[int, ...]
) -> None:
    # GIVEN both ends, each told twice, in each order, and an invocation that dies at each of its calls
    of_first = [end(name, 1, 10 * at, concurrency_policy=policy) for at, name in enumerate(NAMES[:2])]
    events = [of_first[0], of_first[1], of_first[0], of_first[1]]
    for call, after in itertools.product(("batch_get_item", "transact_write_items", "submit_job"), (False, True)):
        for skipped in range(3):
            world = World(monkeypatch)
            world.now = START + 30
            delivered = [events[at] for at in order]
            for number, event in enumerate(delivered):
                world.deliver(event, after=number * 0.5)
            world.at(skipped * 0.5 - 0.01, lambda world=world, c=call, a=after: world.die_once(c, after=a))  # type: ignore[misc]
            # WHEN all is over, Lambda's retries too
            world.run()
            # THEN one run has started, which has both ends
            assert len(world.run_ids()) == 1, (call, after, skipped)
            statuses = sorted(record(world, event)["status"] for event in of_first)
            assert statuses == ["joined", "submitted"], (call, after, skipped)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(examples(60)))
def test_whatever_happens_no_end_is_in_two_runs_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch, policy: str, seed: int
) -> None:
    # GIVEN some ends of three jobs, told late, twice and out of order, to a function that dies now and then
    world = World(monkeypatch, seed, death=0.04)
    world.job_seconds = lambda: world.random.uniform(1, 2000)
    within = world.random.choice([None, 600, 3600])
    ends = [
        end(
            world.random.choice(NAMES),
            number,
            world.random.randrange(6 * 3600),
            after_all=NAMES,
            concurrency_policy=policy,
            **({"within_seconds": within} if within else {}),
        )
        for number in range(1, 40)
    ]
    for event in ends:
        at = datetime.fromisoformat(event["trigger"]["scheduled_time"]).timestamp() - START
        for _ in range(world.random.choice((1, 1, 1, 2))):
            world.deliver(event, after=at + world.random.choice((0.5, 1, 5, 900)))
    # WHEN all is over
    world.run()
    # THEN each end has a record, but for what is in the dead-letter queue
    dead = {event["trigger"]["upstream_job_id"] for event in world.dead_letters if "trigger" in event}
    noted = {event["trigger"]["upstream_job_id"]: record(world, event) for event in ends}
    assert {name for name, each in noted.items() if not each} <= dead
    # AND each run has one end of each job, no end is in two runs, and Batch has each run once
    of_run = {item["run_id"]["S"]: item for item in world.table.values() if "run_id" in item and is_run(item)}
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, key), item in world.table.items():
        name, reason = key.rpartition("#")[2], item.get("reason", {}).get("S", "")
        if reason.startswith("in the run "):
            taken[reason.removeprefix("in the run ")][name[0]] += 1
        elif key.startswith("run#") and is_run(item):
            taken[item["run_id"]["S"]][name[0]] += 1
    assert set(taken) == set(of_run)
    assert set(world.run_ids()) <= set(taken)
    assert max(Counter(world.run_ids()).values(), default=0) <= 1
    assert all(set(each) == set("abc") for each in taken.values())


def is_run(item: dict[str, Any]) -> bool:
    """Whether a record is that of a run: neither of an end that waits, nor of one that was let go of."""
    reason = item.get("reason", {}).get("S", "")
    of_an_end = ("it ended before", "no other ended", "after_all does not", "the job has no")
    return item.get("status", {}).get("S", "joined") != "joined" and not reason.startswith(of_an_end)
