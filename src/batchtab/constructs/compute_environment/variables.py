"""The inputs of a compute environment, which two modules have: its fields, and what belongs to a module alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.module_stack import Validation, Variable
from batchtab.constructs._terraform.resources import ResourceRef, require

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


def require_what_is_brought(made: ResourceRef) -> None:
    """What is brought is used, and what is not used is refused: an input never goes without effect unsaid."""
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
