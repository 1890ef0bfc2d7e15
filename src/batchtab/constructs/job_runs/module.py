"""The runs' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.module_stack import ModuleStack, Variable, among, job_queue_arns, matching, within
from batchtab.constructs.job_runs.construct import JobRuns

VARIABLES = (
    Variable(
        "namespace",
        "string",
        "The environment's namespace; every name begins with it, and those of the rules that may invoke the function.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    job_queue_arns(
        "ARNs of the queues that runs are submitted to. How many there are must be known when Terraform plans."
    ),
    Variable(
        "trigger_dead_letter_queue_arn",
        "string",
        "ARN of the environment's queue of what its triggers could not submit; keeps a run that could not be decided.",
    ),
    Variable(
        "history_days",
        "number",
        "Days for which a run is remembered, and so is not submitted a second time.",
        limits.STAGE_DEFAULTS["history_days"],
        [within("history_days", limits.HISTORY_DAYS)],
    ),
    Variable(
        "log_retention_days",
        "number",
        "Days that CloudWatch keeps the function's log.",
        limits.STAGE_DEFAULTS["log_retention_days"],
        [among("log_retention_days", limits.LOG_RETENTION_DAYS)],
    ),
    Variable(
        "kms_key_arn",
        "string",
        "Key for the log group, the table and the function's environment, and of the queue if it has one; null: AWS's"
        " own keys.",
        None,
    ),
    Variable("permissions_boundary_arn", "string", "Permissions boundary of the function's role.", None),
    Variable("tags", "map(string)", "Tags of everything made here.", {}),
)


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
