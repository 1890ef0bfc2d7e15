"""The alerts' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import ModuleStack, Variable, holds
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.job_alerts.construct import JobAlerts
from batchtab.declarations import alert_arguments, alert_fields
from batchtab.declarations.alert_arguments import AlertArguments, WatchedSchedule

_CLOCK = " && ".join(
    f"watched.{name} == {hcl(WatchedSchedule.model_fields[name].get_default())}" for name in alert_arguments.OF_CLOCK
)
_MORE = {
    "schedules": [
        holds(
            f'alltrue([for watched in var.schedules : !startswith(watched.schedule, "rate(") || ({_CLOCK})])',
            f"schedules[*]: one of {', '.join(alert_arguments.OF_CLOCK)} {alert_arguments.NOT_WITH_RATE}.",
        ),
    ],
}
#: Whether the queue counts is an input of its own: its ARN may not be known when Terraform plans.
_TELL_FAILED_TRIGGERS = Variable(
    "tell_failed_triggers",
    "bool",
    "Whether each message of `trigger_dead_letter_queue_arn` is reported as a run that did not start.",
    False,
)
VARIABLES = (*variables(AlertArguments, _MORE), _TELL_FAILED_TRIGGERS)


def module() -> ModuleStack:
    """The module `job_alerts`."""
    stack = ModuleStack("job_alerts")
    given = {"trigger_dead_letter_queue_arn": Expression.of("var.tell_failed_triggers")}
    inputs = {v.name: stack.variable(v, given=given.get(v.name)) for v in VARIABLES}
    del inputs["tell_failed_triggers"]
    arguments: dict[str, Any] = inputs
    alerts = JobAlerts(stack, "Default", **arguments)
    # What is given and not used is refused: an input never goes without effect unsaid.
    require(
        alerts.function,
        Expression.of("var.tell_failed_triggers || var.trigger_dead_letter_queue_arn == null"),
        "${var.namespace}: trigger_dead_letter_queue_arn is given, but tell_failed_triggers is false: set it to true.",
    )
    require(
        alerts.function,
        Expression.of("!var.tell_failed_triggers || var.trigger_dead_letter_queue_arn != null"),
        "${var.namespace}: tell_failed_triggers is true: give trigger_dead_letter_queue_arn.",
    )
    require(
        alerts.function,
        Expression.of("var.webhook_secret_arn != null || var.webhook_kms_key_arn == null"),
        f"${{var.namespace}}: webhook_kms_key_arn {alert_fields.KEY_WITHOUT_SECRET}.",
    )
    stack.output("alert_function_arn", alerts.function["arn"], "ARN of the function that makes the messages.")
    stack.output("alert_function_name", alerts.function["function_name"], "Its name.")
    stack.output("role_arn", alerts.role["arn"], "ARN of its role.")
    stack.output("log_group_name", alerts.log_group["name"], "Name of its log group.")
    stack.output("dead_letter_queue_arn", alerts.dead_letter_queue["arn"], "ARN of the queue of undelivered events.")
    stack.output("table_name", alerts.table["name"], "Name of the table of quiet alerts; null without.")
    stack.output("dead_letter_queue_url", alerts.dead_letter_queue["id"], "URL of that queue.")
    return stack
