"""A life: all that happens around a job for a while, written down, so that it can be lived again and made smaller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

START = datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp()
JOB = "reports-nightly"
QUEUE = "arn:aws:batch:eu-west-1:111122223333:job-queue/reports-default"
POLICIES = ("allow", "forbid", "queue", "replace")
CRASHES = ("crash before", "crash after", "answer lost")


@dataclass(frozen=True)
class Event:
    """Something that happens at a moment.

    Attributes:
        at: Seconds after the start.
        kind: `trigger` (minute, said), `backfill` (the same, asked for by somebody who waits), `manual` (seconds),
            `resume`, and for a while (seconds): `refused`, `throttled`, `away`, `lagging` (lag).
        data: What belongs to it.
    """

    at: float
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Life:
    """What happens.

    Attributes:
        seed: Of how long each call takes; 0 for calls that take no time.
        events: What happens when.
        faults: By the number of the call to AWS: what goes wrong at it.
        ends: By the number of the job: whether its end is `lost`, `twice` or `late`.
        seconds: How long jobs run, one after the other, and again.
        failing: The numbers of the jobs that fail.
        page: How many jobs a page of ListJobs has.
        at_once: How many runs are let go of in one transaction.
        is_long: Whether the history's days pass before the end.
        switches: At which calls another invocation goes on first, where calls take no time.
    """

    seed: int
    events: tuple[Event, ...]
    faults: Mapping[int, str] = field(default_factory=dict)
    ends: Mapping[int, str] = field(default_factory=dict)
    seconds: tuple[float, ...] = (30.0,)
    failing: frozenset[int] = frozenset()
    page: int = 100
    at_once: int = 40
    is_long: bool = False
    switches: frozenset[int] = frozenset()

    @property
    def last(self) -> Mapping[str, Any]:
        """How the job is declared at the end."""
        said = [event for event in self.events if event.kind == "trigger"]
        return max(said, key=lambda event: event.at).data["said"] if said else {"concurrency_policy": "forbid"}


def said(policy: str, **more: Any) -> dict[str, Any]:
    """How a job is declared; under `allow` with an exception, since otherwise the function is not asked."""
    return {"concurrency_policy": policy, **({"except": ["2030-12-25"]} if policy == "allow" else {}), **more}


def random_life(seed: int, policy: str = "") -> Life:
    """A life by chance: six minutes of a job with all that may happen; it begins under a policy if one is named."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    before = _declared(chance, policy)
    after = _declared(chance) if chance.random() < 0.4 else before
    changed = chance.randrange(1, 6)
    events: list[Event] = []
    for minute in range(chance.choice((3, 4, 6))):
        declared = after if minute >= changed else before
        for copy in range(chance.choice((1, 1, 1, 2, 3))):
            delay = (
                chance.choice((0.0, chance.uniform(0, 3), chance.uniform(0, 90)))
                if copy or chance.random() < 0.3
                else 0
            )
            events.append(Event(60 * minute + delay, "trigger", {"minute": minute, "said": declared}))
    for _ in range(chance.choice((0, 0, 1, 2))):
        events.append(Event(chance.uniform(0, 400), "manual", {"seconds": chance.choice((5.0, 80.0, 300.0))}))
    if chance.random() < 0.2:
        events.append(Event(chance.uniform(60, 500), "backfill", {"minute": chance.randrange(3), "said": after}))
    if chance.random() < 0.2:
        events.append(Event(chance.uniform(60, 400), "resume"))
    for kind, likely in (("refused", 0.3), ("throttled", 0.2), ("away", 0.15), ("lagging", 0.3)):
        if chance.random() < likely:
            data = {"seconds": chance.choice((20.0, 100.0, 300.0)), "lag": chance.choice((1.0, 5.0, 14.0))}
            events.append(Event(chance.uniform(0, 360), kind, data))
    density = chance.choice((0.0, 0.03, 0.1, 0.3))
    return Life(
        seed=seed + 1,
        events=tuple(events),
        faults={call: chance.choice(CRASHES) for call in range(1, 150) if chance.random() < density},
        ends={job: chance.choice(("lost", "twice", "late")) for job in range(1, 12) if chance.random() < 0.25},
        seconds=tuple(chance.choice((0.3, 2.0, 30.0, 70.0, 200.0)) for _ in range(5)),
        failing=frozenset(job for job in range(1, 12) if chance.random() < 0.2),
        page=chance.choice((100, 100, 2)),
        at_once=chance.choice((40, 40, 1)),
        is_long=chance.random() < 0.1,
    )


def _declared(chance: random.Random, policy: str = "") -> dict[str, Any]:
    by_chance = chance.choice((*POLICIES, "queue"))
    policy = policy or by_chance
    more: dict[str, Any] = {}
    if policy == "queue":
        more["queue_limit"] = chance.choice((1, 2, 3))
    if chance.random() < 0.25:
        more["starting_deadline_seconds"] = chance.choice((60, 150))
    if chance.random() < 0.25:
        more["pause_on_failure"] = True
    return said(policy, **more)


def smaller(life: Life) -> Iterator[Life]:
    """Lives with one thing less."""
    for number in range(len(life.events)):
        yield replace(life, events=(*life.events[:number], *life.events[number + 1 :]))
    yield from (replace(life, faults=less) for less in _less(life.faults))
    yield from (replace(life, ends=less) for less in _less(life.ends))
    for number in life.failing:
        yield replace(life, failing=life.failing - {number})
    plain = Life(0, ())
    for name in ("seed", "page", "at_once", "switches", "is_long"):
        if getattr(life, name) != getattr(plain, name):
            yield replace(life, **{name: getattr(plain, name)})
    if len(life.seconds) > 1:
        yield from (replace(life, seconds=(each,)) for each in dict.fromkeys(life.seconds))
    for number, event in enumerate(life.events):
        for key in ("starting_deadline_seconds", "pause_on_failure"):
            if key in event.data.get("said", ()):
                less = {name: value for name, value in event.data["said"].items() if name != key}
                changed = replace(event, data={**event.data, "said": less})
                yield replace(life, events=(*life.events[:number], changed, *life.events[number + 1 :]))


def _less(kept: Mapping[int, str]) -> Iterator[Mapping[int, str]]:
    if len(kept) > 2:
        yield {}
    for number in kept:
        yield {key: value for key, value in kept.items() if key != number}


def shrunk(life: Life, is_wrong: Callable[[Life], bool], most: int = 600) -> Life:
    """The smallest life that goes wrong in the same way, as far as leaving out one thing after the other finds it."""
    tried = 0
    while True:
        for candidate in smaller(life):
            tried += 1
            if tried > most:
                return life
            if is_wrong(candidate):
                life = candidate
                break
        else:
            return life
