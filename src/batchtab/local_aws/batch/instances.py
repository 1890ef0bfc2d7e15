"""Whether any instance of an environment's types is big enough for a job.

Of types only the name is known here: its size says how many vCPUs it has, and its family's letter how much memory goes
with each. A type whose name says less is taken to be big enough.
https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from typing import Any

_TYPE = re.compile(r"(?P<family>(?P<letter>[cmr])[4-9][a-z-]*)(\.(?P<size>medium|large|(?P<times>\d*)xlarge))?")
_GIB_PER_VCPU = {"c": 2.0, "m": 4.0, "r": 8.0}
_GIB_OF_FAMILY = {"c5n": 2.625}
_VCPUS = {"medium": 1, "large": 2}
_MOST_VCPUS = 192  # of 48xlarge; many families end below
# What `optimal` means: families of C, M and R, up to 24xlarge.
_OPTIMAL = (96, 8.0)


def can_run(environment: dict[str, Any], vcpus: float, memory_mib: float) -> bool:
    """Whether an environment has an instance type for a job; on Fargate the definition has been looked at."""
    types = (environment.get("computeResources") or {}).get("instanceTypes")
    return not types or any(_fits(name, vcpus, memory_mib) for name in types)


def _fits(name: str, vcpus: float, memory_mib: float) -> bool:
    if name == "optimal":
        most, each = _OPTIMAL
    else:
        found = _TYPE.fullmatch(name)
        if found is None:
            return True
        most = _MOST_VCPUS
        if size := found["size"]:
            most = _VCPUS.get(size) or 4 * int(found["times"] or 1)
        each = _GIB_OF_FAMILY.get(found["family"], _GIB_PER_VCPU[found["letter"]])
    # An instance's own programs take some of its memory, so that a job of as much as it has never fits.
    return vcpus <= most and memory_mib < most * each * 1024
