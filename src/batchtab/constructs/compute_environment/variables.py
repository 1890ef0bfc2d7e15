"""The inputs of a compute environment, which two modules have: its fields, and what belongs to a module alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from batchtab import limits
from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import ModuleStack, Validation, Variable
from batchtab.constructs._terraform.resources import ResourceRef, require
from batchtab.declarations.environment import NO_EFFECT_BESIDE, SAY_IN_TEMPLATE, only_for

#: Whether the module makes a thing, where the value that says so may be unknown while Terraform plans.
_CREATES = (
    Variable(
        "create_launch_template",
        "bool",
        "Whether to create a launch template. With false, set `launch_template_id`.",
        True,
    ),
    Variable(
        "create_instance_profile",
        "bool",
        "Whether to create an instance profile and its role. With false, set `instance_profile_arn`.",
        True,
    ),
)


def of(model: type[BaseModel], more: Mapping[str, Sequence[Validation]] | None = None) -> tuple[Variable, ...]:
    """The variables of a module with these fields."""
    return (*variables(model, more), *_CREATES)


#: Optional inputs whose value may be unknown while Terraform plans: another input says whether they count.
GIVEN = {
    "launch_template_id": Expression.of("!var.create_launch_template"),
    "instance_profile_arn": Expression.of("!var.create_instance_profile"),
}


#: Of instances alone, with a default, so that it is not seen whether they are given.
_OF_HOSTS = (
    "instance_types",
    "min_vcpus",
    "root_volume_gib",
    "job_execution_timeout_minutes",
    "terminate_jobs_on_update",
)


def warn(stack: ModuleStack) -> None:
    """Warns of what has no effect on Fargate, or beside a launch template of one's own."""
    on_fargate = f"contains({hcl(list(limits.FARGATE_CAPACITIES))}, var.capacity)"
    said = only_for("EC2 and SPOT", "${var.capacity}")
    rules = {f"{on_fargate} ? {_is_default(name)} : true": f"{name}: {said}." for name in _OF_HOSTS}
    rules[f"var.create_launch_template ? true : {_is_default('root_volume_gib')}"] = (
        f"root_volume_gib: {NO_EFFECT_BESIDE}: {SAY_IN_TEMPLATE}."
    )
    stack.warn("has_effect", rules)


def _is_default(name: str) -> str:
    default = limits.ENVIRONMENT_DEFAULTS[name]
    if isinstance(default, tuple):
        return f"var.{name} == tolist({hcl(default)})"
    if name == "min_vcpus":  # 0 is what Fargate keeps
        return f"contains([0, {hcl(default)}], var.{name})"
    return f"var.{name} == {hcl(default)}"


def require_what_is_brought(made: ResourceRef) -> None:
    """A supplied value is used, and one without use is refused: no input is silently without effect."""
    for name in GIVEN:
        switch = f"create_{name.removesuffix('_id').removesuffix('_arn')}"
        require(
            made,
            Expression.of(f"!var.{switch} || var.{name} == null"),
            f"{name}: is given, but {switch} is true: set it to false, or leave {name} out.",
        )
        require(
            made,
            Expression.of(f"var.{switch} || var.{name} != null"),
            f"{switch}: is false: give {name}.",
        )
