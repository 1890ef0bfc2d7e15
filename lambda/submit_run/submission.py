"""From a claim to its job: it is submitted and noted, or gives its place back; and what if somebody died at that."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from . import jobs, metrics
from .decision import LEASE_SECONDS, REPLACED, UnsettledError, claim, give_way, wait_again
from .record import REFUSED, Record
from .request import Request
from .state import Active, State
from .table import ConflictError, Table, until_settled

Answer = dict[str, Any]
_REMEMBERED_SECONDS = 6 * 86_400  # Batch remembers a job that has ended for a week
_FORGOTTEN = "whether it started is not known: its submission was interrupted, and Batch forgets jobs after a week"


class Submission:
    """What one invocation does with runs that have been claimed."""

    def __init__(self, table: Table, namespace: str, ends_at: float) -> None:
        self._table = table
        self._namespace = namespace
        self._ends_at = ends_at

    def unfinished(self, state: State, queue: str, name: str, ended: str = "") -> dict[str, str]:
        """Jobs of a name that have not ended; a list may lag behind what events said."""
        found = jobs.unfinished(queue, name, self._ends_at)
        return {job_id: status for job_id, status in found.items() if job_id not in (ended, *state.ended)}

    def found(self, record: Record) -> str:
        """The job of a run whose claim is over."""
        since = record.since or record.lease_until - LEASE_SECONDS
        return jobs.find(record.request, since, record.lease_until, self._ends_at)

    def finish(self, request: Request, record: Record | None, state: State, now: float) -> Answer:
        """Goes on where an invocation died between its claim and the note of the job's id."""
        active = state.active if has_place(state, request) else None
        before = record or Record(request, "claimed")
        if active is not None:
            before = replace(before, lease_until=active.lease_until, since=active.since)
        taken_up = Record(request, "", revision=before.revision, since=before.since)
        step = claim(taken_up, state if active else None, now)
        committed = self._table.commit(request.job.name, step.state, step.records, checked=request if record else None)
        if found := self.found(before):
            self.note_submitted(request, found, committed if active else None)
            return answer("submitted", request, found, "found in Batch")
        is_asked_for = record is not None and request.is_backfill  # now, by a person who knows that it may run again
        if now - (before.since or before.lease_until) > _REMEMBERED_SECONDS and not is_asked_for:
            until_settled(lambda: self._release(request, _FORGOTTEN, was_waiting=False))
            return answer(REFUSED, request, reason=_FORGOTTEN)
        if active is not None and request.job.policy != "allow":
            manual = list(self.unfinished(committed, request.job.queue, request.job.name))
            if manual:
                return until_settled(lambda: self._give_way(request, manual))
        # Its own event comes again if Batch refuses it now; where another one's goes on with it, it waits for that.
        was_waiting = record is None and request.job.policy in ("queue", "replace")
        return self.submit(request, committed if active else None, was_waiting=was_waiting)

    def _give_way(self, request: Request, manual: list[str]) -> Answer:
        """Gives the place to jobs that somebody started since a run got it."""
        state = self._table.read_state(request.job.name)
        if not has_place(state, request):
            raise UnsettledError("somebody else goes on with it")
        step = give_way(request, state, manual)
        self._table.commit(request.job.name, step.state, step.records)
        self.count(step.records)
        self.end(step.ends, request.time)
        return answer("busy" if request.is_backfill else step.outcome, request, reason=step.reason)

    def end(self, job_ids: Iterable[str], time: str) -> None:
        """Ends jobs for the run of a time; a later run's job, which began under another policy, goes on."""
        for job_id in job_ids:
            if jobs.variable_of(jobs.describe(job_id, self._ends_at), jobs.SCHEDULED_TIME) <= time:
                jobs.terminate(job_id, f"{REPLACED}{time}", self._ends_at)

    def submit(self, request: Request, state: State | None, *, was_waiting: bool) -> Answer:
        """Submits a run that was claimed, and notes its job.

        Args:
            request: The run.
            state: Of its job, if the run has the place.
            was_waiting: Whether it waits again if Batch refuses it.

        Raises:
            RefusedError: Batch does not take it.
        """
        try:
            job_id = jobs.submit(request, self._ends_at)
        except jobs.RefusedError as error:
            reason = str(error)
            until_settled(lambda: self._release(request, reason, was_waiting=was_waiting))
            raise jobs.RefusedError(f"it waits on: {reason}" if was_waiting else reason, request.run_id) from error
        self.note_submitted(request, job_id, state)
        return answer("submitted", request, job_id)

    def note_submitted(self, request: Request, job_id: str, state: State | None) -> None:
        """Notes the job of a run; in its place, if it has one."""
        record = Record(request, "submitted", job_id=job_id)

        def note(state: State | None) -> None:
            noted = state.with_active(Active(request.event, job_id, since=time.time())) if state is not None else None
            self._table.commit(request.job.name, noted, [record])

        def note_anew() -> None:
            found = self._table.read_state(request.job.name)
            note(found if has_place(found, request) else None)  # else it has ended already

        try:
            note(state)
        except ConflictError:
            until_settled(note_anew)
        metrics.count(self._namespace, record)

    def _release(self, request: Request, reason: str, *, was_waiting: bool) -> None:
        """Gives the place back that a run got and can't use."""
        state = self._table.read_state(request.job.name)
        released, record = None, Record(request, REFUSED, reason)
        if has_place(state, request):
            released = state.with_active(None)
            if was_waiting:
                released, record = wait_again(request, released, reason)
        self._table.commit(request.job.name, released, [record])

    def count(self, records: Iterable[Record]) -> None:
        """Counts runs by their status."""
        for record in records:
            metrics.count(self._namespace, record)


def has_place(state: State, request: Request) -> bool:
    """Whether a run has the place."""
    return state.active is not None and state.active.request.item == request.item


def answer(outcome: str, request: Request | None, job_id: str = "", reason: str = "") -> Answer:
    """What an invocation answers."""
    return {"outcome": outcome, "run_id": request.run_id if request else "", "job_id": job_id, "reason": reason}
