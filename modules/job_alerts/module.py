"""The alerts' inputs and outputs as a Terraform module."""

from __future__ import annotations

from jobs import limits

from .._core.expressions import hcl
from .._core.module_stack import ModuleStack, Variable, among, holds, matching
from .construct import JobAlerts

_DEFAULTS = limits.ALERT_DEFAULTS

VARIABLES = (
    Variable(
        "namespace",
        "string",
        "The environment's namespace; every name begins with it.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    Variable(
        "job_queue_arns",
        "list(string)",
        "ARNs of the queues whose failed jobs are told. How many there are must be known when Terraform plans.",
        validations=[
            holds("length(var.job_queue_arns) > 0", "job_queue_arns: name at least one."),
            holds(
                f"alltrue([for arn in var.job_queue_arns : can(regex({hcl(limits.JOB_QUEUE_ARN.pattern)}, arn))])",
                f"job_queue_arns: each must be {limits.JOB_QUEUE_ARN.meaning}.",
            ),
        ],
    ),
    Variable(
        "function_name",
        "string",
        "Function of this account that takes a Slack message as JSON and sends it.",
        _DEFAULTS["function_name"],
        [matching("function_name", limits.FUNCTION_NAME)],
    ),
    Variable(
        "function_region",
        "string",
        "Region of that function; null: the provider's.",
        None,
        [matching("function_region", limits.REGION, nullable=True)],
    ),
    Variable(
        "channel",
        "string",
        "Slack channel, with its `#`.",
        _DEFAULTS["channel"],
        [matching("channel", limits.SLACK_CHANNEL)],
    ),
    Variable(
        "username",
        "string",
        "Name that the messages come from.",
        _DEFAULTS["username"],
        [matching("username", limits.SLACK_USERNAME)],
    ),
    Variable(
        "icon_emoji",
        "string",
        "Emoji beside the name.",
        _DEFAULTS["icon_emoji"],
        [matching("icon_emoji", limits.SLACK_EMOJI)],
    ),
    Variable(
        "color",
        "string",
        f"Color of the bar beside the text: {limits.SLACK_COLOR.meaning}.",
        _DEFAULTS["color"],
        [matching("color", limits.SLACK_COLOR)],
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
        "Key for the log group, the dead-letter queue and the function's environment; null: AWS's own keys.",
        None,
    ),
    Variable("alarm_topic_arns", "list(string)", "SNS topics that are told when an alert could not be delivered.", []),
    Variable("permissions_boundary_arn", "string", "Permissions boundary of the function's role.", None),
    Variable("tags", "map(string)", "Tags of everything made here.", {}),
)


def module() -> ModuleStack:
    """The module `job_alerts`."""
    stack = ModuleStack("job_alerts")
    alerts = JobAlerts(stack, "Default", **{v.name: stack.variable(v) for v in VARIABLES})
    stack.output("alert_function_arn", alerts.function["arn"], "ARN of the function that makes the messages.")
    stack.output("alert_function_name", alerts.function["function_name"], "Its name.")
    stack.output("role_arn", alerts.role["arn"], "ARN of its role.")
    stack.output("log_group_name", alerts.log_group["name"], "Name of its log group.")
    stack.output("dead_letter_queue_arn", alerts.dead_letter_queue["arn"], "ARN of the queue of undelivered events.")
    stack.output("dead_letter_queue_url", alerts.dead_letter_queue["id"], "URL of that queue.")
    return stack
