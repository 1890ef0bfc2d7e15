"""Rules on failed jobs, the function that reports them, and what keeps an alert that did not arrive."""

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
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    literals,
    not_empty,
)
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.items import each_value, joined
from batchtab.constructs._terraform.log_groups import log_group
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.roles import RoleSettings
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
    """Reports each job of some queues that failed, and each job that blocks its queue, to Slack or an SNS topic.

    Batch says FAILED once, after the last attempt. The event goes to a Lambda function, which makes a message and waits
    until it is taken: by a function that exists, a webhook, or an SNS topic. No alert is lost silently: what
    EventBridge cannot deliver and what the function fails on three times goes into one dead-letter queue, which has an
    alarm. The queue keeps the event as it came, so that it can be given to the function again.

    Quiet alerts have a table: the same event is sent once, repeated failures of a job are counted and sent once in
    `repeat_seconds`, a recovery is sent, jobs that failed because of another are sent with it, and a storm becomes a
    few messages that name every job. Where the table does not answer, each alert is sent at once.

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
        tags = literals(alerts.tags) or None
        name = f"{alerts.namespace}-job-alerts"
        self.log_group = log_group(
            self,
            f"/aws/lambda/{name}",
            retention_days=alerts.log_retention_days,
            kms_key_arn=alerts.kms_key_arn,
            tags=tags,
        )
        #: Where all of it is.
        self.account = account = Account.of_arn(self, self.log_group["arn"])
        region = choose(is_set(alerts.function_region), alerts.function_region, account.region)

        statuses = choose(alerts.quiet, ["FAILED", "SUCCEEDED"], ["FAILED"])
        detail = {"status": statuses}
        self.rule = rules.on_jobs(
            self, "failed_job", alerts.namespace, alerts.job_queue_arns, "Batch Job State Change", detail, tags
        )
        self.blocked_rule = rules.on_jobs(
            self, "blocked_queue", alerts.namespace, alerts.job_queue_arns, "Batch Job Queue Blocked", {}, tags
        )
        self.dead_letter_queue, self.dead_letter_alarm = dead_letter_queue(
            self,
            "dead_letter",
            name=f"{name}-dead-letter",
            sender="events.amazonaws.com",
            source_arn=[account.arn("events", f"rule/{alerts.namespace}-{rule}") for rule in rules.NAMES],
            description=f"An alert of {alerts.namespace} was not delivered: its event is in the queue.",
            kms_key_arn=alerts.kms_key_arn,
            alarm_topic_arns=alerts.alarm_topic_arns,
            tags=tags,
            account=account,
        )
        self.table = table(
            self, name=name, keys=("pk", "sk"), kms_key_arn=alerts.kms_key_arn, tags=tags, when=alerts.quiet
        )
        self.sender_function_arn = delivery.function_arn(account, region, alerts.function_name)
        namespaces = joined([alerts.namespace], alerts.further_namespaces)
        streams = joined(
            each_value(namespaces, lambda _, name: account.arn("logs", f"log-group:/aws/batch/{name}:*")),
            each_value(namespaces, lambda _, name: account.arn("logs", f"log-group:/aws/batch/{name}/*:*")),
            each_value(alerts.log_group_names, lambda _, name: account.arn("logs", f"log-group:{name}:*")),
        )
        further_queues = alerts.further_trigger_dead_letter_queue_arns
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
                "ALERT_FURTHER_NAMESPACES": _commas(alerts.further_namespaces),
                "ALERT_DETAILS": _text(alerts.details),
                "ALERT_STAGE": literal(alerts.stage),
                "ALERT_RERUN_COMMAND": literal(alerts.rerun_command),
                "ALERT_LOG_LINES": _text(alerts.log_lines),
                **delivery.environment(alerts.function_name, region, alerts.webhook_secret_arn, alerts.topic_arn),
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
                *delivery.grants(
                    self.sender_function_arn, alerts.webhook_secret_arn, alerts.webhook_kms_key_arn, alerts.topic_arn
                ),
                (["logs:GetLogEvents"], streams),
                (["sqs:SendMessage"], [self.dead_letter_queue["arn"]]),
                (list(alert_table.ACTIONS), choose(alerts.quiet, [self.table.get("arn")], [])),
                # AWS knows no resource for it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
                (
                    ["batch:DescribeJobs", "batch:ListJobs"],
                    choose(any_of(alerts.details, not_empty(alerts.schedules)), ["*"], []),
                ),
                # Runs are looked up by their times, and a rate's times are unknown.
                (
                    ["dynamodb:Query"],
                    choose(all_of(alerts.quiet, is_set(alerts.runs_table_arn)), [alerts.runs_table_arn], []),
                ),
                *rules.trigger_grants(alerts.trigger_dead_letter_queue_arn, further_queues),
                # What a key of the customer's encrypts is of use only to those who may use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(alerts.kms_key_arn), [alerts.kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            kms_key_arn=alerts.kms_key_arn,
            roles=RoleSettings.of(alerts, tags),
            log_group=self.log_group,
            tags=tags,
            dead_letter_queue_arn=self.dead_letter_queue["arn"],
            reserved_concurrent_executions=alerts.reserved_concurrent_executions,
        )
        self.function, self.role = made.function, made.role
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
        rules.on_triggers(
            self, alerts.trigger_dead_letter_queue_arn, further_queues, self.function, made.role_policy.address, tags
        )


def _commas(names: Any) -> Any:
    """Names as one setting."""
    return Expression.of(f'join(",", {hcl(names)})') if is_expression(names) else ",".join(names)


def _text(value: Any) -> Any:
    """A setting as an environment variable."""
    if is_expression(value):
        return Expression.of(f"tostring({hcl(value)})")
    return str(value).lower() if isinstance(value, bool) else str(value)
