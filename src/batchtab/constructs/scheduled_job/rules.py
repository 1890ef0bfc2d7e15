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
from batchtab.constructs._terraform.items import Item
from batchtab.constructs._terraform.resources import ResourceRef, require, require_none
from batchtab.constructs.scheduled_job import container_rules, sidecars
from batchtab.declarations import container_rules as container_checks
from batchtab.declarations import job_rules, way_out
from batchtab.declarations.container_fields import TMP_VOLUME
from batchtab.declarations.job_arguments import JobArguments, LogArguments
from batchtab.declarations.sizes import NO_PARAMETER, REFERENCE
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
        require_none(
            job_definition,
            both,
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
    if is_expression(job.mounts) or is_expression(job.tmpfs):
        both = f"setintersection(keys({hcl(job.tmpfs)}), {hcl(job.mounts)}[*].path)"
        require_none(
            job_definition,
            both,
            f'{name}: mounts[*].path: ${{join(", ", {both})}} {job_rules.TMPFS_TOO}.',
        )
    if is_expression(job.command) or is_expression(job.parameters):
        found = f'flatten([for word in {hcl(job.command)} : regexall("{REFERENCE.pattern}", word)])'
        missing = f"sort(setsubtract({found}, keys({hcl(job.parameters)})))"
        require_none(
            job_definition,
            missing,
            f'{name}: command has Ref::${{join(", Ref::", {missing})}}, {NO_PARAMETER}.',
        )
    _of_way_out(job_definition, job)
    _of_capacity(job_definition, job)
    container_rules.add_preconditions(job_definition, job)


def _of_way_out(job_definition: ResourceRef, job: JobArguments) -> None:
    """What the settings without a field say of something that a field says too."""
    given, name = hcl(job.container), job.name
    if is_expression(job.container) or is_expression(job.tmpfs):
        require(
            job_definition,
            any_of(negate(not_empty(job.tmpfs)), Expression.of(f"!can({given}.linuxParameters.tmpfs)")),
            f"{name}: container.linuxParameters.tmpfs {way_out.BESIDE_TMPFS}: use one of them.",
        )
    if is_expression(job.container) or is_expression(job.volumes):
        taken = f"concat([{hcl(TMP_VOLUME)}], keys({hcl(job.volumes)}))"
        both = f"setintersection(try({given}.volumes[*].name, []), {taken})"
        require_none(
            job_definition,
            both,
            f'{name}: container.volumes[*].name: ${{join(", ", {both})}} {way_out.ANOTHER_VOLUME}.',
        )


def _of_capacity(job_definition: ResourceRef, job: JobArguments) -> None:
    name, capacity = job.name, job.capacity
    on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
    on_hosts = negate(on_fargate)
    vcpus, memory_mib = sidecars.total(job, "vcpus"), sidecars.total(job, "memory_mib")
    if any(map(is_expression, (capacity, vcpus, memory_mib))):
        # An object's keys are text, so a size is looked up by its text.
        sizes = hcl({f"{vcpu:g}": list(mibs) for vcpu, mibs in limits.FARGATE_SIZES.items()})
        pairs = "; ".join(f"{vcpu:g}: {_span(mibs)}" for vcpu, mibs in limits.FARGATE_SIZES.items())
        v, m, whole = hcl(vcpus), hcl(memory_mib), limits.EC2_VCPUS
        require(
            job_definition,
            any_of(on_hosts, Expression.of(f"contains(lookup({sizes}, tostring({v}), []), {m})")),
            f"{name}: Fargate has no size of ${{{v}}} vCPU with ${{{m}}} MiB. vCPU: MiB are {pairs}.",
        )
        require(
            job_definition,
            any_of(
                on_fargate,
                Expression.of(
                    f"floor({v}) == {v} && {v} >= {limits.EC2_VCPUS.minimum} && {v} <= {limits.EC2_VCPUS.maximum}"
                ),
            ),
            f"{name}: vcpus must be {whole.describe()}, got ${{{v}}}.",
        )
    if any(map(is_expression, (capacity, job.timeout_seconds))):
        t = hcl(job.timeout_seconds)
        require(
            job_definition,
            any_of(on_hosts, Expression.of(f"{t} <= {limits.FARGATE_TIMEOUT_SECONDS.maximum}")),
            f"{name}: timeout_seconds on Fargate must be {limits.FARGATE_TIMEOUT_SECONDS.describe()}, got ${{{t}}}.",
        )
    driver = Item(LogArguments, job.log)["driver"]
    if is_expression(capacity) or is_expression(driver):
        drivers = container_checks.FARGATE_LOG_DRIVERS
        require(
            job_definition,
            any_of(on_hosts, one_of(driver, drivers)),
            f"{name}: log.driver is only for EC2, and capacity is ${{{hcl(capacity)}}}: {' or '.join(drivers)}.",
        )
    if is_expression(capacity) or is_expression(job.volumes):
        left_out = "[for volume in values(@) : try(volume.host_path, null) == null]".replace("@", hcl(job.volumes))
        require(
            job_definition,
            any_of(on_hosts, Expression.of(f"alltrue({left_out})")),
            f"{name}: volumes[*].host_path is only for EC2, and capacity is ${{{hcl(capacity)}}}.",
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
