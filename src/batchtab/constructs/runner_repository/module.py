"""The repository's inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs.runner_repository.construct import RunnerRepository
from batchtab.declarations.repository_arguments import RepositoryArguments

VARIABLES = variables(RepositoryArguments)


def module() -> ModuleStack:
    """The module `runner_repository`."""
    stack = ModuleStack("runner_repository")
    arguments: dict[str, Any] = {v.name: stack.variable(v) for v in VARIABLES}
    made = RunnerRepository(stack, "Default", **arguments)
    stack.output("repository_url", made.repository_url, "What an image's name begins with.")
    stack.output("repository_arn", made.repository["arn"], "ARN of the repository.")
    stack.output("repository_name", made.repository["name"], "Name of the repository.")
    return stack
