"""How many vCPUs and how much memory a job asks for, and what may be asked for."""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError


def requirement(properties: dict[str, Any], kind: str) -> float | None:
    """Return how much of VCPU, MEMORY (MiB) or GPU is asked for; the old members vcpus and memory count too."""
    for entry in properties.get("resourceRequirements") or []:
        if entry["type"] == kind:
            try:
                return float(entry["value"])
            except ValueError as error:
                raise ClientError(f"resourceRequirements: {kind} {entry['value']!r} is not a number") from error
    legacy = {"VCPU": "vcpus", "MEMORY": "memory"}.get(kind)
    value = properties.get(legacy) if legacy else None
    return float(value) if value is not None else None


def check_sizes(properties: dict[str, Any], *, fargate: bool) -> None:
    """Refuse a job without vCPUs or memory, and on Fargate a pair that Fargate doesn't offer."""
    vcpus, memory = requirement(properties, "VCPU"), requirement(properties, "MEMORY")
    if vcpus is None:
        raise ClientError("Container properties should specify vcpu")
    if memory is None:
        raise ClientError("Container properties should specify memory")
    if not fargate:
        if vcpus < 1 or vcpus != int(vcpus):
            raise ClientError(f"vCPUs {vcpus:g}: on EC2 a whole number from 1 is needed")
        if memory < 4:
            raise ClientError(f"Memory {memory:g} MiB: at least 4 is needed")
        return
    offered = limits.FARGATE_MEMORY_MIB.get(vcpus)
    if offered is None:
        allowed = ", ".join(f"{size:g}" for size in limits.FARGATE_MEMORY_MIB)
        raise ClientError(f"Fargate resource requirements: VCPU {vcpus:g} is not one of {allowed}")
    if memory not in offered:
        raise ClientError(
            f"Fargate resource requirements: MEMORY {memory:g} MiB is not offered with VCPU {vcpus:g};"
            f" it is {offered[0]} to {offered[-1]} in fixed steps"
        )
