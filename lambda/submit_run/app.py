"""One invocation: a trigger that asks for a run, the end of a job, or somebody who resumes a paused job.

Calls to AWS: a run under `forbid` takes five (BatchGetItem, ListJobs, TransactWriteItems, SubmitJob,
TransactWriteItems), one that is skipped three, a trigger that is delivered again one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from batchtab.main_container import is_node

from . import jobs, metrics
from .decision import REPLACED, Step, UnsettledError, claim, decide, is_paused, start_next
from .record import NOT_RUN, REFUSED, Record
from .request import MalformedError, Request, iso
from .settings import Settings
from .state import Active, Paused, State
from .table import ConflictError, Table, pause_before_reading_again

Answer = dict[str, Any]
T = TypeVar("T")
_TRIES = 8
_AT_ONCE = 40
# So long after SubmitJob may Batch not yet know a job.
_UNKNOWN_SECONDS = 60


class App:
    """What one invocation of the function does, with the clock of the machine."""

    def __init__(self, settings: Settings, ends_at: float) -> None:
        """Makes it.

        Args:
            settings: Where runs are kept.
            ends_at: Until when (epoch seconds) it may wait for its turn with AWS.
        """
        self._namespace = settings.namespace
        self._ends_at = ends_at
        self._table = Table(settings, ends_at)

    def handle(self, event: Mapping[str, Any]) -> Answer:
        """Does what an event asks for.

        Raises:
            MalformedError: it asks for nothing that can be understood.
            Exception: AWS did not answer or refused; the event may be delivered again.
        """
        if "trigger" in event:
            request = Request.of(event)
            return self._until_settled(lambda: self._trigger(request))
        if event.get("source") == "aws.batch":
            detail = event.get("detail")
            if not isinstance(detail, Mapping) or not detail.get("jobName") or not detail.get("jobId"):
                raise MalformedError("detail: has no jobName and jobId")
            return self._until_settled(lambda: self._ended(detail))
        if isinstance(event.get("resume"), Mapping) and event["resume"].get("job"):
            name = str(event["resume"]["job"])
            return self._until_settled(lambda: self._resumed(name))
        raise MalformedError("is no trigger, no end of a job and no resume")

    def _until_settled(self, act: Callable[[], T]) -> T:
        for attempt in range(_TRIES):
            try:
                return act()
            except ConflictError:
                pause_before_reading_again(attempt)
        raise TimeoutError(f"others wrote {_TRIES} times in between")

    # --- a trigger

    def _trigger(self, request: Request) -> Answer:
        state, record = self._table.read(request)
        now = time.time()
        if record is not None:
            if record.status == "claimed" and record.lease_until <= now:
                return self._finish(request, record, state, now)
            if _is_done(record, request):
                outcome = "busy" if request.is_backfill and record.status == "claimed" else "duplicate"
                return _answer(outcome, request, record.job_id, f"{record.status} already")
        manual: list[str] = []
        if request.job.policy != "allow":
            state, manual = self._settled(state, request.job.queue, request.job.name, now)
        step = decide(request, record, state, manual, now)
        return self._carry_out(step, request.job.name, request)

    def _settled(self, state: State, queue: str, name: str, now: float, ended: str = "") -> tuple[State, list[str]]:
        """The state with its active run only if that has not ended, and other jobs of the name that have not."""
        unfinished = jobs.unfinished(queue, name, self._ends_at)
        for job_id in (ended, *state.ended):
            unfinished.pop(job_id, None)
        active = state.active
        if active is None:
            return state, list(unfinished)
        if not active.job_id:
            if active.lease_until <= now:
                self._finish(active.request, None, state, now)
                raise ConflictError  # the state is another now
            return state, []
        if active.job_id in unfinished:
            del unfinished[active.job_id]
            return state, list(unfinished)
        if active.job_id in (ended, *state.ended):
            return state.with_active(None), list(unfinished)
        job = jobs.describe(active.job_id, self._ends_at)
        if job and not jobs.has_ended(job):
            return state, list(unfinished)
        if not job and now - active.since < _UNKNOWN_SECONDS:
            return state, list(unfinished)
        if _pauses(job, active, jobs.run_id_of(job)):  # the event of its end is still on its way
            self._table.commit(name, _paused(state.with_active(None), active.job_id, job), [])
            raise ConflictError  # the state is another now
        return state.with_active(None), list(unfinished)

    def _finish(self, request: Request, record: Record | None, state: State, now: float) -> Answer:
        """Goes on where an invocation died between its claim and the note of the job's id."""
        is_active = state.active is not None and state.active.request.item == request.item
        # Whose record is claimed, but who has not the place, was submitted, and has ended meanwhile.
        revision = record.revision if record else 0
        step = claim(Record(request, "", revision=revision), state if is_active else None, now)
        committed = self._table.commit(request.job.name, step.state, step.records, checked=request if record else None)
        if found := jobs.find(request, self._ends_at):
            self._note_submitted(request, found, committed if is_active else None)
            return _answer("submitted", request, found, "found in Batch")
        if not is_active and request.job.policy != "allow":
            # Only the end of its job takes a place without a job's id away, so there was one.
            reason = "its job has ended, and Batch lists it no more"
            self._table.commit(request.job.name, None, [Record(request, "submitted", reason, revision=revision + 1)])
            return _answer("submitted", request, reason=reason)
        # Its own event comes again if Batch refuses it now; where another one's goes on with it, it waits for that.
        was_waiting = record is None and request.job.policy in ("queue", "replace")
        return self._submit(request, committed if is_active else None, was_waiting=was_waiting)

    def _carry_out(self, step: Step, job_name: str, request: Request | None = None) -> Answer:
        committed: State | None = None
        if step.state is not None or step.records:
            # What did not run is final whatever follows; a transaction takes only so many writes.
            records = list(step.records)
            others = [record for record in records if record.status in NOT_RUN and record.request != request]
            for start in range(0, max(0, len(others) - _AT_ONCE), _AT_ONCE):
                portion = others[start : start + _AT_ONCE]
                self._table.commit(job_name, None, portion)
                records = [record for record in records if record not in portion]
            committed = self._table.commit(job_name, step.state, records, checked=request)
            for record in step.records:
                metrics.count(self._namespace, record)
        for job_id in step.ends:
            jobs.terminate(job_id, f"{REPLACED}{request.time if request else ''}", self._ends_at)
        if step.asks_again:
            raise UnsettledError("it waits for a run that is being submitted")
        if step.submit is None:
            return _answer(step.outcome, request, reason=step.reason)
        answer = self._submit(step.submit, committed if step.state is not None else None, was_waiting=step.was_waiting)
        is_own = request is not None and step.submit.item == request.item
        return answer if is_own or request is None else _answer(step.outcome, request, reason=step.reason)

    def _submit(self, request: Request, state: State | None, *, was_waiting: bool) -> Answer:
        try:
            job_id = jobs.submit(request, self._ends_at)
        except jobs.RefusedError as error:
            reason = str(error)
            self._until_settled(lambda: self._release(request, reason, was_waiting=was_waiting))
            raise
        self._note_submitted(request, job_id, state)
        return _answer("submitted", request, job_id)

    def _note_submitted(self, request: Request, job_id: str, state: State | None) -> None:
        record = Record(request, "submitted", job_id=job_id, revision=1)

        def note(state: State | None) -> None:
            noted = _with_job(state, request, job_id) if state is not None else None
            self._table.commit(request.job.name, noted, [record])

        def note_anew() -> None:
            found = self._table.read_state(request.job.name)
            is_active = found.active is not None and found.active.request.item == request.item
            note(found if is_active else None)  # else it has ended already

        try:
            note(state)
        except ConflictError:
            self._until_settled(note_anew)
        metrics.count(self._namespace, record)

    def _release(self, request: Request, reason: str, *, was_waiting: bool) -> None:
        """Gives the place back that a run got and can't use."""
        state = self._table.read_state(request.job.name)
        record = Record(request, "waiting" if was_waiting else REFUSED, reason, revision=1)
        released: State | None = None
        if state.active is not None and state.active.request.item == request.item:
            waiting = (request.event, *state.waiting) if was_waiting else state.waiting
            released = replace(state, active=None, waiting=waiting)
        self._table.commit(request.job.name, released, [record])

    # --- the end of a job

    def _ended(self, detail: Mapping[str, Any]) -> Answer:
        name, job_id = str(detail["jobName"]), str(detail["jobId"])
        is_part = is_node(job_id) or "index" in (detail.get("arrayProperties") or {})
        if is_part or not jobs.has_ended(detail):
            return _ignored(job_id, "no job has ended as a whole")
        state = self._table.read_state(name)
        after = state
        if job_id not in state.ended:  # a run that is just about to wait for this job must see that the state changed
            after = replace(after, ended=(*state.ended, job_id))
        active = state.active
        run_id = jobs.run_id_of(detail)
        if active is not None and (active.job_id == job_id or (not active.job_id and active.request.run_id == run_id)):
            after = after.with_active(None)
        else:
            active = None  # not the run that ended
        submitted: tuple[Record, ...] = ()
        if active is not None and not active.job_id:  # whoever submitted it has not noted it yet, and may be dead
            submitted = (Record(active.request, "submitted", job_id=job_id, revision=1),)
        if _pauses(detail, active, run_id) and state.failed_job_id != job_id:
            after = _paused(after, job_id, detail)
        return self._go_on(name, state, after, submitted, ended=job_id)

    def _resumed(self, name: str) -> Answer:
        state = self._table.read_state(name)
        return self._go_on(name, state, replace(state, paused=None))

    def _go_on(
        self, name: str, state: State, after: State, records: tuple[Record, ...] = (), *, ended: str = ""
    ) -> Answer:
        """Lets the next run start that waits, if it may; one that was claimed and not submitted goes on as well."""
        step = Step("ended" if ended else "resumed", state=after, records=records)
        waits = after.waiting[0] if after.waiting and not is_paused(after) else None
        begun = after.active.event if after.active is not None and not after.active.job_id else None
        if (event := begun or waits) is not None:
            now = time.time()
            settled, manual = self._settled(after, Request.of(event).job.queue, name, now, ended)
            pumped = start_next(settled, manual, now)
            step = replace(pumped, outcome=step.outcome, records=(*records, *pumped.records))
        if step.state == state and not step.records:
            return _ignored(ended, "nothing waits for it")
        answer = self._carry_out(step, name)
        return {**answer, "outcome": step.outcome}


def _is_done(record: Record, request: Request) -> bool:
    """Whether nothing is left to do for a run that is asked for again."""
    if record.status in NOT_RUN:
        return not request.is_backfill
    if record.status == "waiting":
        return request.is_backfill
    return record.status in ("submitted", "claimed")


def _with_job(state: State, request: Request, job_id: str) -> State:
    since = state.active.since if state.active else 0.0
    return state.with_active(Active(request.event, job_id, since=since))


def _pauses(detail: Mapping[str, Any], active: Active | None, run_id: str) -> bool:
    """Whether the end of a job pauses it: a run of ours failed that says so, and was not ended for another."""
    if detail.get("status") != "FAILED" or not run_id or str(detail.get("statusReason") or "").startswith(REPLACED):
        return False
    if active is not None:
        return active.request.job.pause_on_failure
    # Of jobs with these policies only the ends of those are told that pause.
    return jobs.variable_of(detail, jobs.RUN_POLICY) in ("allow", "forbid")


def _paused(state: State, job_id: str, job: Mapping[str, Any]) -> State:
    reason = f"job {job_id} failed: {job.get('statusReason') or 'no reason given'}"
    return replace(
        state, paused=Paused(iso(datetime.fromtimestamp(time.time(), UTC)), job_id, reason), failed_job_id=job_id
    )


def _ignored(job_id: str, reason: str) -> Answer:
    return {"outcome": "ignored", "run_id": "", "job_id": job_id, "reason": reason}


def _answer(outcome: str, request: Request | None, job_id: str = "", reason: str = "") -> Answer:
    return {"outcome": outcome, "run_id": request.run_id if request else "", "job_id": job_id, "reason": reason}
