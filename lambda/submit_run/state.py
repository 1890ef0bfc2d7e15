"""What is remembered of a job: its active run, the runs that wait, and whether it is paused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .request import Request

_ENDED_KEPT = 20


@dataclass(frozen=True)
class Active:
    """The run that was claimed last.

    Attributes:
        event: The trigger's, as it came.
        job_id: Batch's job; empty until it is known.
        lease_until: While there is no job id: until when (epoch seconds) its claimant may still be at work.
        since: When it was first claimed, and then when its job became known, by the function's own clock.
    """

    event: Mapping[str, Any]
    job_id: str = ""
    lease_until: float = 0.0
    since: float = 0.0

    @property
    def request(self) -> Request:
        """The run."""
        return Request.of(self.event)


@dataclass(frozen=True)
class Paused:
    """Why a job's triggers start nothing."""

    since: str
    job_id: str
    reason: str

    @property
    def words(self) -> str:
        """From a run's record."""
        return f"paused since {self.since}: {self.reason}"


class End(NamedTuple):
    """The end of a job that another one comes after: what its definition is called, when it ended, and its id."""

    definition: str
    time: str
    job_id: str


@dataclass(frozen=True)
class State:
    """One job's state.

    Attributes:
        version: The one that was read, 0 if there is none.
        active: The run that has the job's one place.
        waiting: Events of the runs that come next, in order.
        paused: While set, triggers start nothing.
        failed_job_id: For which job it was paused last: its end, reported once more, does not pause it again.
        ended: The last jobs whose end was reported: Batch's lists may lag behind.
        joined: Of a job with `after_all`, the ends that wait for others.
        joined_at: When all had ended last.
        joined_by: The id of the job that ended then.
    """

    version: int = 0
    active: Active | None = None
    waiting: tuple[Mapping[str, Any], ...] = ()
    paused: Paused | None = None
    failed_job_id: str = ""
    ended: tuple[str, ...] = ()
    joined: tuple[End, ...] = ()
    joined_at: str = ""
    joined_by: str = ""

    def with_active(self, active: Active | None) -> State:
        """The same with another active run."""
        return replace(self, active=active)

    def to_text(self) -> str:
        """As the table keeps it."""
        content: dict[str, Any] = {}
        if self.active is not None:
            active = self.active
            content["active"] = {"run": active.request.item, "request": active.event, "since": active.since}
            if self.active.job_id:
                content["active"]["job_id"] = self.active.job_id
            else:
                content["active"]["lease_until"] = self.active.lease_until
        if self.waiting:
            content["waiting"] = [{"run": Request.of(event).item, "request": event} for event in self.waiting]
        if self.paused is not None:
            content["paused"] = vars(self.paused)
        if self.failed_job_id:
            content["failed_job_id"] = self.failed_job_id
        if self.ended:
            content["ended"] = self.ended[-_ENDED_KEPT:]
        if self.joined:
            content["joined"] = self.joined
        if self.joined_at:
            content["joined_at"] = self.joined_at
        if self.joined_by:
            content["joined_by"] = self.joined_by
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_text(cls, version: int, text: str) -> State:
        """As it was kept."""
        content = json.loads(text)
        active, paused = content.get("active"), content.get("paused")
        return cls(
            version,
            Active(
                active["request"],
                active.get("job_id", ""),
                active.get("lease_until", 0.0),
                active.get("since", 0.0),
            )
            if active
            else None,
            tuple(each["request"] for each in content.get("waiting", [])),
            Paused(**paused) if paused else None,
            content.get("failed_job_id", ""),
            tuple(content.get("ended", ())),
            tuple(End(*each) for each in content.get("joined", ())),
            content.get("joined_at", ""),
            content.get("joined_by", ""),
        )
