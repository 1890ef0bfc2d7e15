"""The runs' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs.job_runs.construct import JobRuns
from batchtab.declarations.runs_arguments import RunsArguments

VARIABLES = variables(RunsArguments)


def module() -> ModuleStack:
    """The module `job_runs`."""
    stack = ModuleStack("job_runs")
    arguments: dict[str, Any] = {v.name: stack.variable(v) for v in VARIABLES}
    runs = JobRuns(stack, "Default", **arguments)
    # Not the function's attribute, which is unknown until it is made: for a job with forbid Terraform has to know while
    # it plans whether there is a function.
    account = Account.of(runs)
    arn = f"arn:{account.partition}:lambda:{account.region}:{account.id}:function:{runs.function['function_name']}"
    stack.output("submit_function_arn", arn, "ARN of the function that submits runs; `scheduled_job` takes it.")
    stack.output("submit_function_name", runs.function["function_name"], "Its name.")
    stack.output("table_arn", runs.table["arn"], "ARN of the table of runs.")
    stack.output("table_name", runs.table["name"], "Its name.")
    return stack
