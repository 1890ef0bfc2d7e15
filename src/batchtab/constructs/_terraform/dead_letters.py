"""A dead-letter queue with an alarm: queue, its policy, the alarm."""

from __future__ import annotations

from typing import Any, NamedTuple

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import CloudwatchMetricAlarm, SqsQueue
from batchtab.constructs._terraform.expressions import as_bool, as_list, as_map, choose, is_set
from batchtab.constructs._terraform.policies import policy
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

_FOURTEEN_DAYS = 14 * 86_400  # SQS's longest


class DeadLetterQueue(NamedTuple):
    """The queue, and the alarm on what is in it."""

    queue: ResourceRef
    alarm: ResourceRef


def dead_letter_queue(
    scope: BatchtabConstruct,
    id_prefix: str,
    *,
    name: str,
    sender: str | None,
    source_arn: Any,
    description: str,
    kms_key_arn: str | None,
    alarm_topic_arns: Any,
    tags: Any,
    account: Account,
    visibility_timeout_seconds: int | None = None,
) -> DeadLetterQueue:
    """Makes the queue, lets one service send to it, and raises an alarm while anything is in it.

    Args:
        scope: The construct that it belongs to.
        id_prefix: First part of the resources' names.
        name: The queue's name.
        sender: The service that sends by a resource policy, or None. A function sends by its role, which needs
            sqs:SendMessage, and with a key kms:Decrypt and kms:GenerateDataKey.
        source_arn: What the service must act for, or an expression of a list; it may contain `*`.
        description: The alarm's text.
        kms_key_arn: Encrypts instead of SQS's own key; its policy must let the sender use it.
        alarm_topic_arns: SNS topics for the alarm; without one it shows in the console only.
        tags: On the queue and the alarm.
        account: Where it is.
        visibility_timeout_seconds: For a queue that a function reads: longer than the function may run.
    """
    own_policy = None
    if sender is not None:
        statement = {
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Principal": {"Service": sender},
            "Resource": account.arn("sqs", name),
            "Condition": {"ArnLike": {"aws:SourceArn": source_arn}},
        }
        own_policy = policy([statement])
    queue = create_resource(
        scope,
        SqsQueue,
        f"{id_prefix}_queue",
        name=name,
        message_retention_seconds=_FOURTEEN_DAYS,
        visibility_timeout_seconds=visibility_timeout_seconds,
        kms_master_key_id=kms_key_arn,
        sqs_managed_sse_enabled=as_bool(choose(is_set(kms_key_arn), None, True)),
        policy=own_policy,  # a resource of its own would wait another half minute for SQS to agree with itself
        tags=as_map(tags),
    )
    alarm = create_resource(
        scope,
        CloudwatchMetricAlarm,
        f"{id_prefix}_alarm",
        alarm_name=name,
        alarm_description=description,
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": queue["name"]},
        statistic="Maximum",
        comparison_operator="GreaterThanThreshold",
        threshold=0,
        period=60,
        evaluation_periods=1,
        treat_missing_data="notBreaching",
        alarm_actions=as_list(alarm_topic_arns),
        tags=as_map(tags),
    )
    return DeadLetterQueue(queue, alarm)
