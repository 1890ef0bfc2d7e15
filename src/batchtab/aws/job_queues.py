"""A stage's job queues and compute environments as Batch has them: what they take, and why they start nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.aws.client import Aws

_AT_ONCE = 100
#: How the reason of a job begins that no capacity of its queue can take now.
BLOCKED = ("MISCONFIGURATION:", "CAPACITY:")


@dataclass(frozen=True)
class Capacity:
    """A compute environment.

    Attributes:
        max_vcpus: None where Batch does not manage it.
    """

    name: str
    state: str
    status: str
    reason: str
    max_vcpus: float | None

    @property
    def is_usable(self) -> bool:
        """Whether Batch places jobs in it."""
        return self.state == "ENABLED" and self.status == "VALID"

    @property
    def fault(self) -> str:
        """Why it takes no job; empty if it does."""
        if self.status != "VALID":
            return f"{self.name} is {self.status}" + (f" ({self.reason})" if self.reason else "")
        return "" if self.state == "ENABLED" else f"{self.name} is {self.state}"


@dataclass(frozen=True)
class JobQueue:
    """A job queue.

    Attributes:
        name: As it is called in AWS.
        environments: Its compute environments, in the order in which Batch tries them.
    """

    name: str
    state: str
    status: str
    reason: str
    environments: tuple[Capacity, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether SubmitJob refuses it."""
        return self.state == "DISABLED"

    @property
    def fault(self) -> str:
        """Why it starts none of its jobs; empty if it does."""
        if self.status != "VALID":
            return f"the queue is {self.status}" + (f" ({self.reason})" if self.reason else "")
        if self.environments and not any(each.is_usable for each in self.environments):
            return "no compute environment takes jobs: " + "; ".join(each.fault for each in self.environments)
        return ""

    @property
    def max_vcpus(self) -> float | None:
        """What its usable environments have together; None if that is not known."""
        sizes = [each.max_vcpus for each in self.environments if each.is_usable]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None


class JobQueues:
    """Reads queues and their environments: two calls for up to 100 queues."""

    def __init__(self, aws: Aws) -> None:
        self._batch: Any = aws.client("batch")

    def described(self, names: Sequence[str]) -> dict[str, JobQueue]:
        """The queues that are there, by name, in the order of the names."""
        found = {
            str(each["jobQueueName"]): each
            for some in _parts(names)
            for each in self._batch.describe_job_queues(jobQueues=list(some), maxResults=_AT_ONCE)["jobQueues"]
        }
        orders = {name: _order(each) for name, each in found.items()}
        arns = list(dict.fromkeys(arn for order in orders.values() for arn in order))
        environments = {
            str(each["computeEnvironmentArn"]): _capacity(each)
            for some in _parts(arns)
            for each in self._batch.describe_compute_environments(computeEnvironments=list(some), maxResults=_AT_ONCE)[
                "computeEnvironments"
            ]
        }
        return {
            name: JobQueue(
                name=name,
                state=str(found[name].get("state") or ""),
                status=str(found[name].get("status") or "VALID"),
                reason=str(found[name].get("statusReason") or ""),
                environments=tuple(environments[arn] for arn in orders[name] if arn in environments),
            )
            for name in names
            if name in found
        }


def _parts(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[begin : begin + _AT_ONCE] for begin in range(0, len(items), _AT_ONCE))


def _order(queue: Mapping[str, Any]) -> list[str]:
    places = sorted(queue.get("computeEnvironmentOrder") or (), key=lambda each: int(each["order"]))
    return [str(each["computeEnvironment"]) for each in places]


def _capacity(found: Mapping[str, Any]) -> Capacity:
    resources = found.get("computeResources") or {}
    return Capacity(
        name=str(found["computeEnvironmentName"]),
        state=str(found.get("state") or ""),
        status=str(found.get("status") or "VALID"),
        reason=str(found.get("statusReason") or ""),
        max_vcpus=float(resources["maxvCpus"]) if "maxvCpus" in resources else None,
    )
