"""CloudWatch Logs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import Rule, by_arn, everywhere, on, table

_STREAM_OPERATIONS = "CreateLogStream DeleteLogStream GetLogEvents PutLogEvents"


def _group_name(call: Call) -> str:
    reference = call.need("logGroupName", "logGroupIdentifier")
    return reference.partition(":log-group:")[2].partition(":")[0] if reference.startswith("arn:") else reference


def _group(call: Call) -> Iterable[Target]:
    """A log group; AWS asks with an empty stream behind it, so that a policy needs `:*` at its end."""
    return [Target("log-group", call.arn(f"log-group:{_group_name(call)}:log-stream:"))]


def _stream(call: Call) -> Iterable[Target]:
    return [Target("log-stream", call.arn(f"log-group:{_group_name(call)}:log-stream:{call.need('logStreamName')}"))]


def _tagged_group(call: Call) -> Iterable[Target]:
    return [Target("log-group", call.arn(f"log-group:{call.need('logGroupName')}"))]


def _tags_of_group(call: Call) -> Iterable[Target]:
    """What the tags' own operations name, without the `:*` that some clients write."""
    (target,) = by_arn("resourceArn")(call)
    return [Target(target.type, target.arn.removesuffix(":*"))]


def _tagging_group(action: str) -> Rule:
    return lambda call: [call.check(action, target) for target in _tagged_group(call)] if call.tags else []


TABLE = table(
    {
        "CreateLogGroup": (on(_group), _tagging_group("logs:TagResource")),
        _STREAM_OPERATIONS: on(_stream),
        "AssociateKmsKey DeleteLogGroup DeleteMetricFilter DeleteRetentionPolicy DeleteSubscriptionFilter"
        " DescribeLogStreams DescribeMetricFilters DescribeSubscriptionFilters DisassociateKmsKey FilterLogEvents"
        " ListTagsLogGroup PutMetricFilter PutRetentionPolicy PutSubscriptionFilter TagLogGroup UntagLogGroup": on(
            _group
        ),
        "ListTagsForResource TagResource UntagResource": on(_tags_of_group),
        "DescribeLogGroups GetQueryResults": everywhere(),
    }
)
