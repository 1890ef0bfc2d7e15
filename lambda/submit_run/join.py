"""A job with `after_all`: the end of each upstream job is noted, and the one that completes them starts a run.

Each end has a record under the key that its run would have, so that it counts once however often it is delivered. The
ends that wait are in the job's state, which changes in one transaction with the record of the run that takes them.
Ends count in the order of their times, whatever the order in which they are delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .decision import Step
from .record import JOINED, Record
from .request import Request
from .state import End, State

_LATEST_SECONDS = 3600  # an end may be delivered this long after others: longer than its delivery is tried
_OF_ONE_JOB = 5  # ends that are kept of a job that ends again and again


@dataclass(frozen=True)
class Joined:
    """What the end of an upstream job makes of those that wait.

    Attributes:
        ends: Those that wait after it.
        records: Of ends that do not wait any more.
        own: The record of the end itself, unless a run starts.
        last: The latest of the ends that a run takes; None if none starts.
    """

    ends: tuple[End, ...]
    records: tuple[Record, ...] = ()
    own: Record | None = None
    last: End | None = None

    def waits(self, state: State) -> Step | None:
        """What is to be done if no run starts yet; None if one does."""
        if self.own is None:
            return None
        return Step(self.own.status, self.own.reason, replace(state, joined=self.ends), (self.own, *self.records))

    def run(self, request: Request) -> Request:
        """The run that starts: that of the latest end."""
        return request.of_last(self.last.time, self.last.job_id) if self.last else request

    def start(self, step: Step, state: State) -> Step:
        """What was decided of the run, with the ends that it takes."""
        after = replace(step.state or state, joined=self.ends)
        if self.last:
            after = replace(after, joined_at=self.last.time, joined_by=self.last.job_id)
        return replace(step, state=after, records=(*step.records, *self.records))


def join(request: Request, state: State) -> Joined:
    """Puts the end of an upstream job to those that wait.

    Args:
        request: What the end asks for; it has no record yet.
        state: The job's.
    """
    names, own = request.job.after_all, End(request.upstream, request.ended_at, request.upstream_job_id)
    if own.definition not in names:
        return Joined(state.joined, own=_end(request, "dropped", f"after_all does not name {own.definition}"))
    if (own.time, own.job_id) < (state.joined_at, state.joined_by):  # in which order ends count
        reason = f"it ended before all had ended last, at {state.joined_at}"
        return Joined(state.joined, own=_end(request, "dropped", reason))
    in_order = sorted([*state.joined, own], key=lambda each: (each.time, each.job_id))
    known = [each for each in in_order if each.definition in names]
    gone = {
        each: ("dropped", f"after_all does not name {each.definition} any more") for each in set(in_order) - {*known}
    }
    taken = _first_of_each(known, own, request)
    if taken is not None:
        last = max(taken.values(), key=known.index)
        run = request.of_last(last.time, last.job_id)
        used, left = known[: known.index(last) + 1], known[known.index(last) + 1 :]
        for each in used:
            chosen = taken[each.definition]
            again = f"job {chosen.job_id}, of the same name, ended after it"
            gone[each] = (JOINED, f"in the run {run.run_id}" if each == chosen else again)
        gone.pop(own)
        return Joined(tuple(left), _noted(request, gone), last=last)
    kept = _kept(known, request, gone)
    missing = [name for name in names if name not in {each.definition for each in kept}]
    waits = f"waits for {', '.join(missing)}" if missing else "waits: no end of each is within_seconds of it"
    mine = _end(request, *gone.pop(own, (JOINED, waits)))
    return Joined(tuple(kept), _noted(request, gone), own=mine)


def drop_ends(step: Step, state: State, request: Request) -> Step:
    """What was decided of a run of a job that has no `after_all` any more: what waits for it waits in vain."""
    gone = dict.fromkeys(state.joined, ("dropped", "the job has no after_all any more"))
    after = replace(step.state or state, joined=(), joined_at="", joined_by="")
    return replace(step, state=after, records=(*step.records, *_noted(request, gone)))


def _first_of_each(known: list[End], own: End, request: Request) -> dict[str, End] | None:
    """The first set of ends, one of each job and each its latest, that is complete; an end before `own` has none."""
    latest: dict[str, End] = {}
    within, own_at = request.job.within_seconds, known.index(own)
    for at, each in enumerate(known):
        latest[each.definition] = each
        if at < own_at or len(latest) < len(request.job.after_all):
            continue
        first = min(end.time for end in latest.values())
        if within is None or _seconds(first, each.time) <= within:
            return latest
    return None


def _kept(known: list[End], request: Request, gone: dict[End, tuple[str, str]]) -> list[End]:
    """The ends that an end to come may complete; what is dropped is added to `gone`."""
    within, kept = request.job.within_seconds, list(known)
    for each in known:
        if within is not None and _seconds(each.time, known[-1].time) > within + _LATEST_SECONDS:
            gone[each] = ("dropped", f"no other ended within {within} seconds of it: within_seconds")
            kept.remove(each)
    for name in request.job.after_all:
        of_name = [each for each in kept if each.definition == name]
        for each in of_name[1 : 1 + max(0, len(of_name) - _OF_ONE_JOB)]:  # the first may be all that a late end lacks
            gone[each] = (JOINED, f"job {of_name[-1].job_id}, of the same name, ended after it")
            kept.remove(each)
    return kept


def _noted(request: Request, gone: dict[End, tuple[str, str]]) -> tuple[Record, ...]:
    return tuple(_end(request.of_end(each.time, each.job_id), *why) for each, why in gone.items())


def _end(request: Request, status: str, reason: str) -> Record:
    return Record(request, status, reason, is_run=False)


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
