"""Signals at random moments: the exit code is always right, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from tests.examples import examples
from tests.unit.runner.harness import environment, lines, marked, start

RUNS = examples(200)
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Case:
    """A command, and what its exit code may be beside 128 and the number of a signal that was sent."""

    name: str
    command: tuple[str, ...]
    codes: frozenset[int]
    grace_seconds: float = 0.2


# A shell that is just waiting for a child which ends well takes no notice of SIGINT, and is killed for it: 137.
CASES = (
    Case("plain", ("sleep", "30"), frozenset()),
    Case("handler", ("sh", "-c", "trap 'exit 9' TERM INT HUP; while :; do sleep 0.01; done"), frozenset({9}), 10),
    Case("deaf", ("sh", "-c", "trap '' TERM INT HUP; sleep 30 & sleep 30"), frozenset({137})),
    Case("daemon", ("sh", "-c", "setsid sleep 30 & (sleep 30 &) ; sleep 30"), frozenset({137})),
    Case("deaf daemon", ("sh", "-c", "(trap '' TERM INT HUP; setsid sleep 30 &) ; exit 4"), frozenset({4, 137})),
    Case("quick", ("sh", "-c", "exit 5"), frozenset({5})),
    Case("many", ("sh", "-c", "for i in 1 2 3 4 5 6; do (sleep 30 &) ; done; sh -c 'sleep 30; :'"), frozenset({137})),
)


def _one(number: int) -> str | None:
    """One run; what was wrong with it."""
    draw = random.Random(f"{SEED}-{number}")  # noqa: S311 no secret
    case = CASES[number % len(CASES)]
    marker = f"fuzz-{SEED}-{number}-{os.getpid()}"
    process = start(f"--grace-seconds={case.grace_seconds}", "--", *case.command, env=environment(MARKER=marker))
    sent = []
    for _ in range(draw.choice((1, 1, 2, 3))):
        time.sleep(draw.uniform(0, 0.25))
        if process.poll() is None:
            sent.append(draw.choice(STOP))
            process.send_signal(sent[-1])
    _, stderr = process.communicate(timeout=120)
    left = marked(marker)
    deadline = time.monotonic() + 1 if process.returncode < 0 else 0.0  # the kernel takes the command a moment later
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = marked(marker)
    told = lines(stderr)
    codes = case.codes | {128 + number for number in sent}
    wrong = []
    if left:
        wrong.append(f"left behind: {left}")
    if not told:  # it came while Python itself was starting, which dies of it or gives up with 1: nothing was started
        codes = codes | {-number for number in sent} | {1}
    elif [line["batchtab"] for line in told] != ["start", "end"] or told[-1]["exit_code"] != process.returncode:
        wrong.append(f"lines: {told}")
    elif process.returncode == 137 and "killed" not in told[-1].get("reason", ""):
        wrong.append(f"137 without a reason: {told[-1]}")
    if process.returncode not in codes:
        wrong.append(f"exit code {process.returncode}, not one of {sorted(codes)}")
    return f"run {number} ({case.name}, {sent}): {'; '.join(wrong)}; {stderr!r}" if wrong else None


@pytest.mark.slow
def test_signals_at_random_moments_leave_no_orphan_and_a_right_exit_code() -> None:
    # GIVEN a seed, to be seen if this fails
    print(f"FUZZ_SEED={SEED}")
    # WHEN many runs get signals at random moments
    with ThreadPoolExecutor(4) as pool:
        problems = [problem for problem in pool.map(_one, range(RUNS)) if problem]
    # THEN all end as they should, and leave nothing
    assert problems == [], f"FUZZ_SEED={SEED}"
