"""All small lives: two or three deliveries, one crash at whatever call, one change of the policy, one thing amiss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any

from .code import Code
from .life import CRASHES, POLICIES, Event, Life, said
from .world import World

#: When two runs are asked for, and how long jobs run.
_TIMINGS: dict[str, tuple[tuple[tuple[float, int], ...], float]] = {
    "the same run twice": (((0, 0), (0, 0)), 30.0),
    "two runs at once": (((0, 0), (0, 1)), 30.0),
    "the second while the first runs": (((0, 0), (60, 1)), 90.0),
    "the second after the first": (((0, 0), (60, 1)), 30.0),
    "a third after two at once": (((0, 0), (0, 1), (150, 2)), 30.0),
    "two while the first runs": (((0, 0), (20, 1), (60, 2)), 90.0),
}
_REFUSED_FOR_A_WHILE = (Event(50, "refused", {"seconds": 400.0}),)
#: What else goes wrong, and whether the end of the first job is lost.
_AMISS: tuple[tuple[tuple[Event, ...], bool], ...] = (
    ((), False),
    ((), True),
    (_REFUSED_FOR_A_WHILE, True),
    ((Event(-1, "refused", {"seconds": 100.0}),), False),
    ((Event(30, "manual", {"seconds": 100.0}),), False),
)
_CRASHES = CRASHES[:2]


def bases() -> Iterator[Life]:
    """Lives without a crash."""
    for before, after, (deliveries, seconds), (amiss, is_lost) in product(
        POLICIES, POLICIES, _TIMINGS.values(), _AMISS
    ):
        declared = [_limited(before), *(_limited(after) for _ in deliveries[1:])]
        triggers = tuple(
            Event(at, "trigger", {"minute": minute, "said": each})
            for (at, minute), each in zip(deliveries, declared, strict=True)
        )
        yield Life(0, (*triggers, *amiss), ends={1: "lost"} if is_lost else {}, seconds=(seconds,))


def crashes(code: Code, base: Life) -> Iterator[Life]:
    """The same with one crash at each call, and with another invocation that goes on first at one."""
    calls = World(code, base).run().calls_of_life
    for number, fault in product(range(1, calls + 1), _CRASHES):
        yield replace(base, faults={number: fault})
    if _at_once(base):
        for number in range(1, calls + 1):
            yield replace(base, switches=frozenset({number}))
            for crash in range(number + 1, min(number + 4, calls + 1)):
                yield replace(base, switches=frozenset({number}), faults={crash: _CRASHES[1]})
    elif base.events[-1:] == _REFUSED_FOR_A_WHILE:  # Lambda's next attempt meets the next run's trigger
        for crash, number in product(range(1, 7), range(1, 7)):
            yield replace(base, switches=frozenset({crash + number}), faults={crash: _CRASHES[0]})


def every(code: Code, *, step: int = 1) -> Iterator[Life]:
    """All small lives, or those of each `step`th base."""
    for base in islice(bases(), 0, None, step):
        yield base
        yield from crashes(code, base)


def _limited(policy: str) -> dict[str, Any]:
    return said(policy, queue_limit=1) if policy == "queue" else said(policy)


def _at_once(life: Life) -> bool:
    moments = [event.at for event in life.events if event.kind == "trigger"]
    return len(set(moments)) < len(moments)
