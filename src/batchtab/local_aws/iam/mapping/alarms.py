"""CloudWatch.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, table, tagging


def _alarms(call: Call) -> Iterable[Target]:
    return [Target("alarm", call.arn(f"alarm:{name}")) for name in call.all("AlarmName", "AlarmNames") or ["*"]]


def _all_alarms(call: Call) -> Iterable[Target]:
    """AWS looks for alarms among all of them, whichever are asked for."""
    return [Target("alarm", call.arn("alarm:*"))]


def _put_alarm(call: Call) -> Iterable[Check]:
    actions = call.all("AlarmActions", "OKActions", "InsufficientDataActions")
    return [call.check(None, target, cloudwatch__AlarmActions=actions) for target in _alarms(call)]


TABLE = table(
    {
        "PutMetricAlarm PutCompositeAlarm": (_put_alarm, tagging(_alarms)),
        "DeleteAlarms DescribeAlarmHistory DisableAlarmActions EnableAlarmActions SetAlarmState": on(_alarms),
        "DescribeAlarms": on(_all_alarms),
        "PutMetricData": lambda call: [call.check(None, None, cloudwatch__namespace=call.get("Namespace"))],
        "GetMetricData GetMetricStatistics ListMetrics": everywhere(),
        "ListTagsForResource TagResource UntagResource": on(by_arn("ResourceARN")),
    }
)
