"""The alerts' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform import schedule_grammar as grammar
from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import ModuleStack, Variable, requires
from batchtab.constructs._terraform.resources import local, named, require, require_none
from batchtab.constructs.job_alerts.construct import JobAlerts
from batchtab.declarations import alert_arguments, alert_fields
from batchtab.declarations.alert_arguments import AlertArguments, WatchedSchedule

_CLOCK = " && ".join(
    f"watched.{name} == {hcl(WatchedSchedule.model_fields[name].get_default())}" for name in alert_arguments.OF_CLOCK
)
_MORE = {
    "schedules": [
        requires(
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
    patterns = named(alerts, "cron_patterns", grammar.patterns())
    is_right = grammar.is_schedule("watched.schedule", hcl(patterns))
    each = """${name} '${watched.schedule}'"""
    wrong = local(
        alerts,
        "wrong_schedules",
        Expression.of(f'[for name, watched in var.schedules : "{each}" if !{is_right}]'),
    )
    require_none(
        alerts.function,
        hcl(wrong),
        f'${{var.namespace}}: schedules: ${{join(", ", {hcl(wrong)})}} must be {grammar.CRON_FORM}, each in AWS\'s'
        f" range, or {grammar.RATE_FORMS}, or {grammar.AT_FORM}.",
    )
    # An input without effect is refused.
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
    for name in ("repeat_seconds", *alert_arguments.OF_QUIET):
        require(
            alerts.function,
            Expression.of(f"var.quiet || var.{name} == {limits.ALERT_DEFAULTS[name]}"),
            f"${{var.namespace}}: {name} {alert_fields.WITHOUT_QUIET}: set quiet to true.",
        )
    default = hcl(limits.ALERT_DEFAULTS["function_name"])
    for name, left_out in (("function_name", f"== {default}"), ("function_region", "== null")):
        require(
            alerts.function,
            Expression.of(f"var.{name} {left_out} ? true : var.webhook_secret_arn == null"),
            f"${{var.namespace}}: {name} {alert_fields.BESIDE_WEBHOOK}: leave one of the two out.",
        )
        require(
            alerts.function,
            Expression.of(f"var.{name} {left_out} ? true : var.topic_arn == null"),
            f"${{var.namespace}}: {name} {alert_fields.BESIDE_TOPIC}: leave one of the two out.",
        )
    stack.warn(
        "has_effect",
        {
            "var.quiet ? true : var.runs_table_arn == null": (
                "${var.namespace}: runs_table_arn has no effect without quiet."
            ),
            f"var.details ? true : var.log_lines == {limits.ALERT_DEFAULTS['log_lines']}": (
                "${var.namespace}: log_lines has no effect without details."
            ),
        },
    )
    alerts.account.require_region(
        alerts.function,
        "${var.namespace}: ",
        alarm_topic_arns="var.alarm_topic_arns",
        runs_table_arn="compact([var.runs_table_arn])",
    )
    alerts.account.require_place(
        alerts.function,
        "${var.namespace}: ",
        job_queue_arns="var.job_queue_arns",
        trigger_dead_letter_queue_arn="compact([var.trigger_dead_letter_queue_arn])",
        further_trigger_dead_letter_queue_arns="var.further_trigger_dead_letter_queue_arns",
    )
    require(
        alerts.function,
        Expression.of("var.topic_arn == null || var.webhook_secret_arn == null"),
        f"${{var.namespace}}: webhook_secret_arn {alert_fields.BESIDE_TOPIC}: leave one of the two out.",
    )
    stack.output("alert_function_arn", alerts.function["arn"], "ARN of the function that makes the messages.")
    stack.output("alert_function_name", alerts.function["function_name"], "Its name.")
    stack.output("role_arn", alerts.role["arn"], "ARN of its role.")
    stack.output("role_name", alerts.role["name"], "Name of its role.")
    stack.output("log_group_name", alerts.log_group["name"], "Name of its log group.")
    stack.output("log_group_arn", alerts.log_group["arn"], "ARN of its log group.")
    stack.output("dead_letter_queue_arn", alerts.dead_letter_queue["arn"], "ARN of the queue of undelivered events.")
    stack.output("dead_letter_alarm_arn", alerts.dead_letter_alarm["arn"], "ARN of the alarm on that queue.")
    stack.output("table_arn", alerts.table["arn"], "ARN of the table of quiet alerts; null without.")
    stack.output("table_name", alerts.table["name"], "Name of the table of quiet alerts; null without.")
    stack.output("dead_letter_queue_url", alerts.dead_letter_queue["id"], "URL of that queue.")
    return stack
