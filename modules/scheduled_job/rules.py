"""What AWS refuses about a job, told before anything is planned."""

from __future__ import annotations

from typing import Any

from jobs import limits

from .._core.arguments import check
from .._core.expressions import Expression, all_of, hcl, is_expression, is_set, negate, one_of
from .._core.resources import Made


def check_arguments(
    *,
    name: str,
    namespace: str,
    capacity: str,
    vcpus: Any,
    memory_mib: Any,
    timeout_seconds: Any,
    attempts: Any,
    array_size: Any,
    ephemeral_storage_gib: Any,
    assign_public_ip: Any,
    environment: Any,
    secrets: Any,
) -> None:
    """Checks the known values, each against the limit of its name.

    Raises:
        ValueError: the job, the argument, the value, what is allowed.
    """
    check("name", name, limits.JOB_NAME)
    check(f"{name}: namespace", namespace, limits.NAMESPACE_ANY)
    if not is_expression(name) and not is_expression(namespace):
        check(f"{name}: the job definition's name", f"{namespace}-{name}", limits.JOB_NAME)
    check(f"{name}: capacity", capacity, limits.CAPACITY)
    check(f"{name}: memory_mib", memory_mib, limits.MEMORY_MIB)
    check(f"{name}: timeout_seconds", timeout_seconds, limits.TIMEOUT_SECONDS)
    check(f"{name}: attempts", attempts, limits.ATTEMPTS)
    check(f"{name}: array_size", array_size, limits.ARRAY_SIZE)
    check(f"{name}: ephemeral_storage_gib", ephemeral_storage_gib, limits.EPHEMERAL_STORAGE_GIB)
    for mapping in (environment, secrets):
        if mapping is not None and not is_expression(mapping):
            for key in mapping:
                check(f"{name}: environment variable", key, limits.ENVIRONMENT_NAME)
                if key.startswith(limits.RESERVED_ENVIRONMENT_PREFIX):
                    raise ValueError(f"{name}: environment variable {key}: Batch keeps names with AWS_BATCH for itself")
    if is_expression(capacity):
        return
    on_fargate = capacity in limits.FARGATE_CAPACITIES
    if on_fargate:
        check(f"{name}: timeout_seconds", timeout_seconds, limits.FARGATE_TIMEOUT_SECONDS)
    elif ephemeral_storage_gib is not None or assign_public_ip is True:
        what = "assign_public_ip" if ephemeral_storage_gib is None else "ephemeral_storage_gib"
        raise ValueError(f"{name}: {what}: only Fargate has it, and capacity is {capacity}")
    if not is_expression(vcpus) and not is_expression(memory_mib):
        _check_size(name, capacity, float(vcpus), memory_mib)


def _check_size(name: str, capacity: str, vcpus: float, memory_mib: int) -> None:
    if capacity in limits.FARGATE_CAPACITIES:
        sizes = limits.FARGATE_SIZES.get(vcpus)
        if sizes is None:
            known = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
            raise ValueError(f"{name}: vcpus: {vcpus:g} is not a size of Fargate: {known}")
        if memory_mib not in sizes:
            known = ", ".join(map(str, sizes))
            raise ValueError(f"{name}: memory_mib: {memory_mib} does not go with {vcpus:g} vCPU on Fargate: {known}")
    elif not vcpus.is_integer() or vcpus < 1:
        raise ValueError(f"{name}: vcpus: {vcpus:g} is not possible on EC2: {limits.EC2_VCPUS.describe()}")


def add_preconditions(
    job_definition: Made, capacity: Any, vcpus: Any, memory_mib: Any, ephemeral_storage_gib: Any, assign_public_ip: Any
) -> None:
    """The same rules across arguments, for Terraform to check at plan time where the values are expressions."""
    if not any(map(is_expression, (capacity, vcpus, memory_mib))):
        return
    on_fargate = hcl(one_of(capacity, limits.FARGATE_CAPACITIES))
    # An object's keys are text, so a size is looked up by its text.
    sizes = hcl({f"{vcpu:g}": list(mibs) for vcpu, mibs in limits.FARGATE_SIZES.items()})
    pairs = "; ".join(f"{vcpu:g}: {_span(mibs)}" for vcpu, mibs in limits.FARGATE_SIZES.items())
    fargate_only = all_of(negate(is_set(ephemeral_storage_gib)), negate(assign_public_ip))
    v, m = hcl(vcpus), hcl(memory_mib)
    preconditions = [
        {
            "condition": Expression.of(f"!({on_fargate}) || contains(lookup({sizes}, tostring({v}), []), {m})"),
            "error_message": f"Fargate has no size of ${{{v}}} vCPU with ${{{m}}} MiB. vCPU: MiB are {pairs}.",
        },
        {
            "condition": Expression.of(f"({on_fargate}) || (floor({v}) == {v} && {v} >= 1)"),
            "error_message": f"vcpus must be {limits.EC2_VCPUS.describe()}, got ${{{v}}}.",
        },
        {
            "condition": Expression.of(f"({on_fargate}) || ({hcl(fargate_only)})"),
            "error_message": "ephemeral_storage_gib and assign_public_ip are for Fargate only.",
        },
    ]
    job_definition.element.add_override("lifecycle.precondition", preconditions)


def _span(mibs: tuple[int, ...]) -> str:
    if len(mibs) <= 3:
        return ", ".join(map(str, mibs))
    return f"{mibs[0]} to {mibs[-1]} by {mibs[1] - mibs[0]}"
