"""Rules across a job's containers that Terraform checks, where values are expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    hcl,
    is_expression,
    is_set,
    negate,
    one_of,
)
from batchtab.constructs._terraform.resources import ResourceRef, require
from batchtab.constructs.scheduled_job import sidecars
from batchtab.declarations import command_line, container_fields, container_rules, job_rules
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.sidecars import Sidecar
from batchtab.declarations.table import Only, fields_with
from batchtab.main_container import MAIN

_HAS_SIZE = "try(floor(each.vcpus) == each.vcpus, false) && try(each.memory_mib, null) != null"


def add_preconditions(job_definition: ResourceRef, job: JobArguments) -> None:
    """The rules; of values that are known all was checked before."""
    name, containers = job.name, hcl(job.containers)

    def each(condition: str) -> str:
        return f"alltrue([for each in values({containers}) : {condition}])"

    default = hcl(JobArguments.model_fields["log"].get_default().driver)
    drivers = hcl(list(container_rules.FARGATE_LOG_DRIVERS))
    rules: list[tuple[tuple[object, ...], str, str]] = [
        (
            (job.containers, job.main_depends_on),
            f"alltrue([for other in keys({hcl(job.main_depends_on)}) : contains(keys({containers}), other)])",
            "main_depends_on: each must be one of the job's other containers; jobs are named in after.",
        ),
        (
            (job.containers, job.main_depends_on),
            f'alltrue([for other, condition in {hcl(job.main_depends_on)} : condition == "START" ||'
            f" !try({containers}[other].essential, false)])",
            f"main_depends_on: only START goes with a container that {container_rules.ENDS_THE_JOB}.",
        ),
        (
            (job.containers,),
            each("length(setintersection(keys(try(each.environment, {})), keys(try(each.secrets, {})))) == 0"),
            f"containers: a variable {job_rules.TWICE}.",
        ),
        (
            (job.containers, job.capacity),
            f"{_on_fargate(job)} || {each(_HAS_SIZE)}",
            "containers: on EC2 each container needs vcpus and memory_mib, vcpus whole.",
        ),
        (
            (job.containers, job.capacity),
            f"{_on_hosts(job)} || {each(f'contains({drivers}, try(each.log.driver, {default}))')}",
            f"containers: log.driver is only for EC2: {' or '.join(container_rules.FARGATE_LOG_DRIVERS)} on Fargate.",
        ),
    ]
    for only, elsewhere in ((Only("EC2"), _on_hosts(job)), (Only("Fargate"), _on_fargate(job))):
        for field in fields_with(Sidecar, only):
            rules.append(
                (
                    (job.containers, job.capacity),
                    f"{elsewhere} || {each(_left_out(field))}",
                    f"containers: {field} is only for {only.kind}.",
                )
            )
    for read, condition, message in rules:
        if any(map(is_expression, read)) and (job.containers or job.main_depends_on):
            require(job_definition, Expression.of(condition), f"{name}: {message}")
    require(
        job_definition,
        negate(all_of(sidecars.has_task(job), _names_instance_type(job.container))),
        f"{name}: container: instanceType does not go with containers and grace_seconds: Batch has it for a job of one"
        " container.",
    )
    require(
        job_definition,
        negate(all_of(is_set(job.nodes), is_set(job.array_size))),
        f"{name}: nodes does not go with array_size: a multi-node job has no children.",
    )
    require(
        job_definition,
        negate(all_of(is_set(job.nodes), one_of(job.capacity, ["SPOT"]))),
        f"{name}: nodes is only for EC2 without Spot: AWS runs multi-node jobs on demand only.",
    )


def _names_instance_type(given: Any) -> Condition:
    if is_expression(given):
        return Expression.of(f'contains(keys({hcl(given)}), "instanceType")')
    return "instanceType" in given


def _on_fargate(job: JobArguments) -> str:
    return hcl(one_of(job.capacity, limits.FARGATE_CAPACITIES))


def _on_hosts(job: JobArguments) -> str:
    return hcl(negate(one_of(job.capacity, limits.FARGATE_CAPACITIES)))


def _left_out(field: str) -> str:
    """Whether a container says nothing of a field, whose default says how that looks."""
    default = Sidecar.model_fields[field].get_default()
    if default is None:
        return f"try(each.{field}, null) == null"
    return f"!try(each.{field}, false)" if default is False else f"length(try(each.{field}, [])) == 0"


_SECRET_OPTIONS, _SET_OPTIONS = container_fields.SECRET_OPTIONS, container_fields.SET_OPTIONS
#: What a field of a container says by itself, `this`, beside its limits; with what is said otherwise.
OF_ONE: dict[str, list[tuple[str, str]]] = {
    "mounts": [("length(distinct(this[*].path)) == length(this)", f"[*].path: {container_fields.MOUNTED_TWICE}")],
    "ulimits": [
        (
            "alltrue([for limit in values(this) : limit.hard < 0 || (limit.soft <= limit.hard && limit.soft != -1)])",
            f"[*].soft: {container_fields.MORE_THAN_HARD}",
        )
    ],
    "log": [
        (
            f"length(setintersection(keys(this.options), {hcl(_SECRET_OPTIONS)})) == 0",
            f".options: {', '.join(_SECRET_OPTIONS)} {container_fields.SECRET_OPTION}: write it in secret_options",
        ),
        *(
            (f"!contains(keys(this.options), {hcl(name)})", f".options: {name} has a field of its own: {field}")
            for name, field in container_fields.FIELD_OF_OPTION.items()
        ),
        (
            f'this.driver != "awslogs" || length(setintersection(keys(this.options), {hcl(_SET_OPTIONS)})) == 0',
            f".options: each of {', '.join(_SET_OPTIONS)} {container_fields.SET_OPTION}: leave it out",
        ),
        (
            'this.driver == "awslogs" || this.multiline_pattern == null',
            f".multiline_pattern: {container_fields.ONLY_AWSLOGS}: leave it out",
        ),
    ],
}


def of_one(field: str, value: str) -> Iterator[tuple[str, str]]:
    """The conditions on a field, whose value is an expression, with what is said otherwise."""
    for condition, text in OF_ONE[field]:
        yield re.sub(r"\bthis\b", value, condition), f"{field}{text}."


#: What the variable `containers` alone says.
ALONE = (
    *(
        (
            f"alltrue([for each in values(var.containers) : {condition}])",
            f"containers[*].{message}",
        )
        for field in OF_ONE
        for condition, message in of_one(field, f"each.{field}")
    ),
    (
        "alltrue([for each in values(var.containers) :"
        " length(setintersection(keys(each.tmpfs), each.mounts[*].path)) == 0])",
        f"containers[*].mounts[*].path: {job_rules.TMPFS_TOO}.",
    ),
    (
        "alltrue([for each in values(var.containers) : each.vcpus == null ? true : each.vcpus > 0])",
        "containers[*].vcpus: is too small: more than 0.",
    ),
    (
        'alltrue([for each in values(var.containers) : try(each.command[0] != "", true)])',
        f"containers[*].command: {command_line.NO_PROGRAM}.",
    ),
    (f'!contains(keys(var.containers), "{MAIN}")', f"containers: {MAIN} {container_rules.TAKEN}."),
    (
        "alltrue(flatten([for name, each in var.containers : [for other in keys(each.depends_on) :"
        f' other != name && (other == "{MAIN}" || contains(keys(var.containers), other))]]))',
        "containers: depends_on: each must be one of the job's other containers.",
    ),
    (
        "alltrue(flatten([for each in values(var.containers) : [for other, condition in each.depends_on :"
        f' condition == "START" || (other != "{MAIN}" && !try(var.containers[other].essential, false))]]))',
        f"containers: depends_on: only START goes with a container that {container_rules.ENDS_THE_JOB}.",
    ),
)
