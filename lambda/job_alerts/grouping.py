"""Decides which of many failures are sent, and together with what: no calls, only lists in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import words
from .job_event import JobEvent
from .message import Repeats, Route
from .table import JobState


class Group(NamedTuple):
    """A job that failed, earlier runs of the same job in the same moment, and what failed because of it."""

    job: JobEvent
    same: tuple[JobEvent, ...] = ()
    dependents: tuple[JobEvent, ...] = ()

    @property
    def all(self) -> tuple[JobEvent, ...]:
        """Every job in it."""
        return (self.job, *self.same, *self.dependents)


def key(job: JobEvent) -> str:
    """By what a failure is known."""
    return job.job_id or job.event_id or job.name


def group(jobs: Sequence[JobEvent]) -> list[Group]:
    """Puts dependents to their root, and runs of one job together; the newest run speaks for the others."""
    by_id = {job.job_id: job for job in jobs if job.job_id}
    roots: dict[str, JobEvent] = {}
    members: dict[str, list[JobEvent]] = {}
    for job in jobs:
        root = _root(job, by_id)
        name = root if isinstance(root, str) else key(root)
        members.setdefault(name, []).append(job)
        if not isinstance(root, str):
            roots[name] = root
    by_name: dict[str, list[Group]] = {}
    for name, group_ in members.items():
        head = roots.get(name, group_[0])  # of dependents whose root was sent before, the first
        rest = tuple(job for job in group_ if job is not head)
        by_name.setdefault(head.name, []).append(Group(head, (), rest))
    groups = []
    for same in by_name.values():
        *older, newest = sorted(same, key=lambda one: one.job.created_ms or 0)
        groups.append(
            Group(
                newest.job,
                tuple(one.job for one in older),
                tuple(job for one in same for job in one.dependents),
            )
        )
    return groups


def _root(job: JobEvent, by_id: Mapping[str, JobEvent]) -> JobEvent | str:
    """The job because of which this one failed: one of the list, or the id of one that is not in it."""
    seen: set[str] = set()
    while words.explain(job).kind == "dependency" and job.depends_on and job.job_id not in seen:
        seen.add(job.job_id)
        known = next((by_id[parent] for parent in job.depends_on if parent in by_id), None)
        if known is None:
            return f"sent before: {job.depends_on[0]}"
        job = known
    return job


class Decision(NamedTuple):
    """Whether a group is sent now, what it says of earlier failures, and what is remembered."""

    group: Group
    is_sent: bool
    repeats: Repeats
    state: JobState


def decide(group_: Group, state: JobState | None, now: int, repeat_seconds: int) -> Decision:
    """Sends a job's first failure, and then one in every `repeat_seconds`; the others are counted."""
    runs = [group_.job, *group_.same]
    created = max(run.created_ms or 0 for run in runs)
    since = min((run.stopped_ms or 0) // 1000 or now for run in runs)
    old = state or JobState(0, 0, since, 0, 0)
    failures = old.failures + len(runs)
    is_sent = now - old.told_at >= repeat_seconds
    untold = old.untold + len(runs) - (1 if is_sent else 0)
    remembered = JobState(
        failures,
        0 if is_sent else untold,
        old.since,
        now if is_sent else old.told_at,
        max(created, old.last_created_ms),
    )
    return Decision(group_, is_sent, Repeats(failures, untold, old.since), remembered)


def route_names(job_name: str) -> list[str]:
    """The names a job's route may have: the job's own, then every beginning that ends before a `-`."""
    parts = job_name.split("-")[:20]
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


def route_of(job_name: str, routes: Mapping[str, Route]) -> Route | None:
    """The job's route: its own if that is whole, else what it says of its own, and the service's for the rest."""
    own = routes.get(job_name)
    if own is not None and own.service:
        return own._replace(name=own.service)
    found = [routes[name] for name in route_names(job_name) if name in routes]
    if not found:
        return None
    service = found[-1]
    return Route(
        service.name,
        next((route.channel for route in found if route.channel), ""),
        next((route.mention for route in found if route.mention), ""),
        any(route.mute for route in found),
    )
