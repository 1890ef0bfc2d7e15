"""Rules on failed jobs, the function that tells Slack of them, and what keeps an alert that did not arrive."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

from constructs import Construct

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import read
from batchtab.constructs._terraform.aws import LambdaFunctionEventInvokeConfig
from batchtab.constructs._terraform.dead_letters import dead_letter_queue
from batchtab.constructs._terraform.expressions import (
    Expression,
    all_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    not_empty,
)
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.tables import table
from batchtab.constructs.job_alerts import alert_table, delivery, rules
from batchtab.constructs.job_alerts.alert_arguments import AlertArgumentsDict
from batchtab.declarations import alert_arguments
from batchtab.declarations.alert_arguments import AlertArguments

_PACKAGE = "job_alerts"
_TIMEOUT_SECONDS = 120
_MEMORY_MIB = 256
_RETRIES = 2  # Lambda's most, after one and two minutes
_EVENT_AGE_SECONDS = 6 * 3600  # Lambda's most: how long a throttled event waits


class JobAlerts(BatchtabConstruct):
    """Tells Slack of each job of some queues that failed, and of each job that blocks its queue.

    Batch says FAILED once, after the last attempt. The event goes to a Lambda function, which makes a message and waits
    until it is taken: by a function that exists, or by a webhook. An alert is not lost without a word: what EventBridge
    cannot deliver and what the function fails on three times goes into one dead-letter queue, whose alarm says so; both
    keep the event as it came, so that it can be given to the function again.

    Quiet alerts have a table: the same event is told once, jobs that fail again and again are counted and told once in
    `repeat_seconds`, a job that succeeds again is told, jobs that failed because of another are told with it, and a
    storm becomes a few messages that name every job. Where the table does not answer, all is told at once.

    See https://docs.aws.amazon.com/batch/latest/userguide/cloudwatch_event_stream.html
    """

    def __init__(self, scope: Construct, id_: str, **arguments: Unpack[AlertArgumentsDict]) -> None:
        """Makes the alerts.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            arguments: The alerts; see `AlertArgumentsDict`. A value may be a Terraform expression.

        Raises:
            InvalidArgumentError: What is wrong with the values that are known, in the words of `batchtab check`.
        """
        super().__init__(scope, id_)
        rules_of = partial(alert_arguments.faults, given=arguments, is_unknown=is_expression)
        alerts = read(self, AlertArguments, arguments, rules_of)
        tags = alerts.tags or None
        name = f"{alerts.namespace}-job-alerts"
        account = Account.of(self)
        region = choose(is_set(alerts.function_region), alerts.function_region, account.region)

        statuses = choose(alerts.quiet, ["FAILED", "SUCCEEDED"], ["FAILED"])
        detail = {"status": statuses}
        self.rule = rules.on_jobs(
            self, "failed_job", alerts.namespace, alerts.job_queue_arns, "Batch Job State Change", detail, tags
        )
        self.blocked_rule = rules.on_jobs(
            self, "blocked_queue", alerts.namespace, alerts.job_queue_arns, "Batch Job Queue Blocked", {}, tags
        )
        self.dead_letter_queue = dead_letter_queue(
            self,
            "dead_letter",
            name=f"{name}-dead-letter",
            sender="events.amazonaws.com",
            source_arn=[account.arn("events", f"rule/{alerts.namespace}-{rule}") for rule in rules.NAMES],
            description=f"An alert of {alerts.namespace} was not delivered: its event is in the queue.",
            kms_key_arn=alerts.kms_key_arn,
            alarm_topic_arns=alerts.alarm_topic_arns,
            tags=tags,
        )
        self.table = table(
            self, name=name, keys=("pk", "sk"), kms_key_arn=alerts.kms_key_arn, tags=tags, when=alerts.quiet
        )
        self.sender_function_arn = delivery.function_arn(account, region, alerts.function_name)
        streams = [account.arn("logs", f"log-group:/aws/batch/{alerts.namespace}{below}:*") for below in ("", "/*")]
        made = python_function(
            self,
            name=name,
            package=_PACKAGE,
            description=f"Reports failed jobs of {alerts.namespace} to Slack.",
            environment={
                "SLACK_CHANNEL": literal(alerts.channel),
                "SLACK_USERNAME": literal(alerts.username),
                "SLACK_ICON_EMOJI": literal(alerts.icon_emoji),
                "SLACK_COLOR": literal(alerts.color),
                "ALERT_NAMESPACE": alerts.namespace,
                "ALERT_DETAILS": _text(alerts.details),
                "ALERT_STAGE": literal(alerts.stage),
                "ALERT_RERUN_COMMAND": literal(alerts.rerun_command),
                "ALERT_LOG_LINES": _text(alerts.log_lines),
                **delivery.environment(alerts.function_name, region, alerts.webhook_secret_arn),
                **alert_table.environment(
                    self.table,
                    alerts.quiet,
                    {
                        "ALERT_REPEAT_SECONDS": _text(alerts.repeat_seconds),
                        "ALERT_GATHER_SECONDS": _text(alerts.gather_seconds),
                        "ALERT_GIVE_UP_SECONDS": _text(alerts.give_up_seconds),
                        "ALERT_DEAD_LETTER_QUEUE_URL": self.dead_letter_queue["url"],
                        "ALERT_RUNS_TABLE_ARN": choose(is_set(alerts.runs_table_arn), alerts.runs_table_arn, ""),
                    },
                ),
            },
            may=[
                *delivery.grants(self.sender_function_arn, alerts.webhook_secret_arn, alerts.webhook_kms_key_arn),
                (["logs:GetLogEvents"], streams),
                (["sqs:SendMessage"], [self.dead_letter_queue["arn"]]),
                (list(alert_table.ACTIONS), choose(alerts.quiet, [self.table.get("arn")], [])),
                # AWS knows no resource for it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
                (["batch:ListJobs"], choose(not_empty(alerts.schedules), ["*"], [])),
                # Which runs there were is asked by their times, of which a rate's are nobody's to know.
                (
                    ["dynamodb:Query"],
                    choose(
                        all_of(is_set(alerts.runs_table_arn), not_empty(alerts.schedules)), [alerts.runs_table_arn], []
                    ),
                ),
                *rules.trigger_grants(alerts.trigger_dead_letter_queue_arn),
                # What a key of the customer's encrypts is of use only to those who may use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(alerts.kms_key_arn), [alerts.kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            log_retention_days=alerts.log_retention_days,
            kms_key_arn=alerts.kms_key_arn,
            permissions_boundary_arn=alerts.permissions_boundary_arn,
            tags=tags,
            dead_letter_queue_arn=self.dead_letter_queue["arn"],
            reserved_concurrent_executions=alerts.reserved_concurrent_executions,
        )
        self.function, self.log_group, self.role = made.function, made.log_group, made.role
        alert_table.write_routes(self, self.table, alerts.routes, alerts.quiet)
        alert_table.write_schedules(self, self.table, alerts.schedules, alerts.quiet)
        alert_table.require_table(self.function, alerts.quiet, routes=alerts.routes, schedules=alerts.schedules)
        create_resource(
            self,
            LambdaFunctionEventInvokeConfig,
            "event_invoke_config",
            function_name=self.function["function_name"],
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            maximum_retry_attempts=_RETRIES,
        )
        rules.connect(self, self.rule, "failed_job", self.function, self.dead_letter_queue)
        rules.connect(self, self.blocked_rule, "blocked_queue", self.function, self.dead_letter_queue)
        rules.sweep(self, alerts.namespace, alerts.quiet, self.function, tags)
        rules.on_triggers(self, alerts.trigger_dead_letter_queue_arn, self.function, made.role_policy.address, tags)


def _text(value: Any) -> Any:
    """A setting as an environment variable."""
    if is_expression(value):
        return Expression.of(f"tostring({hcl(value)})")
    return str(value).lower() if isinstance(value, bool) else str(value)
