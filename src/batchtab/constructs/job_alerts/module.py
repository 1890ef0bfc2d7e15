"""The alerts' inputs and outputs as a Terraform module."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import (
    ModuleStack,
    Variable,
    among,
    each_key,
    holds,
    job_queue_arns,
    matching,
    within,
)
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.job_alerts.construct import JobAlerts

_DEFAULTS = limits.ALERT_DEFAULTS

VARIABLES = (
    Variable(
        "namespace",
        "string",
        "The environment's namespace; every name begins with it.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    job_queue_arns(
        "ARNs of the queues whose failed jobs are told. How many there are must be known when Terraform plans."
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
        "webhook_secret_arn",
        "string",
        "Instead of the function: ARN of the secret or parameter that holds a webhook's address. It is read when it is"
        " needed and stands in no state, setting or log.",
        None,
        [matching("webhook_secret_arn", limits.SECRET_ARN, nullable=True)],
    ),
    Variable("webhook_kms_key_arn", "string", "Key of that secret; null: AWS's own.", None),
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
        "details",
        "bool",
        "Whether a message says more than its one sentence: what happened, when, the end of the log, links.",
        _DEFAULTS["details"],
    ),
    Variable("stage", "string", "Stage that messages show.", ""),
    Variable(
        "rerun_command",
        "string",
        "What a message offers to run the job again; `{job}`, `{queue}`, `{definition}` and `{region}` are filled in."
        " Empty: the AWS CLI's command.",
        "",
    ),
    Variable(
        "log_lines",
        "number",
        "How many of the job's last lines are shown, with what looks like a secret masked.",
        _DEFAULTS["log_lines"],
        [within("log_lines", limits.LOG_LINES)],
    ),
    Variable(
        "quiet",
        "bool",
        "Whether repeats, dependents and storms are folded, with the help of a table; also tells when a job recovers.",
        _DEFAULTS["quiet"],
    ),
    Variable(
        "repeat_seconds",
        "number",
        "How often a job that fails again and again is told, if quiet.",
        _DEFAULTS["repeat_seconds"],
        [within("repeat_seconds", limits.REPEAT_SECONDS)],
    ),
    Variable(
        "gather_seconds",
        "number",
        "How long a failure waits for what belongs to it, if quiet; longer in a storm.",
        _DEFAULTS["gather_seconds"],
        [within("gather_seconds", limits.GATHER_SECONDS)],
    ),
    Variable(
        "give_up_seconds",
        "number",
        "After which what Slack did not take goes into the dead-letter queue, if quiet.",
        _DEFAULTS["give_up_seconds"],
        [within("give_up_seconds", limits.GIVE_UP_SECONDS)],
    ),
    Variable(
        "routes",
        'map(object({ channel = optional(string, ""), mention = optional(string, ""), mute = optional(bool, false),'
        ' service = optional(string, "") }))',
        "Where alerts go, by a service's or a job's name, if quiet. An empty route tells that there is a"
        " service of this name. A job's route that names its service takes nothing from routes with shorter names.",
        {},
        [
            each_key("routes", "a name", limits.JOB_NAME),
            holds(
                f'alltrue([for route in values(var.routes) : route.channel == "" ? true :'
                f" can(regex({hcl(limits.SLACK_CHANNEL.pattern)}, route.channel))])",
                f"routes: channel must be {limits.SLACK_CHANNEL.meaning}.",
            ),
            holds(
                f'alltrue([for route in values(var.routes) : route.mention == "" ? true :'
                f" can(regex({hcl(limits.SLACK_MENTION.pattern)}, route.mention))])",
                f"routes: mention must be {limits.SLACK_MENTION.meaning}.",
            ),
            holds(
                f'alltrue([for route in values(var.routes) : route.service == "" ? true :'
                f" can(regex({hcl(limits.JOB_NAME.pattern)}, route.service))])",
                f"routes: service must be {limits.JOB_NAME.meaning}.",
            ),
        ],
    ),
    Variable(
        "schedules",
        "map(object({ schedule = string, job_queue_arn = string, late_after_seconds = number,"
        ' timezone = optional(string, ""), start = optional(string, ""), end = optional(string, ""),'
        " flexible_window_minutes = optional(number, 0) }))",
        "Jobs by their full names, of which a run that starts later than that after its time is told, if quiet. The"
        " schedule is in AWS's form, its times are those of `timezone`; `start` and `end` are in UTC.",
        {},
        [
            each_key("schedules", "a name", limits.JOB_NAME),
            holds(
                f"alltrue([for watched in values(var.schedules) :"
                f" can(regex({hcl(limits.AWS_SCHEDULE_SHAPE.pattern)}, watched.schedule))])",
                f"schedules: schedule must be {limits.AWS_SCHEDULE_SHAPE.meaning}.",
            ),
            holds(
                f"alltrue([for watched in values(var.schedules) :"
                f" can(regex({hcl(limits.JOB_QUEUE_ARN.pattern)}, watched.job_queue_arn))])",
                f"schedules: job_queue_arn must be {limits.JOB_QUEUE_ARN.meaning}.",
            ),
            holds(
                f"alltrue([for watched in values(var.schedules) :"
                f" watched.late_after_seconds >= {limits.LATE_AFTER_SECONDS.minimum}"
                f" && watched.late_after_seconds <= {limits.LATE_AFTER_SECONDS.maximum}])",
                f"schedules: late_after_seconds must be {limits.LATE_AFTER_SECONDS.describe()}.",
            ),
            *(
                holds(
                    f'alltrue([for watched in values(var.schedules) : watched.{key} == "" ? true :'
                    f" can(regex({hcl(limit.pattern)}, watched.{key}))])",
                    f"schedules: {key} must be {limit.meaning}.",
                )
                for key, limit in (("timezone", limits.TIMEZONE), ("start", limits.MOMENT), ("end", limits.MOMENT))
            ),
            holds(
                "alltrue([for watched in values(var.schedules) : watched.flexible_window_minutes >= 0"
                f" && watched.flexible_window_minutes <= {limits.FLEXIBLE_WINDOW_MINUTES.maximum}])",
                f"schedules: flexible_window_minutes must be 0 or {limits.FLEXIBLE_WINDOW_MINUTES.describe()}.",
            ),
            holds(
                'alltrue([for watched in values(var.schedules) : !startswith(watched.schedule, "rate(")'
                ' || (watched.timezone == "" && watched.start == "" && watched.end == ""'
                " && watched.flexible_window_minutes == 0)])",
                "schedules: a rate does not go with timezone, start, end and flexible_window_minutes: its times are not"
                " known.",
            ),
        ],
    ),
    Variable(
        "runs_table_arn",
        "string",
        "Table of the module `job_runs`: of `schedules`, a run that its function let wait or decided against is not"
        " told as one that did not start. If a key encrypts that table, it must be `kms_key_arn`.",
        None,
    ),
    Variable(
        "tell_failed_triggers",
        "bool",
        "Whether each message of `trigger_dead_letter_queue_arn` is told as a run that did not start.",
        False,
    ),
    Variable(
        "trigger_dead_letter_queue_arn", "string", "An environment's queue of what its triggers could not submit.", None
    ),
    Variable(
        "reserved_concurrent_executions",
        "number",
        "At most so many of the function at once; other events wait in Lambda. Taken from the account's own limit, of"
        " which new accounts have little. Null: no bound.",
        None,
        [within("reserved_concurrent_executions", limits.ALERTS_AT_ONCE, nullable=True)],
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
    # Whether the queue counts is told by an input of its own: its ARN may not be known when Terraform plans.
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
        "${var.namespace}: webhook_kms_key_arn is the key of webhook_secret_arn, which is not given.",
    )
    stack.output("alert_function_arn", alerts.function["arn"], "ARN of the function that makes the messages.")
    stack.output("alert_function_name", alerts.function["function_name"], "Its name.")
    stack.output("role_arn", alerts.role["arn"], "ARN of its role.")
    stack.output("log_group_name", alerts.log_group["name"], "Name of its log group.")
    stack.output("dead_letter_queue_arn", alerts.dead_letter_queue["arn"], "ARN of the queue of undelivered events.")
    stack.output("table_name", alerts.table["name"], "Name of the table of quiet alerts; null without.")
    stack.output("dead_letter_queue_url", alerts.dead_letter_queue["id"], "URL of that queue.")
    return stack
