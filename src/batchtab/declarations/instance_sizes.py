"""Whether a job fits on the instance types that an environment lists.

The name of a type says how many vCPUs it has, and its family how much memory goes with each. Types whose names say
less, families, and words such as `optimal`, of which AWS changes the meaning, are taken to be big enough: what is
refused here, fits on no instance.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# General, compute and memory families from the fifth generation on; those before have other ratios.
_TYPE = re.compile(r"(?P<letter>[cmr])[5-9][a-z]*(-flex)?\.(?P<size>medium|large|(?P<times>\d*)xlarge)")
_MIB_PER_VCPU = {"c": 2048, "m": 4096, "r": 8192}
_MIB_OF_FAMILY = {"c5n": 2688}  # 2.625 GiB
_VCPUS = {"medium": 1, "large": 2}


def size(instance_type: str) -> tuple[int, int] | None:
    """A type's vCPUs and memory in MiB; None where its name does not say them."""
    found = _TYPE.fullmatch(instance_type)
    if found is None:
        return None
    vcpus = _VCPUS.get(found["size"]) or 4 * int(found["times"] or 1)
    return vcpus, vcpus * _MIB_OF_FAMILY.get(instance_type.partition(".")[0], _MIB_PER_VCPU[found["letter"]])


def refusal(instance_types: Iterable[str], vcpus: float, memory_mib: int) -> tuple[str, str] | None:
    """The field that asks for more than any of these types has, and what the biggest has; None if one may do.

    Args:
        instance_types: As environments list them; those of all environments of a queue.
        vcpus: What the job asks for.
        memory_mib: Likewise. An instance's own programs take some, so a job of its whole memory never fits.
    """
    sizes = {name: size(name) for name in instance_types}
    known = {name: each for name, each in sizes.items() if each is not None}
    if not known or len(known) < len(sizes):
        return None
    if any(vcpus <= has and memory_mib < mib for has, mib in known.values()):
        return None
    widest = max(known, key=lambda name: known[name])
    if vcpus > known[widest][0]:
        return "vcpus", f"is more than the biggest of the instance types has: {widest} has {known[widest][0]}"
    enough = {name: mib for name, (has, mib) in known.items() if vcpus <= has}
    widest = max(enough, key=lambda name: enough[name])
    return (
        "memory_mib",
        f"does not fit on any of the instance types: {widest} has {enough[widest]}, less what its own programs need",
    )
