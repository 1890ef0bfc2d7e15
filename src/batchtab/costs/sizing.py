"""Whether a job asks for more memory than its runs used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from batchtab import limits
from batchtab.costs.prices import Prices
from batchtab.costs.usage import Run, of_run

_ROOM = 1.3  # times the peak
_STEP = 256  # MiB, on EC2, where any size is taken
_ON_FARGATE = limits.FARGATE_CAPACITIES


@dataclass(frozen=True)
class Smaller:
    """A smaller memory that would do.

    Attributes:
        peak_mib: The most that a run used, of those whose end line was read.
        measured: How many those are.
        saved_usd: What the runs would have cost less.
    """

    memory_mib: int
    instead_of_mib: int
    peak_mib: float
    measured: int
    saved_usd: float


def smaller(runs: Sequence[Run], peaks_mib: Sequence[float], prices: Prices) -> Smaller | None:
    """The smallest memory of at least 1.3 times the peak, if it is less than the newest run's; else None.

    Args:
        runs: Of one job, the newest first.
        peaks_mib: What some of the newest used at most.
        prices: For what it saves.
    """
    if not runs or not peaks_mib:
        return None
    newest = runs[0]
    size, peak = newest.size, max(peaks_mib)
    needed = math.ceil(peak * _ROOM)
    if newest.capacity in _ON_FARGATE:
        options = [each for each in limits.FARGATE_SIZES.get(size.vcpus, ()) if each >= needed]
    else:
        options = [math.ceil(needed / _STEP) * _STEP]
    if not options or min(options) >= size.memory_mib:
        return None
    memory = min(options)
    of_size = [run for run in runs if run.size == size]
    saved = sum(
        (of_run(run, size, prices).now or 0) - (of_run(run, replace(size, memory_mib=memory), prices).now or 0)
        for run in of_size
    )
    return Smaller(memory, size.memory_mib, peak, len(peaks_mib), saved)
