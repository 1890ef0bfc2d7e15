"""The runs' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

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
    runs.account.require_place(
        runs.function,
        "${var.namespace}: ",
        job_queue_arns="var.job_queue_arns",
        trigger_dead_letter_queue_arn="[var.trigger_dead_letter_queue_arn]",
    )
    # A text in place of the function's attribute: of it Terraform knows while it plans that it is not null, also where
    # the rest is unknown yet, and that is what a job with forbid asks.
    account = runs.account
    arn = f"arn:{account.partition}:lambda:{account.region}:{account.id}:function:{runs.function['function_name']}"
    stack.output("submit_function_arn", arn, "ARN of the function that submits runs; `scheduled_job` takes it.")
    stack.output("submit_function_name", runs.function["function_name"], "Its name.")
    stack.output("role_arn", runs.role["arn"], "ARN of its role.")
    stack.output("role_name", runs.role["name"], "Name of its role.")
    stack.output("log_group_name", runs.log_group["name"], "Name of its log group.")
    stack.output("table_arn", runs.table["arn"], "ARN of the table of runs.")
    stack.output("table_name", runs.table["name"], "Its name.")
    return stack
