"""What runs used, and what that costs: as they run now, and elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from batchtab import limits
from batchtab.costs.prices import Prices

_MIB = 1024
_LEAST_SECONDS = 60  # https://aws.amazon.com/fargate/pricing/
_FARGATE, _FARGATE_SPOT, _SPOT = "FARGATE", "FARGATE_SPOT", "SPOT"
X86, ARM = "x86_64", "arm64"


@dataclass(frozen=True)
class Size:
    """What an attempt asks for, of all its containers on one node."""

    vcpus: float
    memory_mib: int
    gpus: int = 0
    architecture: str = X86


@dataclass(frozen=True)
class Run:
    """A run that Batch knows.

    Attributes:
        capacity: Of its queue, such as FARGATE.
        seconds: How long each attempt took, of all children of an array and on all nodes.
        estimated_seconds: Of children that were not looked at.
        estimated_attempts: How many those are.
    """

    job: str
    size: Size
    capacity: str
    seconds: tuple[float, ...]
    estimated_seconds: float = 0.0
    estimated_attempts: int = 0

    @property
    def hours(self) -> float:
        """How long its attempts took together."""
        return (sum(self.seconds) + self.estimated_seconds) / 3600

    @property
    def billed_hours(self) -> float:
        """What Fargate bills of it: whole seconds, and of each attempt a minute at least."""
        known = sum(max(_LEAST_SECONDS, math.ceil(each)) for each in self.seconds)
        return (known + max(self.estimated_seconds, _LEAST_SECONDS * self.estimated_attempts)) / 3600


@dataclass(frozen=True)
class Money:
    """What the same runs cost, in USD; None where they could not run so."""

    now: float | None = 0.0
    fargate: float | None = 0.0
    fargate_spot: float | None = 0.0
    fargate_arm: float | None = 0.0
    ec2: float | None = 0.0

    def __add__(self, other: Money) -> Money:
        return Money(*(_sum(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class JobCost:
    """What a job's runs cost.

    Attributes:
        sizes: Of its runs, the newest first.
        is_estimated: Whether children of arrays were not looked at one by one.
        forgotten: How many more runs are recorded that Batch no longer has.
    """

    job: str
    runs: int = 0
    attempts: int = 0
    hours: float = 0.0
    billed_hours: float = 0.0
    vcpu_hours: float = 0.0
    gib_hours: float = 0.0
    money: Money = Money()
    capacities: tuple[str, ...] = ()
    sizes: tuple[Size, ...] = field(default=())
    is_estimated: bool = False
    forgotten: int = 0

    @property
    def forgotten_usd(self) -> float | None:
        """What those runs cost, if they were like the others; None where none is known."""
        return None if not self.runs or self.money.now is None else self.money.now / self.runs * self.forgotten


def of_job(job: str, runs: Sequence[Run], prices: Prices, forgotten: int = 0) -> JobCost:
    """What a job's runs cost; the newest run comes first."""
    return JobCost(
        job=job,
        runs=len(runs),
        attempts=sum(len(run.seconds) + run.estimated_attempts for run in runs),
        hours=sum(run.hours for run in runs),
        billed_hours=sum(run.billed_hours for run in runs),
        vcpu_hours=sum(run.hours * run.size.vcpus for run in runs),
        gib_hours=sum(run.hours * run.size.memory_mib / _MIB for run in runs),
        money=reduce(Money.__add__, (of_run(run, run.size, prices) for run in runs)) if runs else Money(),
        capacities=tuple(dict.fromkeys(run.capacity for run in runs)),
        sizes=tuple(dict.fromkeys(run.size for run in runs)),
        is_estimated=any(run.estimated_attempts for run in runs),
        forgotten=forgotten,
    )


def total(costs: Iterable[JobCost]) -> JobCost:
    """All jobs together; what one job could not do elsewhere is not in that column."""
    found = JobCost("total")
    for each in costs:
        found = JobCost(
            job="total",
            runs=found.runs + each.runs,
            attempts=found.attempts + each.attempts,
            hours=found.hours + each.hours,
            billed_hours=found.billed_hours + each.billed_hours,
            vcpu_hours=found.vcpu_hours + each.vcpu_hours,
            gib_hours=found.gib_hours + each.gib_hours,
            money=found.money + each.money,
            is_estimated=found.is_estimated or each.is_estimated,
            forgotten=found.forgotten + each.forgotten,
        )
    return found


def of_run(run: Run, size: Size, prices: Prices) -> Money:
    """What a run costs, or would cost with another size."""
    fargate = {each: _on_fargate(run.billed_hours, size, prices, each) for each in (X86, ARM)}
    ec2 = run.hours * _ec2_rate(size, prices) if not size.gpus else None
    own = fargate.get(size.architecture)
    return Money(
        now={
            _FARGATE: own,
            _FARGATE_SPOT: _share(own, prices, fargate=True),
            _SPOT: _share(ec2, prices, fargate=False),
        }.get(run.capacity, ec2),
        fargate=fargate[X86],
        fargate_spot=_share(fargate[X86], prices, fargate=True),
        fargate_arm=fargate[ARM],
        ec2=ec2,
    )


def fargate_size(size: Size) -> tuple[float, int] | None:
    """The smallest vCPUs and MiB of Fargate for a size; None if none is enough, as with GPUs."""
    if size.gpus:
        return None
    for vcpus, memories in sorted(limits.FARGATE_SIZES.items()):
        fitting = [memory for memory in memories if memory >= size.memory_mib]
        if vcpus >= size.vcpus and fitting:
            return vcpus, min(fitting)
    return None


def _on_fargate(hours: float, size: Size, prices: Prices, architecture: str) -> float | None:
    fitting = fargate_size(size)
    if fitting is None:
        return None
    rate = prices.fargate(architecture)
    return hours * (fitting[0] * rate.usd_per_vcpu_hour + fitting[1] / _MIB * rate.usd_per_gib_hour)


def _ec2_rate(size: Size, prices: Prices) -> float:
    """By the share of an instance that it takes: of its vCPUs or of its memory, whichever is more."""
    family = prices.family
    return max(size.vcpus, size.memory_mib / _MIB / family.gib_per_vcpu) * family.usd_per_vcpu_hour


def _share(usd: float | None, prices: Prices, *, fargate: bool) -> float | None:
    return None if usd is None else usd * prices.spot_share(fargate=fargate)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None and other is None else (one or 0.0) + (other or 0.0)
