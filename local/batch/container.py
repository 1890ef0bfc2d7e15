"""Rules for containerProperties and for the sizes that a job asks for."""

from __future__ import annotations

from typing import Any

from local.batch import limits, references
from local.batch.errors import ClientError

# Lists that Batch gives back empty when they were not given.
_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets", "resourceRequirements")


def normalised(properties: dict[str, Any]) -> dict[str, Any]:
    """Return containerProperties as Batch gives them back."""
    return {**{member: [] for member in _LISTS}, **properties}


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


def check(properties: dict[str, Any], *, fargate: bool) -> None:
    """Refuse containerProperties that Batch refuses.

    Raises:
        ClientError: What is wrong, by member.
    """
    if not properties.get("image"):
        raise ClientError("Container properties should specify an image")
    check_sizes(properties, fargate=fargate)
    check_environment(properties.get("environment") or [])
    for member in ("jobRoleArn", "executionRoleArn"):
        if properties.get(member):
            references.check_role(properties[member], f"containerProperties.{member}")
    if properties.get("secrets") and not properties.get("executionRoleArn"):
        raise ClientError("containerProperties.executionRoleArn is required where secrets are given")
    if fargate:
        _check_fargate(properties)


def check_environment(environment: list[dict[str, Any]]) -> None:
    """Refuse the names that Batch keeps for itself."""
    for entry in environment:
        name = entry.get("name") or ""
        if name.startswith("AWS_BATCH"):
            raise ClientError(f"Environment variable {name}: names that start with AWS_BATCH are reserved")


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


def _check_fargate(properties: dict[str, Any]) -> None:
    if not properties.get("executionRoleArn"):
        raise ClientError("containerProperties.executionRoleArn is required for FARGATE")
    for member in limits.FARGATE_REFUSED:
        if properties.get(member):
            raise ClientError(f"containerProperties.{member} is not applicable to FARGATE")
    for member in limits.FARGATE_REFUSED_LINUX:
        if (properties.get("linuxParameters") or {}).get(member):
            raise ClientError(f"containerProperties.linuxParameters.{member} is not applicable to FARGATE")
    if requirement(properties, "GPU"):
        raise ClientError("resourceRequirements: GPU is not applicable to FARGATE")
    driver = (properties.get("logConfiguration") or {}).get("logDriver", "awslogs")
    if driver not in limits.FARGATE_LOG_DRIVERS:
        raise ClientError(f"logConfiguration.logDriver: {driver} is not applicable to FARGATE")
