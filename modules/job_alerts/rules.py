"""Which events reach the function: rules, and what lets each of them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetRetryPolicy,
)
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import LambdaEventSourceMapping
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission

from .._core.documents import document
from .._core.expressions import Condition, Expression, as_map, choose, hcl, is_set
from .._core.resources import Made, Unit, make

_DELIVERY_AGE_SECONDS = 3600  # how long EventBridge tries to hand an event to Lambda
_DELIVERY_ATTEMPTS = 185  # EventBridge's most: the age ends the retries
# EventBridge takes 2,048 characters of pattern by default, and a queue's ARN may have 190: each rule gets this many.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_QUEUES_PER_RULE = 8
#: The names of the rules, with their namespace in front, for whoever lets them in.
NAMES = ("failed-job-*", "blocked-queue-*", "alerts-sweep")


def on_jobs(
    scope: Unit, label: str, namespace: str, job_queue_arns: Any, kind: str, detail: Mapping[str, Any], tags: Any
) -> Made:
    """Rules on one kind of Batch's events, as many as the queues need; their numbers are known when Terraform plans."""
    queues = hcl(job_queue_arns)
    numbered = f"{{ for index, arns in chunklist({queues}, {_QUEUES_PER_RULE}) : tostring(index + 1) => arns }}"
    return make(
        scope,
        CloudwatchEventRule,
        label,
        for_each=Expression.of(numbered),
        name=f"{namespace}-{label.replace('_', '-')}-${{each.key}}",
        description={"failed_job": "Jobs that ended.", "blocked_queue": "Jobs that block their queue."}[label],
        event_pattern=document(
            {
                "source": ["aws.batch"],
                "detail-type": [kind],
                "detail": {**detail, "jobQueue": Expression.of("each.value")},
            }
        ),
        tags=as_map(tags),
    )


def connect(scope: Unit, rule: Made, label: str, function: Made, dead_letter_queue: Made) -> None:
    """Lets rules invoke the function, and only these; what they cannot deliver is kept."""
    prefix = "" if label == "failed_job" else f"{label}_"
    permission = make(
        scope,
        LambdaPermission,
        f"{prefix}permission",
        for_each=Expression.of(rule.address),
        statement_id=f"{label.replace('_', '-')}-${{each.key}}",
        action="lambda:InvokeFunction",
        function_name=function["function_name"],
        principal="events.amazonaws.com",
        source_arn=Expression.of("each.value.arn"),
    )
    make(
        scope,
        CloudwatchEventTarget,
        f"{prefix}target",
        for_each=Expression.of(rule.address),
        rule=Expression.of("each.value.name"),
        arn=function["arn"],
        retry_policy=CloudwatchEventTargetRetryPolicy(
            maximum_event_age_in_seconds=_DELIVERY_AGE_SECONDS, maximum_retry_attempts=_DELIVERY_ATTEMPTS
        ),
        dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=dead_letter_queue["arn"]),
        depends_on=[permission.address],
    )


def sweep(scope: Unit, namespace: str, when: Condition, function: Made, tags: Any) -> None:
    """Lets the function look each minute for what was left behind."""
    if when is False:
        return
    rule = make(
        scope,
        CloudwatchEventRule,
        "sweep",
        when=when,
        name=f"{namespace}-alerts-sweep",
        description="Alerts that were left behind.",
        schedule_expression="rate(1 minute)",
        tags=as_map(tags),
    )
    permission = make(
        scope,
        LambdaPermission,
        "sweep_permission",
        when=when,
        statement_id="sweep",
        action="lambda:InvokeFunction",
        function_name=function["function_name"],
        principal="events.amazonaws.com",
        source_arn=rule.get("arn"),
    )
    make(
        scope,
        CloudwatchEventTarget,
        "sweep_target",
        when=when,
        rule=rule.get("name"),
        arn=function["arn"],
        input=document({"batchtab": "sweep"}),
        retry_policy=CloudwatchEventTargetRetryPolicy(maximum_event_age_in_seconds=60, maximum_retry_attempts=0),
        depends_on=[permission.address],
    )


def on_triggers(scope: Unit, dead_letter_queue_arn: str | None, function: Made, role_policy: str, tags: Any) -> None:
    """Lets the function read the triggers' dead-letter queue: each message is a run that was not submitted."""
    make(
        scope,
        LambdaEventSourceMapping,
        "trigger_mapping",
        when=is_set(dead_letter_queue_arn),
        event_source_arn=dead_letter_queue_arn,
        function_name=function["arn"],
        batch_size=10,
        tags=as_map(tags),
        depends_on=[role_policy],
    )


def trigger_grants(dead_letter_queue_arn: str | None) -> list[tuple[list[str], Any]]:
    """What Lambda needs to read that queue."""
    resources = choose(is_set(dead_letter_queue_arn), [dead_letter_queue_arn], [])
    return [(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], resources)]
