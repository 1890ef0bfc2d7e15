"""What is remembered of a job: which run is active, which wait, and whether it is paused."""

from __future__ import annotations

import json
from bisect import insort
from typing import Any, NamedTuple

from .events import read_run
from .job import Run

_ENDED_MAX = 20  # an end that is told twice is told soon


class Claim(NamedTuple):
    """Who submits a run, and until when nobody else may."""

    owner: str
    until: int


class Active(NamedTuple):
    """The run that may run; without a `job_id` it is being submitted.

    The lease outlives the submission: until it ends, Batch may not know the job yet.
    """

    run: Run
    claim: Claim
    job_id: str = ""


class State(NamedTuple):
    """A job's state; `ended` are the jobs that ended last, as Batch's events told."""

    active: Active | None = None
    waiting: tuple[Run, ...] = ()
    paused: dict[str, str] | None = None
    ended: tuple[str, ...] = ()

    def with_end(self, job_id: str) -> State:
        """With a job that has ended."""
        if job_id in self.ended:
            return self
        return self._replace(ended=(*self.ended, job_id)[-_ENDED_MAX:])

    def with_waiting(self, run: Run) -> State:
        """With one more that waits, in the order of their times."""
        runs = list(self.waiting)
        insort(runs, run, key=lambda one: one.scheduled_at)
        return self._replace(waiting=tuple(runs))

    def to_json(self) -> str:
        """All of it as text."""
        content: dict[str, Any] = {}
        if self.active is not None:
            active: dict[str, Any] = {"run": self.active.run.item, "request": self.active.run.event()}
            active |= {"lease_until": self.active.claim.until, "owner": self.active.claim.owner}
            content["active"] = active | ({"job_id": self.active.job_id} if self.active.job_id else {})
        if self.waiting:
            content["waiting"] = [{"run": run.item, "request": run.event()} for run in self.waiting]
        if self.paused:
            content["paused"] = self.paused
        if self.ended:
            content["ended"] = list(self.ended)
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> State:
        """What `to_json` wrote, or `batchtab resume`."""
        content = json.loads(text)
        active = content.get("active")
        return cls(
            active=Active(
                read_run(active["request"]),
                Claim(active.get("owner", ""), active.get("lease_until", 0)),
                active.get("job_id", ""),
            )
            if active
            else None,
            waiting=tuple(read_run(one["request"]) for one in content.get("waiting", ())),
            paused=content.get("paused") or None,
            ended=tuple(content.get("ended", ())),
        )
