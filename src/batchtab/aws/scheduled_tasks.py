"""Rules and schedules of an account that start tasks of ECS, and the task definitions that they name."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import boto3

from batchtab.aws.client import Aws
from batchtab.aws.parallel import mapped

_PAGE = 100
#: Of each kind, at most: a call is made for each.
MOST = 1000


@dataclass(slots=True)
class ScheduledTasks:
    """What starts tasks, as the APIs return it.

    Attributes:
        rules: Rules with a schedule expression, each with those of its targets that are tasks in `Targets`.
        schedules: Schedules of EventBridge Scheduler.
        definitions: Task definitions by the ARN that a target names; those that AWS no longer has are left out.
        is_whole: Whether the account has no more rules and schedules than were read.
    """

    rules: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_whole: bool = True


def own_region() -> str | None:
    """The region that the environment or a profile names."""
    return boto3.session.Session().region_name


def read(aws: Aws, cluster: str = "", prefix: str = "") -> ScheduledTasks:
    """The scheduled tasks of a region.

    Args:
        aws: The account and region.
        cluster: A cluster's name or ARN, whose tasks alone are read; empty: of all clusters.
        prefix: What the names of rules and schedules begin with.

    Raises:
        ClientError, BotoCoreError: AWS refuses, or can't be reached.
    """
    found = ScheduledTasks()
    events, scheduler = aws.client("events"), aws.client("scheduler")
    rules = _some(events, "list_rules", "Rules", found, **({"NamePrefix": prefix} if prefix else {}))
    timed = [each for each in rules if each.get("ScheduleExpression")]
    for rule, targets in zip(timed, mapped(lambda each: _targets(events, each, cluster), timed), strict=True):
        if targets:
            found.rules.append({**rule, "Targets": targets})
    listed = _some(scheduler, "list_schedules", "Schedules", found, **({"NamePrefix": prefix} if prefix else {}))
    of_ecs = [each for each in listed if _is_of(each.get("Target", {}).get("Arn", ""), cluster)]
    for schedule in mapped(lambda each: _schedule(scheduler, each), of_ecs):
        if "EcsParameters" in schedule["Target"]:
            found.schedules.append(schedule)
    found.definitions = _definitions(aws, found)
    return found


def _some(client: Any, operation: str, key: str, found: ScheduledTasks, **given: Any) -> list[dict[str, Any]]:
    sizes = {"MaxItems": MOST + 1, "PageSize": _PAGE}
    pages = client.get_paginator(operation).paginate(**given, PaginationConfig=sizes)
    items = [*islice((each for page in pages for each in page[key]), MOST + 1)]
    found.is_whole = found.is_whole and len(items) <= MOST
    return items[:MOST]


def _targets(events: Any, rule: dict[str, Any], cluster: str) -> list[dict[str, Any]]:
    bus = {"EventBusName": rule["EventBusName"]} if rule.get("EventBusName") else {}
    pages = events.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"], **bus)
    targets = (each for page in pages for each in page["Targets"])
    return [each for each in targets if "EcsParameters" in each and _is_of(each["Arn"], cluster)]


def _schedule(scheduler: Any, listed: dict[str, Any]) -> dict[str, Any]:
    answer = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def _definitions(aws: Aws, found: ScheduledTasks) -> dict[str, dict[str, Any]]:
    ecs = aws.client("ecs")
    targets = [each for rule in found.rules for each in rule["Targets"]]
    targets += [each["Target"] for each in found.schedules]
    arns = [*dict.fromkeys(each["EcsParameters"]["TaskDefinitionArn"] for each in targets)]

    def describe(arn: str) -> dict[str, Any] | None:
        try:
            answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        except ecs.exceptions.ClientException:  # there is none (any more)
            return None
        return {**answer["taskDefinition"], "tags": answer.get("tags", [])}

    described = zip(arns, mapped(describe, arns), strict=True)
    return {arn: definition for arn, definition in described if definition is not None}


def _is_of(arn: str, cluster: str) -> bool:
    """Whether a target is a cluster of ECS, and the one that is meant."""
    if ":cluster/" not in arn:
        return False
    return cluster in {"", arn, arn.rpartition("/")[2]}
