"""The CLI's calls to EventBridge about what starts jobs: rules, and schedules of EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchtab import names
from batchtab.aws.client import Aws

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

_MISSING = "ResourceNotFoundException"
# What UpdateSchedule takes of what GetSchedule gives; what is left out there is not kept, but set to its default.
_KEPT = (
    "ActionAfterCompletion",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "Target",
)


@dataclass(frozen=True)
class Trigger:
    """A rule or a schedule that is there. Only a schedule has a `group`, and says when it was made and changed last."""

    name: str
    is_enabled: bool
    group: str = ""
    made: datetime | None = field(default=None, compare=False)
    changed: datetime | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        """In AWS's words."""
        return "schedule" if self.group else "rule"


class Triggers:
    """The triggers of a stage's jobs."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self._prefix = prefix
        self._events: EventBridgeClient = aws.client("events")
        self._scheduler: EventBridgeSchedulerClient = aws.client("scheduler")

    def of_job(self, service: str, job: str) -> list[Trigger]:
        """What starts a job: at most its rule or its schedule, and its rule on the ends of others."""
        full_name = f"{self._prefix}-{service}-{job}"
        found = [self._rule(names.rule(full_name)), self._rule(names.after_rule(full_name))]
        found.append(self._schedule(names.schedule(full_name), names.schedule_group(self._prefix, service)))
        return [trigger for trigger in found if trigger]

    def of_services(self, jobs: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], list[Trigger]]:
        """The same of many jobs, by service and job, in a few calls: all are listed.

        Args:
            jobs: For each service its jobs.
        """
        rules = dict(self._listed_rules())
        found: dict[tuple[str, str], list[Trigger]] = {}
        for service, its in jobs.items():
            group = names.schedule_group(self._prefix, service)
            schedules = self._listed_schedules(group)
            for job in its:
                full_name = f"{self._prefix}-{service}-{job}"
                rule_names = (names.rule(full_name), names.after_rule(full_name))
                schedule = names.schedule(full_name)
                found[service, job] = [Trigger(name, rules[name]) for name in rule_names if name in rules]
                found[service, job] += [Trigger(schedule, schedules[schedule], group)] if schedule in schedules else []
        return found

    def set_enabled(self, trigger: Trigger, enabled: bool) -> None:
        """Enables or disables a trigger; all else about it stays."""
        arguments = self.change(trigger, enabled)
        if trigger.group:
            self._scheduler.update_schedule(**arguments)
        elif enabled:
            self._events.enable_rule(**arguments)
        else:
            self._events.disable_rule(**arguments)

    def change(self, trigger: Trigger, enabled: bool) -> dict[str, Any]:
        """What UpdateSchedule, or EnableRule or DisableRule, is given to enable or disable a trigger.

        See https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
        """
        if not trigger.group:
            return {"Name": trigger.name}
        now: Any = self._scheduler.get_schedule(Name=trigger.name, GroupName=trigger.group)
        kept = {key: now[key] for key in _KEPT if key in now}
        start = now.get("StartDate")
        if start is not None and start > datetime.now(UTC):  # one that has passed is refused, and says nothing more
            kept["StartDate"] = start
        return {**kept, "State": "ENABLED" if enabled else "DISABLED"}

    def _rule(self, name: str) -> Trigger | None:
        try:
            return Trigger(name, self._events.describe_rule(Name=name).get("State") != "DISABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] == _MISSING:
                return None
            raise

    def _schedule(self, name: str, group: str) -> Trigger | None:
        try:
            found = self._scheduler.get_schedule(Name=name, GroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] == _MISSING:
                return None
            raise
        made, changed = found.get("CreationDate"), found.get("LastModificationDate")
        return Trigger(name, found.get("State") != "DISABLED", group, made, changed)

    def _listed_rules(self) -> Iterable[tuple[str, bool]]:
        token: dict[str, Any] = {}
        while True:
            page = self._events.list_rules(NamePrefix=f"{self._prefix}-", **token)
            for rule in page["Rules"]:
                yield rule["Name"], rule.get("State") != "DISABLED"
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _listed_schedules(self, group: str) -> dict[str, bool]:
        found: dict[str, bool] = {}
        try:
            for page in self._scheduler.get_paginator("list_schedules").paginate(GroupName=group):
                found |= {each["Name"]: each.get("State") != "DISABLED" for each in page["Schedules"]}
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:  # a service without schedules has no group
                raise
        return found
