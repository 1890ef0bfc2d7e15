"""EventBridge Scheduler.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, passing, table, tagging


def _schedule(call: Call) -> Iterable[Target]:
    return [Target("schedule", call.arn(f"schedule/{call.get('GroupName') or 'default'}/{call.need('Name')}"))]


def _group(call: Call) -> Iterable[Target]:
    return [Target("schedule-group", call.arn(f"schedule-group/{call.need('Name')}"))]


def _schedules_of_group(call: Call) -> Iterable[Target]:
    """The schedules that go with their group."""
    return [Target("schedule", call.arn(f"schedule/{call.need('Name')}/*"))]


TABLE = table(
    {
        "CreateSchedule UpdateSchedule": (on(_schedule), passing("scheduler.amazonaws.com", "Target.RoleArn")),
        "DeleteSchedule GetSchedule": on(_schedule),
        "CreateScheduleGroup": (on(_group), tagging(_group)),
        "DeleteScheduleGroup": (on(_group), on(_schedules_of_group, action="scheduler:DeleteSchedule")),
        "GetScheduleGroup": on(_group),
        "ListSchedules ListScheduleGroups": everywhere(),
        "ListTagsForResource TagResource UntagResource": on(by_arn("ResourceArn")),
    }
)
