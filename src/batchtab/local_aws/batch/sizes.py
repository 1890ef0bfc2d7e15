"""How many vCPUs and how much memory a job asks for, and what may be asked for."""

from __future__ import annotations

import json
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
    check_requirements(properties)
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


def check_requirements(properties: dict[str, Any]) -> None:
    """Refuse a requirement that is given twice, and a number of GPUs that is no whole one."""
    kinds = [entry["type"] for entry in properties.get("resourceRequirements") or []]
    if len(kinds) != len(set(kinds)):
        raise ClientError("Cannot provide duplicates in resourceRequirements.")
    gpus = requirement(properties, "GPU")
    if gpus is not None and (gpus < 1 or gpus != int(gpus)):
        raise ClientError(f"resourceRequirements: GPU {gpus:g} is not a whole number from 1")


def total(containers: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return what containers ask for together, as requirements."""
    found = []
    for kind in ("VCPU", "MEMORY", "GPU"):
        given = [value for each in containers if (value := requirement(each, kind)) is not None]
        if given:
            found.append({"type": kind, "value": f"{sum(given):g}"})
    return found


def check_payload(noun: str, content: dict[str, Any], most_kib: int) -> None:
    """Refuse a request whose content is too big.

    Args:
        noun: What it is of, for the message.
        content: The request's members.
        most_kib: How big it may be.
    """
    size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    if size > most_kib * 1024:
        raise ClientError(f"{noun} size must be less than {most_kib} KiB, got {-(-size // 1024)} KiB")


def overrides_length(
    command: list[str] | None, environment: list[dict[str, Any]], resources: list[dict[str, Any]]
) -> int:
    """Return how many characters a task's overrides have, as ECS counts them.

    Args:
        command: The words, where they are others than the definition's.
        environment: The variables that are not the definition's.
        resources: The resource requirements that are not the definition's.
    """
    container = {"name": "default", "command": command, "environment": environment, "resourceRequirements": resources}
    given = {member: value for member, value in container.items() if value}
    return len(json.dumps({"containerOverrides": [given]}, ensure_ascii=False, separators=(",", ":")))
