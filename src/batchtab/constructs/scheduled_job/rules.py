"""Rules across a job's arguments that Terraform checks, where their values are expressions."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    any_of,
    hcl,
    is_expression,
    is_set,
    negate,
    not_empty,
    one_of,
)
from batchtab.constructs._terraform.resources import ResourceRef, require
from batchtab.constructs.scheduled_job import container_rules, sidecars
from batchtab.declarations import job_rules
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.table import Only, fields_with


def add_preconditions(job_definition: ResourceRef, job: JobArguments, full_name: Any) -> None:
    """The rules across arguments, for Terraform to check at plan time.

    Each message begins with the job's name: Terraform does not say which call of a module it is about.
    """
    name = job.name
    if is_expression(full_name):
        require(
            job_definition,
            Expression.of(f"length({hcl(full_name)}) <= {limits.JOB_NAME_MAX}"),
            f"{name}: the job definition's name ${{{hcl(full_name)}}} is longer than {limits.JOB_NAME_MAX} characters.",
        )
    if is_expression(job.environment) or is_expression(job.secrets):
        both = f"setintersection(keys({hcl(job.environment)}), keys({hcl(job.secrets)}))"
        require(
            job_definition,
            Expression.of(f"length({both}) == 0"),
            f'{name}: ${{join(", ", {both})}} {job_rules.TWICE}.',
        )
    both_ways: tuple[Any, Any] = (job.exec, job.read_only_root_filesystem)
    if any(map(is_expression, both_ways)):
        exec_, read_only = both_ways
        require(
            job_definition,
            any_of(negate(exec_), negate(read_only)),
            f"{name}: exec {job_rules.EXEC_WRITES}: set read_only_root_filesystem = false.",
        )
    mounts = sidecars.all_mounts(job)
    if is_expression(mounts) or is_expression(job.volumes):
        used = f"sort(distinct([for mount in {hcl(mounts)} : mount.volume]))"
        require(
            job_definition,
            Expression.of(f"keys({hcl(job.volumes)}) == {used}"),
            f"{name}: each mount needs one of the volumes, and each volume a mount.",
        )
    _of_capacity(job_definition, job)
    container_rules.add_preconditions(job_definition, job)


def _of_capacity(job_definition: ResourceRef, job: JobArguments) -> None:
    name, capacity = job.name, job.capacity
    on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
    on_hosts = negate(on_fargate)
    vcpus, memory_mib = sidecars.total(job, "vcpus"), sidecars.total(job, "memory_mib")
    if any(map(is_expression, (capacity, vcpus, memory_mib))):
        # An object's keys are text, so a size is looked up by its text.
        sizes = hcl({f"{vcpu:g}": list(mibs) for vcpu, mibs in limits.FARGATE_SIZES.items()})
        pairs = "; ".join(f"{vcpu:g}: {_span(mibs)}" for vcpu, mibs in limits.FARGATE_SIZES.items())
        v, m = hcl(vcpus), hcl(memory_mib)
        require(
            job_definition,
            any_of(on_hosts, Expression.of(f"contains(lookup({sizes}, tostring({v}), []), {m})")),
            f"{name}: Fargate has no size of ${{{v}}} vCPU with ${{{m}}} MiB. vCPU: MiB are {pairs}.",
        )
        require(
            job_definition,
            any_of(on_fargate, Expression.of(f"floor({v}) == {v} && {v} >= 1")),
            f"{name}: vcpus must be {limits.EC2_VCPUS.describe()}, got ${{{v}}}.",
        )
    if any(map(is_expression, (capacity, job.timeout_seconds))):
        t = hcl(job.timeout_seconds)
        require(
            job_definition,
            any_of(on_hosts, Expression.of(f"{t} <= {limits.FARGATE_TIMEOUT_SECONDS.maximum}")),
            f"{name}: timeout_seconds on Fargate must be {limits.FARGATE_TIMEOUT_SECONDS.describe()}, got ${{{t}}}.",
        )
    for only, elsewhere in ((Only("Fargate"), on_fargate), (Only("EC2"), on_hosts)):
        for field in fields_with(JobArguments, only):
            value = getattr(job, field)
            if is_expression(capacity) or is_expression(value):
                require(
                    job_definition,
                    any_of(elsewhere, _is_left_out(field, value)),
                    f"{name}: {field} is only for {only.kind}, and capacity is ${{{hcl(capacity)}}}.",
                )
    if is_expression(capacity) or is_expression(job.architecture):
        require(
            job_definition,
            any_of(on_fargate, Expression.of(f'{hcl(job.architecture)} == "x86_64"')),
            f"{name}: architecture is only for Fargate, and capacity is ${{{hcl(capacity)}}}:"
            " the environment's instance types decide.",
        )


def _is_left_out(field: str, value: Any) -> Condition:
    """Whether a field says nothing. Its default says how that looks: null, false or nothing in it."""
    if not is_expression(value):
        return not value
    default = JobArguments.model_fields[field].get_default()
    if default is None:
        return negate(is_set(value))
    return negate(value) if default is False else negate(not_empty(value))


def _span(mibs: tuple[int, ...]) -> str:
    if len(mibs) <= 3:
        return ", ".join(map(str, mibs))
    return f"{mibs[0]} to {mibs[-1]} by {mibs[1] - mibs[0]}"
