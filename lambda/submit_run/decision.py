"""Whether a run starts: from its job's state and what Batch says, without asking anybody.

All policies are one idea. A job has one place. `forbid` skips a run if the place is taken; `queue` lets it wait;
`replace` lets it wait in place of all that wait, and ends the job that has the place. When the place is free, the
first that waits gets it. `allow` knows no place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .exclusions import excluded_by
from .record import Record
from .request import Request
from .state import Active, State

#: How long a claim is valid without a job: longer than the function may run, so that whose lease is over is dead.
LEASE_SECONDS = 45
#: The alerts know by it that the job did not fail.
REPLACED = "Replaced by the run of "


class UnsettledError(Exception):
    """A run can't be settled before another one that is being submitted, or can't be: try again later."""


@dataclass(frozen=True)
class Step:
    """What is to be done.

    Attributes:
        outcome: For the caller: submitted, waiting, skipped, late, dropped, busy or ignored.
        reason: Why, if it is not submitted.
        state: To write; None leaves it.
        records: To write.
        submit: The run to submit then.
        was_waiting: Whether that run had been waiting.
        ends: Jobs to end then.
        asks_again: Whether to fail then, so that the trigger comes again: the run waits for one that is just being
            submitted, and whose claimant may be dead.
    """

    outcome: str
    reason: str = ""
    state: State | None = None
    records: tuple[Record, ...] = ()
    submit: Request | None = None
    was_waiting: bool = False
    ends: tuple[str, ...] = ()
    asks_again: bool = False


def decide(request: Request, record: Record | None, state: State, manual: Sequence[str], now: float) -> Step:
    """Decides about a run that its trigger asks for.

    Args:
        request: The run.
        record: What is recorded of it: None, a status that may be tried again, or waiting.
        state: With the active run only if Batch says that it has not ended.
        manual: Other jobs of this name that have not ended.
        now: Epoch seconds.

    Raises:
        UnsettledError: try again later.
    """
    own = Record(request, "", revision=record.revision if record else 0)
    if record is not None and record.status == "waiting":
        return _still_waiting(own, state, manual, now)
    if not request.is_backfill and (why := _not_now(request, state, now)):
        status, reason = why
        return _pass_by(replace(own, status=status, reason=reason), state, manual, now)
    if request.job.policy == "allow":
        return _without_waiting(claim(own, None, now), state)
    taken = _taken(state, manual)
    if request.is_backfill:
        if taken or (state.waiting and not is_paused(state)):
            return Step("busy", taken or f"{len(state.waiting)} runs wait")
        return claim(own, state, now)
    if request.job.policy == "forbid":
        if taken:
            return _without_waiting(
                Step("skipped", taken, records=(replace(own, status="skipped", reason=taken),)), state
            )
        return _without_waiting(claim(own, state, now), state)
    if request.job.policy == "replace":
        return _replace(own, state, manual, taken, now)
    return _queue(own, state, manual, taken, now)


def is_paused(state: State) -> bool:
    """Whether what waits has to wait until somebody resumes the job."""
    return state.paused is not None and bool(state.waiting) and Request.of(state.waiting[0]).job.pause_on_failure


def start_next(state: State, manual: Sequence[str], now: float) -> Step:
    """The first run that waits gets the place, if it is free; what waited beyond its deadline is late."""
    late: list[Record] = []
    while state.waiting and state.active is None and not manual and not is_paused(state):
        request = Request.of(state.waiting[0])
        state = replace(state, waiting=state.waiting[1:])
        if reason := _late(request, now):
            late.append(Record(request, "late", reason))
            continue
        step = claim(Record(request, ""), state, now)
        return replace(step, records=(*late, *step.records), was_waiting=True)
    return Step("ignored", state=state, records=tuple(late))


def claim(own: Record, state: State | None, now: float) -> Step:
    """A run gets the place of a state, or is claimed without one, for as long as a lease."""
    lease, since = now + LEASE_SECONDS, own.since or now
    record = replace(own, status="claimed", lease_until=lease, since=since)
    if state is not None:
        state = state.with_active(Active(own.request.event, lease_until=lease, since=since))
    return Step("submitted", state=state, records=(record,), submit=own.request)


def wait_again(request: Request, state: State, reason: str) -> tuple[State, Record]:
    """A run that had the place, and could not use it, waits in front of all; under `replace` not before a later one."""
    if request.job.policy == "replace" and state.waiting:
        later = f"the run of {_time(state.waiting[-1])}, a later one, came before it"
        return state, Record(request, "dropped", later)
    return replace(state, waiting=(request.event, *state.waiting)), Record(request, "waiting", reason)


def give_way(request: Request, state: State, manual: Sequence[str]) -> Step:
    """A run that has the place, and has not been submitted, finds that somebody started the job meanwhile."""
    state = state.with_active(None)
    reason = _taken(state, manual)
    if request.is_backfill or request.job.policy == "forbid":
        return Step("skipped", reason, state, (Record(request, "skipped", reason),))
    state, record = wait_again(request, state, reason)
    ends = tuple(manual) if request.job.policy == "replace" else ()
    return Step(record.status, record.reason, state, (record,), ends=ends)


def _without_waiting(step: Step, state: State) -> Step:
    """Drops runs that have waited since another policy applied, under which they would have come next."""
    if not state.waiting:
        return step
    reason = "the job's concurrency_policy was changed while it waited"
    dropped = [Record(Request.of(each), "dropped", reason) for each in state.waiting]
    return replace(step, state=replace(step.state or state, waiting=()), records=(*step.records, *dropped))


def _not_now(request: Request, state: State, now: float) -> tuple[str, str] | None:
    if reason := _late(request, now):
        return "late", reason
    if entry := excluded_by(request):
        return "skipped", f"excluded: {entry}"
    if state.paused is not None and request.job.pause_on_failure:  # it may say so no more
        return "skipped", state.paused.words
    return None


def _pass_by(own: Record, state: State, manual: Sequence[str], now: float) -> Step:
    """A run does not start at this time, but the first of those that wait goes on if the place is free."""
    step = Step(own.status, own.reason, records=(own,))
    if own.request.job.policy not in ("queue", "replace"):
        return _without_waiting(step, state)
    pumped = start_next(state, manual, now)
    if not pumped.records:
        return step
    return replace(pumped, outcome=own.status, reason=own.reason, records=(own, *pumped.records))


def _late(request: Request, now: float) -> str:
    deadline = request.job.starting_deadline_seconds
    late = int(now - request.scheduled_time.timestamp())
    if deadline is None or late <= deadline or request.is_backfill:
        return ""
    return f"{late} seconds after its time: starting_deadline_seconds is {deadline}"


def _taken(state: State, manual: Sequence[str]) -> str:
    """Who has the place; empty if it is free."""
    if state.active is not None:
        job = f", job {state.active.job_id}," if state.active.job_id else ""
        return f"the run of {state.active.request.time}{job} has not ended"
    return f"job {manual[0]}, which no schedule started, has not ended" if manual else ""


def _queue(own: Record, state: State, manual: Sequence[str], taken: str, now: float) -> Step:
    request = own.request
    if not taken and not state.waiting:
        return claim(own, state, now)
    # All as the job is declared now: the queue that one was to be submitted to may be another by now.
    before = [{**each, "job": request.event["job"]} for each in state.waiting]
    late = [Record(one, "late", reason) for one in map(Request.of, before) if (reason := _late(one, now))]
    in_time = [each for each in before if not _late(Request.of(each), now)]
    waiting = tuple(sorted([*in_time, request.event], key=_time))
    step = _enter(own, replace(state, waiting=waiting), manual, taken or "others wait before it", now)
    step = replace(step, records=(*late, *step.records))
    limit = request.job.queue_limit
    if step.outcome != "waiting" or step.state is None or len(step.state.waiting) <= limit:
        return step
    # It is dropped, but a free place lets the first go on all the same.
    reason = f"{limit} runs wait already: queue_limit"
    others = tuple(each for each in step.records if not _is(each, own))
    left = replace(step.state, waiting=tuple(each for each in step.state.waiting if each != request.event))
    dropped = replace(own, status="dropped", reason=reason)
    return replace(
        step,
        outcome="dropped",
        reason=reason,
        state=left if others else None,
        records=(*others, dropped),
        asks_again=False,
    )


def _replace(own: Record, state: State, manual: Sequence[str], taken: str, now: float) -> Step:
    request = own.request
    if not taken and not state.waiting:
        return claim(own, state, now)
    before = [*state.waiting, *([state.active.event] if state.active else [])]
    if later := next((each for each in before if _time(each) > request.time), None):
        reason = f"the run of {_time(later)}, a later one, came before it"
        return _pass_by(replace(own, status="dropped", reason=reason), state, manual, now)
    dropped = [Record(Request.of(each), "dropped", f"{REPLACED}{request.time}") for each in state.waiting]
    step = _enter(own, replace(state, waiting=(request.event,)), manual, taken, now)
    return replace(step, records=(*dropped, *step.records), ends=_to_end(state, manual))


def _enter(own: Record, state: State, manual: Sequence[str], reason: str, now: float) -> Step:
    """A run joins those that wait, and the first of them goes on if the place is free."""
    waits = replace(own, status="waiting", reason=reason)
    step = start_next(state, manual, now)
    mine = next((each for each in step.records if _is(each, own)), None)
    if mine is None:
        records = (*step.records, waits)
        return replace(step, outcome="waiting", reason=reason, records=records, asks_again=_is_begun(state))
    others = tuple(each for each in step.records if each is not mine)  # its own turn already
    outcome = "late" if mine.status == "late" else "submitted"
    return replace(step, outcome=outcome, records=(*others, replace(mine, revision=own.revision)), was_waiting=False)


def _still_waiting(own: Record, state: State, manual: Sequence[str], now: float) -> Step:
    """A run that waits is asked for again, perhaps because the function died before it had done all."""
    step = start_next(state, manual, now)
    if not step.records:
        step = replace(step, state=None)
    if own.request.job.policy == "replace" and (state.active is not None or manual):
        # The state is written though it stays as it is: where it is another by now, those jobs may be later runs.
        step = replace(step, state=step.state or state, ends=_to_end(state, manual))
    records = tuple(replace(each, revision=own.revision) if _is(each, own) else each for each in step.records)
    again = _is_begun(state)
    return replace(step, outcome="waiting", reason="it waits already", records=records, asks_again=again)


def _to_end(state: State, manual: Sequence[str]) -> tuple[str, ...]:
    if _is_begun(state):
        raise UnsettledError("the run before it is being submitted")
    return tuple(dict.fromkeys([*([state.active.job_id] if state.active else []), *manual]))


def _is_begun(state: State) -> bool:
    """Whether the place is claimed, and no job known that has it."""
    return state.active is not None and not state.active.job_id


def _is(one: Record, other: Record) -> bool:
    return one.request.item == other.request.item


def _time(event: Mapping[str, Any]) -> str:
    return Request.of(event).time
