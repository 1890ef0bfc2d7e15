"""What AWS refuses about a job, told before anything is planned."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.expressions import Expression, hcl, is_expression, is_set, negate, not_empty, one_of
from batchtab.constructs._terraform.naming import namespaced
from batchtab.constructs._terraform.resources import ResourceRef, require


def check_arguments(
    *,
    name: str,
    namespace: str | None,
    capacity: str,
    vcpus: Any,
    memory_mib: Any,
    timeout_seconds: Any,
    attempts: Any,
    array_size: Any,
    ephemeral_storage_gib: Any,
    assign_public_ip: Any,
    command: Any,
    environment: Any,
    secrets: Any,
    permissions: Any,
    log_retention_days: Any,
    after: Any,
    after_status: str,
    concurrency_policy: str,
) -> None:
    """Checks the known values, each against the limit of its name.

    Raises:
        ValueError: the job, the argument, the value, what is allowed.
    """
    check("name", name, limits.JOB_NAME)
    check(f"{name}: namespace", namespace, limits.NAMESPACE_ANY)
    if not is_expression(name) and not is_expression(namespace):
        check(f"{name}: the job definition's name", namespaced(namespace, name), limits.JOB_NAME)
    check(f"{name}: capacity", capacity, limits.CAPACITY)
    check(f"{name}: memory_mib", memory_mib, limits.MEMORY_MIB)
    check(f"{name}: timeout_seconds", timeout_seconds, limits.TIMEOUT_SECONDS)
    check(f"{name}: attempts", attempts, limits.ATTEMPTS)
    check(f"{name}: array_size", array_size, limits.ARRAY_SIZE)
    check(f"{name}: ephemeral_storage_gib", ephemeral_storage_gib, limits.EPHEMERAL_STORAGE_GIB)
    check(f"{name}: log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
    check(f"{name}: after_status", after_status, limits.AFTER_STATUS)
    check(f"{name}: concurrency_policy", concurrency_policy, limits.CONCURRENCY_POLICY)
    if not is_expression(after):
        if len(after) > limits.AFTER_MAX:
            raise ValueError(f"{name}: after: {len(after)} jobs: at most {limits.AFTER_MAX}")
        for other in after:
            check(f"{name}: after", other, limits.JOB_NAME)
            if other == name:
                raise ValueError(f"{name}: after: {other} is this job itself")
    if not_empty(command) is False:
        raise ValueError(f"{name}: command is empty: name a program to run")
    _check_variables(name, environment, secrets)
    if not is_expression(permissions):
        _check_permissions(name, permissions)
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


def _check_permissions(name: str, permissions: Any) -> None:
    for permission in permissions:
        for action in permission["actions"]:
            check(f"{name}: permissions", action, limits.IAM_ACTION)
            if not permission.get("allow_wide") and limits.is_wide(action, permission["resources"]):
                raise ValueError(f"{name}: permissions: {action!r} {limits.WIDE}: say allow_wide beside it")


def _check_variables(name: str, environment: Any, secrets: Any) -> None:
    known = [mapping for mapping in (environment, secrets) if mapping is not None and not is_expression(mapping)]
    for key in (key for mapping in known for key in mapping):
        check(f"{name}: environment variable", key, limits.ENVIRONMENT_NAME)
        if key.upper().startswith(limits.RESERVED_ENVIRONMENT_PREFIX):
            raise ValueError(f"{name}: environment variable {key}: Batch keeps names with AWS_BATCH for itself")
    if environment is not None and not is_expression(environment):
        for key, value in environment.items():
            if value == "":
                raise ValueError(f"{name}: environment variable {key} is empty, and Batch drops such: leave it out")
    if len(known) == 2 and (both := sorted(set(environment) & set(secrets))):
        raise ValueError(f"{name}: {both[0]} is in environment and in secrets")
    if secrets is not None and not is_expression(secrets):
        for key, reference in secrets.items():
            # The value stays out of the message: it may be the secret itself.
            if not is_expression(reference) and limits.SECRET_ARN.refusal(reference):
                raise ValueError(f"{name}: secrets: {key} is not {limits.SECRET_ARN.meaning}")


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
    job_definition: ResourceRef,
    *,
    name: str,
    full_name: Any,
    capacity: Any,
    vcpus: Any,
    memory_mib: Any,
    timeout_seconds: Any,
    ephemeral_storage_gib: Any,
    assign_public_ip: Any,
    environment: Any,
    secrets: Any,
) -> None:
    """The same rules across arguments, for Terraform to check at plan time where the values are expressions.

    Each message begins with the job's name: Terraform does not tell which call of a module it is about.
    """
    if is_expression(full_name):
        require(
            job_definition,
            Expression.of(f"length({hcl(full_name)}) <= {limits.JOB_NAME_MAX}"),
            f"{name}: the job definition's name ${{{hcl(full_name)}}} is longer than {limits.JOB_NAME_MAX} characters.",
        )
    if is_expression(environment) or is_expression(secrets):
        both = f"setintersection(keys({hcl(environment or {})}), keys({hcl(secrets or {})}))"
        require(
            job_definition,
            Expression.of(f"length({both}) == 0"),
            f'{name}: environment and secrets both have ${{join(", ", {both})}}: one name, one value.',
        )
    if not any(map(is_expression, (capacity, vcpus, memory_mib))):
        return
    on_hosts = hcl(negate(one_of(capacity, limits.FARGATE_CAPACITIES)))
    on_fargate = hcl(one_of(capacity, limits.FARGATE_CAPACITIES))
    # An object's keys are text, so a size is looked up by its text.
    sizes = hcl({f"{vcpu:g}": list(mibs) for vcpu, mibs in limits.FARGATE_SIZES.items()})
    pairs = "; ".join(f"{vcpu:g}: {_span(mibs)}" for vcpu, mibs in limits.FARGATE_SIZES.items())
    v, m, t = hcl(vcpus), hcl(memory_mib), hcl(timeout_seconds)
    require(
        job_definition,
        Expression.of(f"{on_hosts} || contains(lookup({sizes}, tostring({v}), []), {m})"),
        f"{name}: Fargate has no size of ${{{v}}} vCPU with ${{{m}}} MiB. vCPU: MiB are {pairs}.",
    )
    require(
        job_definition,
        Expression.of(f"{on_fargate} || (floor({v}) == {v} && {v} >= 1)"),
        f"{name}: vcpus must be {limits.EC2_VCPUS.describe()}, got ${{{v}}}.",
    )
    require(
        job_definition,
        Expression.of(f"{on_hosts} || {t} <= {limits.FARGATE_TIMEOUT_SECONDS.maximum}"),
        f"{name}: timeout_seconds on Fargate must be {limits.FARGATE_TIMEOUT_SECONDS.describe()}, got ${{{t}}}.",
    )
    for argument, absent in (
        ("ephemeral_storage_gib", negate(is_set(ephemeral_storage_gib))),
        ("assign_public_ip", negate(assign_public_ip)),
    ):
        require(
            job_definition,
            Expression.of(f"{on_fargate} || {hcl(absent)}"),
            f"{name}: {argument}: only Fargate has it, and capacity is ${{{hcl(capacity)}}}.",
        )


def _span(mibs: tuple[int, ...]) -> str:
    if len(mibs) <= 3:
        return ", ".join(map(str, mibs))
    return f"{mibs[0]} to {mibs[-1]} by {mibs[1] - mibs[0]}"
