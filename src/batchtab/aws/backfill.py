"""Backfills runs: one after the other, or a few at once, each submitted only once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from batchtab.aws.batch_jobs import ENDED, Submitted
from batchtab.aws.runs import Answer, FunctionError

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _GROWTH = 1.0, 15.0, 1.3
_RETRIES_SECONDS = (5.0, 15.0, 45.0)
_UNKNOWN_SECONDS = 120.0  # so long may Batch not yet know a job that it has taken
_REFUSED = "Batch refuses it"  # begins the function's message where trying again is of no use


class ProgressReporter(Protocol):
    """Shows what it does."""

    def began(self, scheduled: datetime, answer: Answer) -> None:
        """A run was submitted."""

    def ended(self, scheduled: datetime, status: str, reason: str) -> None:
        """A run has ended, or will not be run."""

    def waits(self, reason: str) -> None:
        """Nothing can be submitted now."""


@dataclass
class Tally:
    """The results of the runs so far.

    Attributes:
        failed: Times and reasons, in the order in which they failed.
        going: How many are in Batch and have not ended.
    """

    succeeded: int = 0
    failed: list[tuple[datetime, str]] = field(default_factory=list)
    not_run: Counter[str] = field(default_factory=Counter)
    going: int = 0


class BackfillRunner:
    """Submits runs by the submit function and watches them in Batch. What it has begun survives it.

    Args:
        ask: Asks the function for the run of a time.
        described: What Batch says of jobs.
        most: How many may run at once.
        shown: Where it says what it does.
        sleep: Waits for a number of seconds.
        clock: Returns seconds that only grow.
    """

    def __init__(
        self,
        ask: Callable[[datetime], Answer],
        described: Callable[[Sequence[str]], Sequence[Submitted]],
        most: int,
        shown: ProgressReporter,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._ask, self._described, self._most, self._shown = ask, described, most, shown
        self._sleep, self._clock = sleep, clock
        self.tally = Tally()

    def run(self, times: Sequence[datetime]) -> None:
        """Runs all of them, in order.

        Raises:
            LookupError: there is no submit function.
            FunctionError: it failed again and again; the same call later goes on.
        """
        left = deque(times)
        going: dict[str, tuple[datetime, float]] = {}
        wait = _FIRST_WAIT_SECONDS
        while left or going:
            moved = False
            while left and len(going) < self._most:
                answer = self._answer(left[0])
                if answer.outcome == "busy":
                    self._shown.waits(answer.reason)
                    break
                moved = True
                scheduled = left.popleft()
                if answer.outcome == "submitted" and answer.job_id:
                    going[answer.job_id] = (scheduled, self._clock())
                    self.tally.going = len(going)
                    self._shown.began(scheduled, answer)
                else:
                    self.tally.not_run[answer.outcome] += 1
                    self._shown.ended(scheduled, answer.outcome, answer.reason)
            moved |= self._watch(going)
            wait = _FIRST_WAIT_SECONDS if moved else min(wait * _GROWTH, _LONGEST_WAIT_SECONDS)
            if left or going:
                self._sleep(wait)

    def _watch(self, going: dict[str, tuple[datetime, float]]) -> bool:
        """Takes out what has ended; returns whether anything had."""
        known = {job.id: job for job in self._described(list(going))} if going else {}
        before = len(going)
        for job_id, (scheduled, since) in list(going.items()):
            job = known.get(job_id)
            if job is None and self._clock() - since < _UNKNOWN_SECONDS:
                continue
            if job is not None and job.status not in ENDED:
                continue
            del going[job_id]
            status, reason = (job.status, job.reason) if job else ("unknown", "Batch does not know it any more")
            if status == "SUCCEEDED":
                self.tally.succeeded += 1
            else:
                self.tally.failed.append((scheduled, reason))
            self._shown.ended(scheduled, status, reason)
        self.tally.going = len(going)
        return len(going) < before

    def _answer(self, scheduled: datetime) -> Answer:
        for seconds in _RETRIES_SECONDS:
            try:
                return self._ask(scheduled)
            except FunctionError as error:
                if str(error).startswith(_REFUSED):
                    raise
                self._shown.waits(f"the function failed, and is asked again in {seconds:.0f} s: {error}")
                self._sleep(seconds)
        return self._ask(scheduled)
