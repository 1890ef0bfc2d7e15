"""What starts a function of a template: an event of SAM, a rule's target, or a schedule of EventBridge Scheduler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.lambda_functions.fields import Fields
from batchtab.importers.kinds.lambda_functions.template import Template, with_one
from batchtab.importers.kinds.lambda_functions.work import Start, event_text
from batchtab.importers.node import Node
from batchtab.schedules import zones

_OURS = "Batchtab makes its own"
_DELIVERY = "a start that fails is retried for less than the job's period, and is then in Batchtab's dead-letter queue"
_DETAIL = "{}"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A function and one thing that starts it.

    Attributes:
        function: Its logical id.
        key: The event's, or the resource's.
        resource: The rule or schedule; empty for an event of SAM.
        event: The event of SAM or the target of the rule.
    """

    function: str
    key: str
    resource: str
    event: Mapping[str, Any]


def start_of(template: Template, each: Scheduled, recorder: Recorder) -> Start:
    """Read it, with a finding for each of its fields."""
    if not each.resource:
        event = Node(template.resolved(each.event), recorder, f"Events.{each.key}")
        kind = str(event.take("Type"))
        recorder.changed(event.name("Type"), kind, "schedule")
        fields = Fields(event.child("Properties"))
        event.rest()
        return of_schedule(fields, each.key) if kind == "ScheduleV2" else of_rule(fields, each.key, "Schedule")
    data = with_one(template.resources[each.resource], "Properties", template.properties(each.resource))
    resource = Node(data, recorder, f"Resources.{each.resource}")
    recorder.changed(resource.name("Type"), resource.take("Type"), "schedule")
    fields = Fields(resource.child("Properties"))
    template.report_condition(resource, each.resource)
    for key in ("DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"):
        resource.leave(key, "a jobs.yaml has none")
    resource.rest()
    if resource.data.get("Type") == "AWS::Scheduler::Schedule":
        target = Fields(fields.node.child("Target"))
        target.node.change("Arn", "command")
        return of_schedule(fields, each.key, target)
    fields.node.take("Targets")
    target = Fields(Node(each.event, recorder, f"{fields.node.name('Targets')}[]"))
    for key in ("Arn", "Id"):
        target.node.change(key, "command")
    return of_rule(fields, each.key, "ScheduleExpression", target)


def of_rule(fields: Fields, key: str, expression: str, target: Fields | None = None) -> Start:
    """A rule, whose times are in UTC."""
    node = fields.node
    name = fields.text("Name", "") or key
    text = _expression(fields, expression)
    is_on = fields.flag("Enabled", "suspend", default=True)
    node.change("Enabled", f"suspend: {str(not is_on).lower()}")
    start = Start(text, "UTC", f"rule/{name}", is_suspended=not is_on or _is_disabled(fields))
    start.flag(node, "Name", "--trigger")
    start.description = _description(fields)
    node.leave("RoleArn", _OURS)
    node.leave("Tags", "the job's tags are those of the function")
    node.leave("EventBusName", "schedules are of the default bus")
    node.leave("EventPattern", "only schedules start jobs", "keep the function for these events")
    _target(target or fields, start)
    node.rest()
    return start


def of_schedule(fields: Fields, key: str, target: Fields | None = None) -> Start:
    """A schedule of EventBridge Scheduler."""
    node = fields.node
    name, group = fields.text("Name", "") or key, fields.text("GroupName", "") or "default"
    text = _expression(fields, "ScheduleExpression")
    zone = fields.text("ScheduleExpressionTimezone", "timezone") or "UTC"
    start = Start(text, "UTC", f"schedule/{group}/{name}", is_suspended=_is_disabled(fields))
    for each in ("Name", "GroupName"):
        start.flag(node, each, "--trigger")
    if zones.refusal(zone) is None:
        start.timezone = zone
        node.carry("ScheduleExpressionTimezone", "timezone")
    else:
        node.leave("ScheduleExpressionTimezone", "is not a name of the IANA time zone database", "write timezone")
    start.description = _description(fields)
    start.start, start.end = _moment(fields, "StartDate"), _moment(fields, "EndDate")
    window = Fields(node.child("FlexibleTimeWindow"))
    minutes = window.number("MaximumWindowInMinutes", "flexible_window_minutes")
    window.node.change("Mode", "flexible_window_minutes, or none")
    if minutes and window.node.data.get("Mode") != "OFF":
        window.node.carry("MaximumWindowInMinutes", "flexible_window_minutes")
        start.window_minutes = minutes
    else:
        window.node.leave("MaximumWindowInMinutes", "the mode is OFF")
    window.node.rest()
    for each in ("RoleArn", "KmsKeyArn", "PermissionsBoundary"):
        node.leave(each, _OURS)
    node.leave("OmitName", "a jobs.yaml has none")
    _target(target or fields, start)
    node.rest()
    return start


def read_input(fields: Fields, start: Start, plain: str, path: str, transformer: str) -> None:
    """What the function gets in place of EventBridge's event."""
    node = fields.node
    value = fields.value(plain, "the event")
    if value is not None:
        text = event_text(value)
        if _is_json(text):
            start.event = text
            start.flag(node, plain, "--event")
        else:
            node.leave(plain, "is not JSON", "write the event as JSON")
    if path in node:
        if str(node.data[path]) in {"$.detail", "$"}:
            start.event = None if node.data[path] == "$" else _DETAIL
            start.flag(node, path, "--event")
        else:
            node.leave(path, "the handler gets the whole event", "take this part of the event in the handler")
    node.leave(transformer, "the handler gets EventBridge's event", "make the same of the event in the handler")


def _target(fields: Fields, start: Start) -> None:
    node = fields.node
    read_input(fields, start, "Input", "InputPath", "InputTransformer")
    node.leave("RoleArn", _OURS)
    retry = node.child("RetryPolicy")
    for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"):
        retry.leave(key, _DELIVERY)
    retry.rest()
    queue = node.child("DeadLetterConfig")
    for key in queue.data:
        queue.leave(key, _DELIVERY, "let what reads this queue read Batchtab's, or its alerts")
    if fields.node.path.endswith(("[]", "Target")):
        node.rest()


def _expression(fields: Fields, key: str) -> str:
    text = (fields.text(key, "schedule") or "").strip()
    if text:
        fields.node.carry(key, "schedule")
    elif key not in fields.node:
        why, todo = "there is no schedule", "write the job's schedule"
        fields.node.recorder.not_carried(fields.node.name(key), "", why, todo)
    return text


def _is_disabled(fields: Fields) -> bool:
    state = fields.text("State", "suspend") or "ENABLED"
    if "State" in fields.node and state.upper() in {"ENABLED", "DISABLED"}:
        fields.node.change("State", f"suspend: {str(state.upper() == 'DISABLED').lower()}")
    elif state.upper() != "ENABLED":
        fields.node.leave("State", "is neither ENABLED nor DISABLED", "write suspend")
    return state.upper() == "DISABLED"


def _description(fields: Fields) -> str:
    text = fields.text("Description", "description") or ""
    if text:
        fields.node.carry("Description", "description")
    return text


def _moment(fields: Fields, key: str) -> str:
    to = "start" if key == "StartDate" else "end"
    text = fields.text(key, to) or ""
    if text:
        fields.node.carry(key, to)
    return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
