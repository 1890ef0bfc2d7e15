"""Waits until a waiting run has started, or will not be run."""

from __future__ import annotations

from collections.abc import Callable

from batchtab.aws.runs import Runs
from batchtab.run_record import Record

_PENDING = frozenset({"claimed", "waiting"})
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, _GROWTH = 2.0, 15.0, 1.3


def settled(
    runs: Runs,
    job: str,
    scheduled_time: str,
    run_id: str,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Record:
    """A run's record as soon as it does not wait any more: one Query call each two to fifteen seconds.

    Args:
        runs: The table.
        job: As `<service>-<job>`.
        scheduled_time: The run's, as a record has it.
        run_id: The run's.
        say: Called with the reason for which it waits, once for each.
        sleep: Waits for a number of seconds.

    Raises:
        LookupError: there is no such record.
    """
    pause, said = _FIRST_PAUSE_SECONDS, ""
    while True:
        records = runs.records(job, since=scheduled_time, until=scheduled_time)
        record = next((each for each in records if not run_id or each.run_id == run_id), None)
        if record is None:
            raise LookupError(run_id or f"{job}@{scheduled_time}")
        if record.status not in _PENDING:
            return record
        if record.reason and record.reason != said:
            said = record.reason
            say(f"waits for its turn: {said}")
        sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)
