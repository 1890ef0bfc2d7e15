"""Lives of a job in the simulator: by chance, all the small ones, and whether seeded faults are seen in them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest
from tests.examples import rounds
from tests.unit.lambda_.submitting.simulator.code import Code
from tests.unit.lambda_.submitting.simulator.life import POLICIES, Event, Life, random_life, said, shrunk
from tests.unit.lambda_.submitting.simulator.mutations import MUTATIONS, Mutation, mutated
from tests.unit.lambda_.submitting.simulator.small import bases, every
from tests.unit.lambda_.submitting.simulator.world import World

LIVES = rounds("SUBMIT_LIVES", 50, in_ci=1000)
# Of this many bases of small lives one is taken, with a crash at each of its calls. Odd, to meet all parts of a base.
STEP = rounds("SUBMIT_SMALL_STEP", 97, in_ci=7)
SEEN_WITHIN = 60


def first_wrong(code: Code, lives: Iterable[Life]) -> tuple[Life, list[str]] | None:
    for life in lives:
        if wrong := World(code, life).run().wrong:
            return life, wrong
    return None


@pytest.fixture(scope="module")
def code() -> Code:
    return Code()


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_goes_wrong_in_lives_by_chance(code: Code, policy: str) -> None:
    found = first_wrong(code, (random_life(seed, policy) for seed in range(LIVES)))
    assert found is None, report(code, *found)


@pytest.mark.slow
def test_nothing_goes_wrong_in_small_lives(code: Code) -> None:
    found = first_wrong(code, every(code, step=STEP))
    assert found is None, report(code, *found)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_seeded_fault_is_seen(mutation: Mutation) -> None:
    seeds = range(mutation.seed, mutation.seed + SEEN_WITHIN)
    with mutated(mutation) as code:
        found = first_wrong(code, (random_life(seed, policy) for seed in seeds for policy in POLICIES))
    assert found, "not seen: `python -m benchmarks.submit_lives --mutations` says in which life it is now"


def test_there_are_enough_seeded_faults() -> None:
    assert len(MUTATIONS) >= 20


def test_a_life_is_the_same_each_time_and_is_made_smaller() -> None:
    # GIVEN a life in which a seeded fault is seen
    (mutation,) = (each for each in MUTATIONS if each.name == "SubmitJob is called again without an answer")
    with mutated(mutation) as code:
        seed = next(seed for seed in range(100) if World(code, random_life(seed)).run().wrong)
        life = random_life(seed)
        assert World(code, life).run().trace == World(code, life).run().trace
        # WHEN it is shrunk
        small = shrunk(life, lambda each: bool(World(code, each).run().wrong), most=200)
        # THEN less is left of it, and goes wrong still
        assert len(small.events) + len(small.faults) < len(life.events) + len(life.faults)
        assert World(code, small).run().wrong


def test_what_is_asked_of_a_life_that_goes_well(code: Code) -> None:
    # GIVEN two runs, of which the second waits for the first
    queue = said("queue", queue_limit=1)
    events = tuple(Event(60 * minute, "trigger", {"minute": minute, "said": queue}) for minute in range(2))
    world = World(code, Life(0, events, seconds=(90.0,))).run()
    # THEN both have run, and the two that the simulator asks for at the end
    assert [job.run_id[-9:] for job in world.aws.jobs.values()][:2] == ["09:00:00Z", "09:01:00Z"]
    assert len(world.aws.jobs) == 4
    assert not world.wrong
    assert not world.dead


def test_small_lives_are_all_that_they_say() -> None:
    found = list(islice(bases(), None))
    assert len(found) == 4 * 4 * 6 * 5
    assert len({repr(life) for life in found}) == len(found)


def report(code: Code, life: Life, wrong: list[str]) -> str:
    """The smallest life that goes wrong in the same way, and all that happens in it."""
    kind = wrong[0].partition(":")[0]
    small = shrunk(life, lambda each: any(one.startswith(kind) for one in World(code, each).run().wrong))
    world = World(code, small).run()
    return "\n".join([*world.wrong, repr(small), *world.trace])
