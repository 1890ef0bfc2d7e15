"""A rule on failed jobs, the function that tells Slack of them, and what keeps an alert that did not arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetRetryPolicy,
)
from cdktf_cdktf_provider_aws.lambda_function_event_invoke_config import LambdaFunctionEventInvokeConfig
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

from jobs import limits

from .._core.account import Account
from .._core.arguments import check
from .._core.dead_letters import dead_letter_queue
from .._core.documents import document
from .._core.expressions import Expression, as_map, choose, hcl, is_expression, is_set, literal
from .._core.functions import python_function
from .._core.resources import Unit, make

_PACKAGE = "job_alerts"
_TIMEOUT_SECONDS = 60
_MEMORY_MIB = 256
_RETRIES = 2  # Lambda's most, after one and two minutes
_EVENT_AGE_SECONDS = 6 * 3600  # Lambda's most: how long a throttled event waits
_DELIVERY_AGE_SECONDS = 3600  # how long EventBridge tries to hand an event to Lambda
_DELIVERY_ATTEMPTS = 185  # EventBridge's most: the age ends the retries
# EventBridge takes 2,048 characters of pattern by default, and a queue's ARN may have 190: each rule gets this many.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_QUEUES_PER_RULE = 8


class JobAlerts(Unit):
    """Tells Slack of each job of some queues that failed, through a function that exists.

    Batch says FAILED once, after the last attempt. The event goes to a Lambda function, which hands the message to
    `function_name` and waits for its answer. An alert is not lost without a word: what EventBridge cannot deliver and
    what the function fails on three times goes into one dead-letter queue, whose alarm says so.

    See https://docs.aws.amazon.com/batch/latest/userguide/cloudwatch_event_stream.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        job_queue_arns: Sequence[str] | Expression,
        function_name: str = limits.ALERT_DEFAULTS["function_name"],
        function_region: str | None = None,
        channel: str = limits.ALERT_DEFAULTS["channel"],
        username: str = limits.ALERT_DEFAULTS["username"],
        icon_emoji: str = limits.ALERT_DEFAULTS["icon_emoji"],
        color: str = limits.ALERT_DEFAULTS["color"],
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        kms_key_arn: str | None = None,
        alarm_topic_arns: Sequence[str] | Expression = (),
        permissions_boundary_arn: str | None = None,
        tags: Any = None,
    ) -> None:
        """Makes the alerts.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it.
            job_queue_arns: Jobs of these queues are told. How many there are must be known when Terraform plans.
            function_name: Takes a Slack message as JSON and sends it; of this account.
            function_region: Its region; None is the region of the stack.
            channel: Slack channel, with its `#`.
            username: Who seems to speak.
            icon_emoji: Their picture.
            color: Of the bar beside the text: `danger`, `warning`, `good` or a code such as `#cc0000`.
            log_retention_days: How long CloudWatch keeps the function's log.
            kms_key_arn: Encrypts log group, dead-letter queue and the function's environment instead of AWS's own keys.
                Its policy must let events.amazonaws.com, sqs and logs use it.
            alarm_topic_arns: SNS topics that are told when an alert could not be delivered.
            permissions_boundary_arn: For the function's role.
            tags: On everything.

        Raises:
            ValueError: a known value is outside what AWS or Slack allows.
        """
        super().__init__(scope, id_)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check("function_name", function_name, limits.FUNCTION_NAME)
        check("function_region", function_region, limits.REGION)
        check("channel", channel, limits.SLACK_CHANNEL)
        check("username", username, limits.SLACK_USERNAME)
        check("icon_emoji", icon_emoji, limits.SLACK_EMOJI)
        check("color", color, limits.SLACK_COLOR)
        check("log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
        if not is_expression(job_queue_arns):
            if not job_queue_arns:
                raise ValueError("job_queue_arns is empty: name at least one queue")
            for arn in job_queue_arns:
                check("job_queue_arns", arn, limits.JOB_QUEUE_ARN)
        name = f"{namespace}-job-alerts"
        account = Account.of(self)
        region = choose(is_set(function_region), function_region, account.region)

        self.rule = make(
            self,
            CloudwatchEventRule,
            "failed_job",
            for_each=_by_rule(job_queue_arns),
            name=f"{namespace}-failed-job-${{each.key}}",
            description="Jobs that Batch gave up.",
            event_pattern=document(
                {
                    "source": ["aws.batch"],
                    "detail-type": ["Batch Job State Change"],
                    "detail": {"status": ["FAILED"], "jobQueue": Expression.of("each.value")},
                }
            ),
            tags=as_map(tags),
        )
        self.dead_letter_queue = dead_letter_queue(
            self,
            "dead_letter",
            name=f"{name}-dead-letter",
            sender="events.amazonaws.com",
            source_arn=Expression.of(f"[for rule in {self.rule.address} : rule.arn]"),
            description=f"An alert of {namespace} was not delivered: its event lies in the queue.",
            kms_key_arn=kms_key_arn,
            alarm_topic_arns=alarm_topic_arns,
            tags=tags,
        )
        self.sender_function_arn = _function_arn(account, region, function_name)
        made = python_function(
            self,
            name=name,
            package=_PACKAGE,
            description=f"Tells Slack of failed jobs of {namespace}.",
            environment={
                "SLACK_FUNCTION_NAME": function_name,
                "SLACK_FUNCTION_REGION": region,
                "SLACK_CHANNEL": literal(channel),
                "SLACK_USERNAME": literal(username),
                "SLACK_ICON_EMOJI": literal(icon_emoji),
                "SLACK_COLOR": literal(color),
            },
            may=[
                (["lambda:InvokeFunction"], [self.sender_function_arn]),
                (["sqs:SendMessage"], [self.dead_letter_queue["arn"]]),
                # A queue encrypted with a key of the customer's: who sends to it must be able to use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(kms_key_arn), [kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            log_retention_days=log_retention_days,
            kms_key_arn=kms_key_arn,
            permissions_boundary_arn=permissions_boundary_arn,
            tags=tags,
            dead_letter_queue=self.dead_letter_queue,
        )
        self.function, self.log_group, self.role = made.function, made.log_group, made.role
        make(
            self,
            LambdaFunctionEventInvokeConfig,
            "event_invoke_config",
            function_name=self.function["function_name"],
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            maximum_retry_attempts=_RETRIES,
        )
        permission = make(
            self,
            LambdaPermission,
            "permission",
            for_each=Expression.of(self.rule.address),
            statement_id="failed-job-${each.key}",
            action="lambda:InvokeFunction",
            function_name=self.function["function_name"],
            principal="events.amazonaws.com",
            source_arn=Expression.of("each.value.arn"),
        )
        make(
            self,
            CloudwatchEventTarget,
            "target",
            for_each=Expression.of(self.rule.address),
            rule=Expression.of("each.value.name"),
            arn=self.function["arn"],
            retry_policy=CloudwatchEventTargetRetryPolicy(
                maximum_event_age_in_seconds=_DELIVERY_AGE_SECONDS, maximum_retry_attempts=_DELIVERY_ATTEMPTS
            ),
            dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=self.dead_letter_queue["arn"]),
            depends_on=[permission.address],
        )


def _by_rule(job_queue_arns: Any) -> Expression:
    """The queues in handfuls, each with a number that is known when Terraform plans."""
    return Expression.of(
        f"{{ for index, arns in chunklist({hcl(job_queue_arns)}, {_QUEUES_PER_RULE}) : tostring(index + 1) => arns }}"
    )


def _function_arn(account: Account, region: Any, name: str) -> str:
    return f"arn:{account.partition}:lambda:{region}:{account.id}:function:{name}"
