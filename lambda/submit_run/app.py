"""One invocation: a trigger or a retry that asks for a run, the end of a job, or somebody who resumes a paused job.

Calls to AWS: a run under `forbid` takes five (BatchGetItem, ListJobs, TransactWriteItems, SubmitJob,
TransactWriteItems), one that is skipped three, a trigger that is delivered again one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

from batchtab.main_container import is_node

from . import jobs
from .decision import REPLACED, Step, UnsettledError, decide, is_paused, start_next
from .join import Joined, drop_ends, join
from .record import JOINED, NOT_RUN, Record
from .request import MalformedError, Request, iso
from .settings import Settings
from .state import Active, Paused, State
from .submission import Answer, Submission, answer, has_place
from .table import ConflictError, Table, until_settled

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
        self._ends_at = ends_at
        self._table = Table(settings, ends_at)
        self._submission = Submission(self._table, settings.namespace, ends_at)

    def handle(self, event: Mapping[str, Any]) -> Answer:
        """Does what an event asks for.

        Raises:
            MalformedError: it asks for nothing that can be understood.
            Exception: AWS did not answer or refused; the event may be delivered again.
        """
        retry = event.get("retry")
        if "trigger" in event or isinstance(retry, Mapping):
            request = Request.of_retry(retry) if isinstance(retry, Mapping) else Request.of(event)
            try:
                return until_settled(lambda: self._trigger(request))
            except jobs.RefusedError as error:
                if error.run_id == request.run_id:
                    raise
                raise UnsettledError(f"the run {error.run_id} comes first: {error}") from error
        if event.get("source") == "aws.batch":
            detail = event.get("detail")
            if not isinstance(detail, Mapping) or not detail.get("jobName") or not detail.get("jobId"):
                raise MalformedError("detail: has no jobName and jobId")
            return until_settled(lambda: self._ended(detail))
        if isinstance(event.get("resume"), Mapping) and event["resume"].get("job"):
            name = str(event["resume"]["job"])
            return until_settled(lambda: self._resumed(name))
        raise MalformedError("is no trigger, no end of a job and no resume")

    # --- a trigger

    def _trigger(self, request: Request) -> Answer:
        state, record = self._table.read(request)
        if record is not None:
            request = record.request
        now = time.time()
        if record is not None and record.status == "claimed":
            if record.lease_until > now:
                if request.is_backfill:
                    return answer("busy", request, record.job_id, "claimed already")
                raise UnsettledError("it is being submitted")  # its next delivery sees the result
            if request.job.policy == "allow" or has_place(state, request):
                return self._submission.finish(request, record, state, now)
            if found := self._submission.found(record):  # it was claimed under `allow`, without a place
                self._submission.note_submitted(request, found, None)
                return answer("submitted", request, found, "found in Batch")
        elif record is not None and _is_done(record, request):
            # Perhaps its delivery before this one let the first that waits go on, and died.
            if not request.is_backfill and _is_stuck(state, now):
                self._go_on(request.job.name, state, state)
            return answer("duplicate", request, record.job_id, f"{record.status} already")
        # An end that has a record is that of a run already, which is tried again.
        is_end = bool(request.job.after_all and request.upstream_job_id)
        joined = join(request, state) if is_end and record is None else None
        if joined is None:
            return self._decided(request, record, state, now)
        if (step := joined.waits(state)) is not None:
            return self._carry_out(step, request.job.name, state, request)
        return self._decided(joined.run(request), record, state, now, joined)

    def _decided(
        self, request: Request, record: Record | None, state: State, now: float, joined: Joined | None = None
    ) -> Answer:
        manual: list[str] = []
        waits = record is not None and record.status == "waiting"  # since another policy applied, if it is `allow` now
        if request.job.policy != "allow" or waits:
            state, manual = self._settled(state, request.job.queue, request.job.name, now)
        elif state.active is not None and _is_dead(state.active, now):
            self._take_up(state.active, state, now)
        step = decide(request, record, state, manual, now)
        if joined is not None:
            step = joined.start(step, state)
        elif state.joined and not request.job.after_all and not (request.is_backfill or request.is_manual):
            step = drop_ends(step, state, request)
        return self._carry_out(step, request.job.name, state, request)

    def _settled(self, state: State, queue: str, name: str, now: float, ended: str = "") -> tuple[State, list[str]]:
        """The state with its active run only if that has not ended, and other jobs of the name that have not."""
        unfinished = self._submission.unfinished(state, queue, name, ended)
        active = state.active
        if active is None:
            return state, list(unfinished)
        if not active.job_id:
            if _is_dead(active, now):
                self._take_up(active, state, now)
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

    def _take_up(self, active: Active, state: State, now: float) -> NoReturn:
        self._submission.finish(active.request, None, state, now)
        raise ConflictError  # the state is another now

    def _carry_out(self, step: Step, job_name: str, state: State, request: Request | None = None) -> Answer:
        committed: State | None = None
        if step.state is not None or step.records:
            step = self._remove(step, job_name, state, request)
            committed = self._table.commit(job_name, step.state, step.records, checked=request)
            self._submission.count(step.records)
        if request is not None:
            self._submission.end(step.ends, request.time)
        if step.asks_again:
            raise UnsettledError("it waits for a run that is being submitted")
        if step.submit is None:
            return answer(step.outcome, request, reason=step.reason)
        takes_place = committed is not None and has_place(committed, step.submit)
        submitted = self._submission.submit(
            step.submit, committed if takes_place else None, was_waiting=step.was_waiting
        )
        is_own = request is not None and step.submit.item == request.item
        return submitted if is_own or request is None else answer(step.outcome, request, reason=step.reason)

    def _remove(self, step: Step, job_name: str, state: State, request: Request | None) -> Step:
        """Removes runs that wait no more, a portion at a time: a transaction has a maximum of writes."""
        own = request.item if request else ""
        kept = [each for each in step.records if each.status not in NOT_RUN or each.request.item == own]
        gone = [each for each in step.records if each not in kept]
        while step.state is not None and len(gone) > _AT_ONCE:
            portion, gone = gone[:_AT_ONCE], gone[_AT_ONCE:]
            items = {each.request.item for each in portion}
            waiting = tuple(each for each in state.waiting if Request.of(each).item not in items)
            noted = [each for each in kept if each.status == "submitted"]  # whose place `state` has given away
            state = self._table.commit(job_name, replace(state, waiting=waiting), [*portion, *noted])
            self._submission.count(portion)
            step = replace(step, state=replace(step.state, version=state.version))
        return replace(step, records=(*kept, *gone))

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
            submitted = (Record(active.request, "submitted", job_id=job_id),)
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
        settled = after
        waits = after.waiting[0] if after.waiting and not is_paused(after) else None
        begun = after.active.event if after.active is not None and not after.active.job_id else None
        if (event := begun or waits) is not None:
            now = time.time()
            settled, manual = self._settled(after, Request.of(event).job.queue, name, now, ended)
            pumped = start_next(settled, manual, now)
            step = replace(pumped, outcome=step.outcome, records=(*records, *pumped.records))
        if step.state == state and not step.records:
            return _ignored(ended, "nothing waits for it")
        return {**self._carry_out(step, name, settled), "outcome": step.outcome}


def _is_done(record: Record, request: Request) -> bool:
    """Whether nothing is left to do for a run that is asked for again."""
    if request.retry_of and record.status == "submitted":
        return record.job_id != request.retry_of  # else it was retried before, or never had that job
    if record.status in NOT_RUN:
        return not request.is_backfill
    if record.status == "waiting":
        return request.is_backfill
    return record.status in ("submitted", JOINED)


def _is_dead(active: Active, now: float) -> bool:
    """Whether whoever claimed the place has died before the job was known."""
    return not active.job_id and active.lease_until <= now


def _is_stuck(state: State, now: float) -> bool:
    """Whether a run may go on, and nobody lets it."""
    if state.active is None:
        return bool(state.waiting) and not is_paused(state)
    return _is_dead(state.active, now)


def _pauses(detail: Mapping[str, Any], active: Active | None, run_id: str) -> bool:
    """Whether the end of a job pauses it: a run of ours failed that says so, and was not ended for another."""
    if detail.get("status") != "FAILED" or not run_id or str(detail.get("statusReason") or "").startswith(REPLACED):
        return False
    if active is not None:
        return active.request.job.pause_on_failure
    # Of jobs with these policies only those that pause report their ends.
    return jobs.variable_of(detail, jobs.RUN_POLICY) in ("allow", "forbid")


def _paused(state: State, job_id: str, job: Mapping[str, Any]) -> State:
    reason = f"job {job_id} failed: {job.get('statusReason') or 'no reason given'}"
    return replace(
        state, paused=Paused(iso(datetime.fromtimestamp(time.time(), UTC)), job_id, reason), failed_job_id=job_id
    )


def _ignored(job_id: str, reason: str) -> Answer:
    return {"outcome": "ignored", "run_id": "", "job_id": job_id, "reason": reason}
