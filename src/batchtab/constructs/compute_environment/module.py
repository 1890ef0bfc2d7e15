"""A compute environment as a Terraform module."""

from __future__ import annotations

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs.compute_environment.construct import ComputeEnvironment
from batchtab.constructs.compute_environment.outputs import add_outputs
from batchtab.constructs.compute_environment.variables import GIVEN, of, require_what_is_brought, warn
from batchtab.declarations.environment_arguments import ComputeEnvironmentArguments

VARIABLES = of(ComputeEnvironmentArguments)


def module() -> ModuleStack:
    """The module `compute_environment`."""
    stack = ModuleStack("compute_environment")
    inputs = {v.name: stack.variable(v, given=GIVEN.get(v.name)) for v in VARIABLES}
    arguments = {name: value for name, value in inputs.items() if not name.startswith("create_")}
    environment = ComputeEnvironment(stack, "Default", **arguments)
    require_what_is_brought(environment.resource)
    warn(stack)
    stack.output(
        "compute_environment",
        Expression.of(f"{{ arn = {environment.arn.text}, capacity = var.capacity }}"),
        "What `further_compute_environments` of batch_environment takes.",
    )
    add_outputs(
        stack,
        environment=environment.resource,
        role=environment.instance_role,
        profile=environment.instance_profile,
        launch_template=environment.launch_template,
    )
    stack.output("capacity", environment.capacity, "The capacity.")
    return stack
