"""Simulated failures of the submit function: `python -m benchmarks.submit_lives --lives 10000`.

Simulates lives of a job with the tests' simulator, the same number for each policy that the job begins with. Prints
what happened to it and, for the first of each kind of fault, the seed, the smallest life that shows it, and its events.
`--small` also simulates all small lives, or those of every STEPth base; `--mutations` seeds each fault in a copy of the
code and prints the life that finds it; `--code` names another folder with a package `submit_run`, such as an older
version's. Exits with 1 if a simulation fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.unit.lambda_.submitting.simulator.code import LAMBDA, Code
from tests.unit.lambda_.submitting.simulator.life import POLICIES, Life, random_life, shrunk
from tests.unit.lambda_.submitting.simulator.mutations import MUTATIONS, mutated
from tests.unit.lambda_.submitting.simulator.small import every
from tests.unit.lambda_.submitting.simulator.world import World

_MUTATION_LIVES = 6000


def main() -> int:
    """Reads the arguments, and does what they say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=1000, help="how many lives by chance for each policy")
    parser.add_argument("--policy", choices=POLICIES, action="append", help="only this policy; may be repeated")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--small", type=int, metavar="STEP", help="small lives of one base of STEP; 1 for all")
    parser.add_argument("--mutations", action="store_true", help="seed faults, each in a copy of the code")
    parser.add_argument("--code", type=Path, default=LAMBDA, help="folder that has submit_run")
    asked = parser.parse_args()
    if asked.mutations:
        return _mutations()
    code = Code(asked.code)
    seeds, wrong = range(asked.first, asked.first + asked.lives), 0
    for policy in asked.policy or POLICIES:
        wrong += _live(code, f"that begin with {policy}", (random_life(seed, policy) for seed in seeds))
    if asked.small:
        wrong += _live(code, "small", every(code, step=asked.small))
    return 1 if wrong else 0


def _live(code: Code, name: str, lives: Iterable[Life]) -> int:
    began, number, calls = time.process_time(), 0, 0
    fired: Counter[str] = Counter()
    kinds: dict[str, list[Life]] = {}
    for life in lives:
        world = World(code, life).run()
        number, calls, fired = number + 1, calls + world.calls, fired + world.fired
        for kind in {each.partition(":")[0] for each in world.wrong}:
            kinds.setdefault(kind, []).append(life)
    seconds = time.process_time() - began
    print(f"{number} lives {name}, {calls} calls, {fired.total()} faults, {seconds:.0f} s of CPU", flush=True)
    print("  " + ", ".join(f"{what} {count}" for what, count in sorted(fired.items())))
    for kind, found in kinds.items():
        small = shrunk(found[0], lambda life, kind=kind: _is(code, life, kind))  # type: ignore[misc]
        seed = f", first with seed {found[0].seed - 1}" if found[0].seed else ""
        print(f"\n{kind}: {len(found)} lives{seed}", repr(small), *World(code, small).run().trace, sep="\n  ")
    print(f"{sum(map(len, kinds.values()))} violations")
    return len(kinds)


def _is(code: Code, life: Life, kind: str) -> bool:
    return any(each.startswith(kind) for each in World(code, life).run().wrong)


def _mutations() -> int:
    missed = 0
    for mutation in MUTATIONS:
        with mutated(mutation) as code:
            lives = ((seed, policy) for seed in range(_MUTATION_LIVES) for policy in POLICIES)
            worlds = ((each, World(code, random_life(*each)).run().wrong) for each in lives)
            seen = next(((*each, wrong[0]) for each, wrong in worlds if wrong), None)
        missed += seen is None
        print(f"{mutation.name}: " + ("seed {}, {}: {}".format(*seen) if seen else "NOT SEEN"), flush=True)
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} seen")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
