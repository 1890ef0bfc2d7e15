"""vCPUs and memory that fit where the job will run."""

from __future__ import annotations

import math

from batchtab import limits


def fitted(vcpus: float, memory_mib: int, *, is_fargate: bool) -> tuple[float, int] | None:
    """The smallest size that has at least so much; None if Fargate has none.

    Args:
        vcpus: What the source asks for.
        memory_mib: Likewise.
        is_fargate: Whether only the pairs of Fargate are allowed; on EC2, vCPUs are whole.
    """
    if not is_fargate:
        return float(max(1, math.ceil(vcpus))), max(memory_mib, limits.MEMORY_MIB.minimum)
    for size, memories in sorted(limits.FARGATE_SIZES.items()):
        enough = [each for each in memories if each >= memory_mib]
        if size >= vcpus and enough:
            return size, enough[0]
    return None
