"""Without a last trigger that wakes what waits: if all ends are told, nothing may be left waiting or claimed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.examples import rounds
from tests.unit.lambda_.submitting.world import JOB, World, trigger

pytestmark = pytest.mark.slow

ROUNDS = rounds("SUBMIT_ROUNDS", 20, in_ci=100)


def live(monkeypatch: pytest.MonkeyPatch, seed: int, policy: str, death: float, manual: bool, pause: bool) -> set[str]:
    """Six minutes of a job's triggers; returns what went wrong."""
    world = World(monkeypatch, seed, death)
    chance = world.random
    world.job_seconds = lambda: chance.choice((0.3, 2.0, 30.0, 70.0, 200.0))
    events = [trigger(minute, concurrency_policy=policy, queue_limit=3, pause_on_failure=pause) for minute in range(6)]
    for minute, event in enumerate(events):
        for _ in range(chance.choice((1, 1, 2, 3))):
            world.deliver(event, after=60 * minute + chance.choice((0.0, 0.0, chance.uniform(0, 90))))
    if manual:
        for _ in range(3):
            world.at(chance.uniform(0, 360), lambda: world._submit_job(jobName=JOB))
    world.run()
    wrong = {"twice" for count in Counter(filter(None, world.run_ids())).values() if count > 1}
    if not manual and world.most_at_once > 1:
        wrong.add("overlap")
    if world.dead_letters:  # somebody was told
        return wrong
    state = world.state() if (JOB, "state") in world.table else {}
    unsettled = {"claimed", ""} if state.get("paused") else {"claimed", "", "waiting"}
    if any(world.status(event) in unsettled for event in events):
        wrong.add("stuck")
    if pause and any(map(_failed, world.jobs.values())) and not state.get("paused"):
        wrong.add("not paused")
    return wrong


def _failed(job: dict[str, Any]) -> bool:
    is_ours = bool(job["container"]["environment"])
    return is_ours and job["status"] == "FAILED" and not job.get("statusReason", "").startswith("Replaced")


@pytest.mark.parametrize("death", [0.0001, 0.03])
@pytest.mark.parametrize("manual", [False, True])
@pytest.mark.parametrize(
    ("policy", "pause"), [("forbid", False), ("queue", False), ("queue", True), ("replace", False), ("replace", True)]
)
def test_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, policy: str, pause: bool, manual: bool, death: float
) -> None:
    # GIVEN many lives of a job, with jobs started by hand, deaths, failures
    found: dict[str, list[int]] = {}
    for seed in range(ROUNDS):
        for wrong in live(monkeypatch, seed, policy, death, manual, pause):
            found.setdefault(wrong, []).append(seed)
    # THEN in none of them anything went wrong
    assert not found, {wrong: (len(seeds), seeds[:5]) for wrong, seeds in found.items()}
