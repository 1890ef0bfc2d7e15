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
# Words for families, by their biggest instances: vCPUs, and GiB for each. `optimal` is today what default_x86_64 is:
# m6i, c6i and r6i up to 32xlarge, and c7i up to 48xlarge; on ARM m6g, c6g, r6g and c7g up to 16xlarge.
# https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html
_X86_64 = ((128, 8.0), (192, 2.0))
_WORDS = {"optimal": _X86_64, "default_x86_64": _X86_64, "default_arm64": ((64, 8.0),)}


def can_run(environment: dict[str, Any], vcpus: float, memory_mib: float) -> bool:
    """Whether an environment has an instance type for a job; on Fargate the definition has been looked at."""
    types = (environment.get("computeResources") or {}).get("instanceTypes")
    return not types or any(_fits(name, vcpus, memory_mib) for name in types)


def _fits(name: str, vcpus: float, memory_mib: float) -> bool:
    # An instance's own programs take some of its memory, so that a job of as much as it has never fits.
    return any(vcpus <= most and memory_mib < most * each * 1024 for most, each in _sizes(name))


def _sizes(name: str) -> tuple[tuple[float, float], ...]:
    if name in _WORDS:
        return _WORDS[name]
    found = _TYPE.fullmatch(name)
    if found is None:
        return ((float("inf"), 1.0),)  # its name says nothing
    most = _MOST_VCPUS
    if size := found["size"]:
        most = _VCPUS.get(size) or 4 * int(found["times"] or 1)
    return ((most, _GIB_OF_FAMILY.get(found["family"], _GIB_PER_VCPU[found["letter"]])),)
