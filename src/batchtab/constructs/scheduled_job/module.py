"""A job as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.scheduled_job.construct import ScheduledJob
from batchtab.constructs.scheduled_job.variables import VARIABLES

#: Optional inputs whose value may be unknown while Terraform plans: another input tells whether they count.
_GIVEN = {
    "job_role_arn": "!var.create_job_role",
    "execution_role_arn": "!var.create_execution_role",
    "trigger_role_arn": "!var.create_trigger_role",
    "log_group_name": "!var.create_log_group",
}


def _require_one_of_two(job: ScheduledJob, switch: str, name: str) -> None:
    """What is brought is used, and what is not used is refused: an input never goes without effect unsaid."""
    require(
        job.job_definition,
        Expression.of(f"!var.{switch} || var.{name} == null"),
        f"${{var.name}}: {name} is given, but {switch} is true: set it to false, or leave {name} out.",
    )
    require(
        job.job_definition,
        Expression.of(f"var.{switch} || var.{name} != null"),
        f"${{var.name}}: {switch} is false: give {name}.",
    )


def module() -> ModuleStack:
    """The module `scheduled_job`."""
    stack = ModuleStack("scheduled_job")
    inputs = {
        v.name: stack.variable(v, given=Expression.of(_GIVEN[v.name]) if v.name in _GIVEN else None) for v in VARIABLES
    }
    arguments: dict[str, Any] = {
        "except_" if name == "except" else name: value
        for name, value in inputs.items()
        if not name.startswith("create_")
    }
    job = ScheduledJob(stack, "Default", **arguments)
    for name, given in _GIVEN.items():
        _require_one_of_two(job, given.removeprefix("!var."), name)
    require(
        job.job_definition,
        Expression.of("!contains(var.after, var.name)"),
        "${var.name}: after names this job itself: it would start again and again.",
    )
    require(
        job.job_definition,
        Expression.of("var.create_job_role || length(var.permissions) == 0"),
        "${var.name}: permissions have no effect on a role that is not made here: give them to that role, or leave them"
        " out.",
    )
    require(
        job.job_definition,
        Expression.of(
            "length(var.secrets_kms_key_arns) == 0 || (var.create_execution_role && length(var.secrets) > 0)"
        ),
        "${var.name}: secrets_kms_key_arns have an effect only with secrets and an execution role that is made here.",
    )
    stack.output("job_definition_name", job.job_definition["name"], "Name of the job definition: its newest revision.")
    stack.output("job_definition_arn", job.job_definition["arn"], "ARN of the job definition, with its revision.")
    stack.output("rule_name", job.rule["name"], "Name of the EventBridge rule; null where none starts the job.")
    stack.output("rule_arn", job.rule["arn"], "ARN of the rule; null where none starts the job.")
    stack.output(
        "schedule_name", job.schedule["name"], "Name of the Scheduler schedule; null where none starts the job."
    )
    stack.output("schedule_arn", job.schedule["arn"], "ARN of that schedule; null where a rule is enough.")
    stack.output("job_role_arn", job.job_role_arn, "ARN of the job role.")
    stack.output("job_role_name", job.job_role["name"], "Name of the job role, for further policies; null if brought.")
    stack.output("execution_role_arn", job.execution_role_arn, "ARN of the execution role; null where none is needed.")
    stack.output("trigger_role_arn", job.trigger_role_arn, "ARN of the trigger role; null where no trigger needs one.")
    stack.output("log_group_name", job.log_group_name, "Name of the log group.")
    return stack
