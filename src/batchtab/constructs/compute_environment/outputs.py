"""The outputs that modules with a compute environment share."""

from __future__ import annotations

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import ResourceRef


def add_outputs(
    stack: ModuleStack,
    *,
    environment: ResourceRef,
    role: ResourceRef,
    profile: ResourceRef,
    launch_template: ResourceRef,
) -> None:
    """Adds the outputs of the compute environment and of what its instances have.

    Args:
        stack: The module.
        environment: The compute environment.
        role: The role of its instances, which may be absent.
        profile: The instance profile, which may be absent.
        launch_template: The launch template, which may be absent.
    """
    on_fargate = "null on Fargate, or if you supply one"
    arn = environment["arn"]
    # Not by the attribute, which the provider's versions call differently.
    name = Expression.of(f'split("/", {arn.text})[1]')
    stack.output("compute_environment_arn", arn, "ARN of the compute environment.")
    stack.output("compute_environment_name", name, "Name of the compute environment.")
    stack.output("instance_role_arn", role["arn"], f"ARN of the instances' role; {on_fargate}.")
    stack.output(
        "instance_role_name", role["name"], f"Name of the instances' role, for further policies; {on_fargate}."
    )
    stack.output("instance_profile_arn", profile["arn"], f"ARN of the instance profile; {on_fargate}.")
    stack.output("launch_template_id", launch_template["id"], f"Id of the launch template; {on_fargate}.")
