from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

ENDED = ("SUCCEEDED", "FAILED")
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


class Stoppable(Protocol):
    """What is under way and can be stopped: an attempt."""

    def stop(self) -> None:
        """Stops it."""


@dataclass(eq=False)
class Job:
    """One job: what DescribeJobs returns (`record`), and what the engine needs besides.

    Attributes:
        record: The job as DescribeJobs gives it.
        account_id: Account it belongs to.
        region: Region it belongs to.
        sequence: Order of submission; breaks ties between equal times.
        vcpus: What it takes of a compute environment.
        memory_mib: What an instance has to have for it.
        weight: Order within a fair-share queue: higher goes first.
        waits_for: Jobs that have to succeed first.
        children: Of an array job, its children by index.
        parent: Of an array's child, the array job.
        nodes: Of a multi-node job, its nodes by index.
        node_of: Of a node, the multi-node job.
        attempt: The attempt that is under way.
        end_reason: Why it was terminated or cancelled; None if it was not.
        runnable_since: Clock time at which it became RUNNABLE.
        never_runs: Why no task can be made of it, which fails it; None if one can.
        blocked_reason: Why it cannot be placed at the head of its queue, as it is in its statusReason.
    """

    record: dict[str, Any]
    account_id: str
    region: str
    sequence: int
    vcpus: float = 1.0
    weight: int = 0
    waits_for: list[Job] = field(default_factory=list)
    children: list[Job] = field(default_factory=list)
    parent: Job | None = None
    nodes: list[Job] = field(default_factory=list)
    node_of: Job | None = None
    attempt: Stoppable | None = None
    end_reason: str | None = None
    runnable_since: float = 0.0
    blocked_reason: str | None = None
    never_runs: str | None = None
    memory_mib: float = 0.0

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.record["jobId"])

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return str(self.record["jobArn"])

    @property
    def status(self) -> str:
        """The job's status."""
        return str(self.record["status"])

    @property
    def ended(self) -> bool:
        """Whether it has SUCCEEDED or FAILED."""
        return self.status in ENDED

    @property
    def is_submitted(self) -> bool:
        """Whether somebody has submitted it: it is no child of an array and no node."""
        return self.parent is None and self.node_of is None

    @property
    def is_array(self) -> bool:
        """Whether it is the parent of an array."""
        return bool(self.children)

    @property
    def attempts_allowed(self) -> int:
        """How often it is tried at most."""
        return int((self.record.get("retryStrategy") or {}).get("attempts") or 1)
