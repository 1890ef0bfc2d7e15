"""What an account runs on AWS Batch, whoever made it: job definitions, queues, rules and schedules that start jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab.aws.client import Aws
from batchtab.aws.parallel import mapped

SUBMIT_JOB = ":aws-sdk:batch:submitjob"


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule with a target of Batch.

    Attributes:
        rule: As ListRules has it.
        targets: All its targets.
        tags: Its tags.
    """

    rule: Mapping[str, Any]
    targets: list[Mapping[str, Any]]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of EventBridge Scheduler that submits jobs.

    Attributes:
        schedule: As GetSchedule has it.
        tags: Those of its group: a schedule has none.
    """

    schedule: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """What is there.

    Attributes:
        account_id: The account.
        definitions: The newest ACTIVE revision of each definition, by name.
        queue_arns: The queues.
        rules: Rules of the default bus that have a target of Batch.
        schedules: Schedules of all groups that submit jobs.
    """

    account_id: str
    definitions: dict[str, Mapping[str, Any]]
    queue_arns: list[str]
    rules: list[Rule]
    schedules: list[Schedule]


def read(aws: Aws, prefix: str = "", account_id: str | None = None) -> BatchAccount:
    """Read an account in one region.

    Args:
        aws: The account.
        prefix: Only definitions whose names begin so.
        account_id: The account, if it is known; else AWS is asked whose the credentials are.

    Raises:
        ClientError, BotoCoreError: A call is denied, or AWS can't be reached.
    """
    account_id = account_id or aws.account_id()
    batch = aws.client("batch")
    definitions: dict[str, Mapping[str, Any]] = {}
    for each in _pages(batch, "describe_job_definitions", "jobDefinitions", status="ACTIVE"):
        name = each["jobDefinitionName"]
        if name.startswith(prefix) and each["revision"] >= definitions.get(name, {"revision": 0})["revision"]:
            definitions[name] = each
    queues = [each["jobQueueArn"] for each in _pages(batch, "describe_job_queues", "jobQueues")]
    return BatchAccount(account_id, dict(sorted(definitions.items())), queues, _rules(aws), _schedules(aws))


def _rules(aws: Aws) -> list[Rule]:
    """Rules of AWS's own services are left out."""
    events = aws.client("events")
    rules = [each for each in _pages(events, "list_rules", "Rules") if not each.get("ManagedBy")]

    def of(rule: Mapping[str, Any]) -> Rule | None:
        targets = [*_pages(events, "list_targets_by_rule", "Targets", Rule=rule["Name"])]
        if not any("BatchParameters" in target for target in targets):
            return None
        return Rule(rule, targets, _tags(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]))

    return [rule for rule in mapped(of, rules) if rule is not None]


def _schedules(aws: Aws) -> list[Schedule]:
    scheduler = aws.client("scheduler")
    found = [
        each
        for each in _pages(scheduler, "list_schedules", "Schedules")
        if str(each.get("Target", {}).get("Arn", "")).lower().endswith(SUBMIT_JOB)
    ]
    groups = sorted({each["GroupName"] for each in found})

    def of_group(name: str) -> Mapping[str, str]:
        arn = scheduler.get_schedule_group(Name=name)["Arn"]
        return _tags(scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"])

    tags = dict(zip(groups, mapped(of_group, groups), strict=True))

    def of(summary: Mapping[str, Any]) -> Schedule:
        schedule = scheduler.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
        return Schedule(schedule, tags[summary["GroupName"]])

    return mapped(of, found)


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    pages = client.get_paginator(operation).paginate(**arguments)
    return [each for page in pages for each in page[key]]


def _tags(tags: list[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in tags}
