"""Rules on Batch's events about jobs, and what brings them to a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.constructs._terraform.aws import (
    CloudwatchEventRule,
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetRetryPolicy,
)
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Expression, as_map, hcl
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

_DELIVERY_AGE_SECONDS = 3600  # how long EventBridge tries to hand an event to Lambda
_DELIVERY_ATTEMPTS = 185  # EventBridge's most: the age ends the retries
# EventBridge takes 2,048 characters of pattern by default, and a queue's ARN may have 190: each rule gets this many.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_QUEUES_PER_RULE = 8


def rules_on_jobs(
    scope: BatchtabConstruct,
    label: str,
    *,
    namespace: str,
    job_queue_arns: Any,
    kind: str,
    detail: Mapping[str, Any],
    description: str,
    tags: Any,
) -> ResourceRef:
    """Rules on one kind of Batch's events, as many as the queues need; their numbers are known when Terraform plans."""
    queues = hcl(job_queue_arns)
    numbered = f"{{ for index, arns in chunklist({queues}, {_QUEUES_PER_RULE}) : tostring(index + 1) => arns }}"
    return create_resource(
        scope,
        CloudwatchEventRule,
        label,
        for_each=Expression.of(numbered),
        name=f"{namespace}-{label.replace('_', '-')}-${{each.key}}",
        description=description,
        event_pattern=document(
            {
                "source": ["aws.batch"],
                "detail-type": [kind],
                "detail": {**detail, "jobQueue": Expression.of("each.value")},
            }
        ),
        tags=as_map(tags),
    )


def deliver(
    scope: BatchtabConstruct,
    label: str,
    rule: ResourceRef,
    function: ResourceRef,
    dead_letter_queue_arn: Any,
    *,
    depends_on: Sequence[str],
) -> None:
    """Hands the events of such rules to a function, which must let them; what cannot be delivered is kept."""
    create_resource(
        scope,
        CloudwatchEventTarget,
        label,
        for_each=Expression.of(rule.address),
        rule=Expression.of("each.value.name"),
        arn=function["arn"],
        retry_policy=CloudwatchEventTargetRetryPolicy(
            maximum_event_age_in_seconds=_DELIVERY_AGE_SECONDS, maximum_retry_attempts=_DELIVERY_ATTEMPTS
        ),
        dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=dead_letter_queue_arn),
        depends_on=depends_on,
    )
