"""SQS and SNS.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import Rule, by_arn, everywhere, on, pass_role, table, tagging, with_key


def _queue(call: Call) -> Iterable[Target]:
    """The account and the name are in a queue's URL."""
    url = call.get("QueueUrl")
    account, name = urlsplit(url).path.split("/")[-2:] if url else (call.account, call.need("QueueName"))
    return [Target("queue", call.arn(name).replace(f":{call.account}:", f":{account or call.account}:"))]


def _sending(action: str) -> tuple[Rule, ...]:
    return on(_queue, action=action), with_key(_queue, "sqs", "kms:GenerateDataKey", "kms:Decrypt")


QUEUES = table(
    {
        "CreateQueue": (on(_queue), tagging(_queue, "sqs:TagQueue")),
        "SendMessage SendMessageBatch": _sending("sqs:SendMessage"),
        "ReceiveMessage": (on(_queue), with_key(_queue, "sqs", "kms:Decrypt")),
        "DeleteMessage DeleteMessageBatch": on(_queue, action="sqs:DeleteMessage"),
        "ChangeMessageVisibility ChangeMessageVisibilityBatch": on(_queue, action="sqs:ChangeMessageVisibility"),
        "AddPermission DeleteQueue GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListQueueTags PurgeQueue"
        " RemovePermission SetQueueAttributes TagQueue UntagQueue": on(_queue),
        "StartMessageMoveTask ListMessageMoveTasks": on(by_arn("SourceArn")),
        "ListQueues": on(lambda call: [Target("queue", call.arn("*"))]),
    }
)


def _topic(call: Call) -> Iterable[Target]:
    arn = call.get("TopicArn") or call.get("TargetArn") or call.get("ResourceArn")
    if arn is None:
        # A subscription's ARN is its topic's, and an id.
        subscription = call.get("SubscriptionArn")
        arn = subscription.rpartition(":")[0] if subscription else call.arn(call.need("Name"))
    return [Target("topic", arn)]


def _feedback_roles(call: Call) -> Iterable[Check]:
    """The roles with which a topic writes of its deliveries."""
    attributes = {**(call.get("Attributes") or {}), str(call.get("AttributeName")): call.get("AttributeValue")}
    roles = {value for name, value in attributes.items() if name.endswith("FeedbackRoleArn") and value}
    return [pass_role(call, role, "sns.amazonaws.com") for role in sorted(roles)]


TOPICS = table(
    {
        "CreateTopic": (on(_topic), tagging(_topic), _feedback_roles),
        "SetTopicAttributes": (on(_topic), _feedback_roles),
        "Publish PublishBatch": (
            on(_topic, action="sns:Publish"),
            with_key(_topic, "sns", "kms:GenerateDataKey", "kms:Decrypt"),
        ),
        "AddPermission ConfirmSubscription DeleteTopic GetDataProtectionPolicy GetTopicAttributes"
        " ListSubscriptionsByTopic ListTagsForResource PutDataProtectionPolicy RemovePermission"
        " Subscribe TagResource UntagResource": on(_topic),
        "GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe": everywhere(),
        "ListSubscriptions ListTopics": everywhere(),
    }
)
