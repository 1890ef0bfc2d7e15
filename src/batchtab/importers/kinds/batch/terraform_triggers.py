"""Rules and schedules in main.tf: the module's own, or resources beside it that say what they said."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.importers.kinds.batch.definition import fill
from batchtab.importers.kinds.batch.hcl import Block, Code, Json
from batchtab.importers.kinds.batch.jobs import Source
from batchtab.importers.kinds.batch.node import BatchNode, free
from batchtab.importers.kinds.batch.triggers import Trigger, quiet
from batchtab.masking import mask

_TIMING = ("schedule", "timezone", "start", "end", "flexible_window_minutes", "suspend", "description")
_BESIDE = {*_TIMING, "queue", "starting_deadline_seconds"}
#: Only the submit function gives these to a run, and it serves names with a namespace.
_NEEDS_FUNCTION = ("share", "nodes", "containers", "grace_seconds")
_ATTEMPTS = 185  # EventBridge's and Scheduler's default
Blocks = list[tuple[str, Mapping[str, Any]]]
Ids = list[tuple[str, str]]


class UnknownNamesError(ValueError):
    """What has to be known to write the files, and is not."""


def of_module(source: Source) -> Trigger | None:
    """The trigger that the module can have: the only one, of the definition's name, that says nothing of its own."""
    if len(source.triggers) != 1 or source.read is None:
        return None
    (trigger,) = source.triggers
    has_names = trigger.name == source.name and trigger.job_name in ("", source.name)
    said = {key: value for key, value in trigger.settings.items() if key not in _BESIDE}
    fill(settings := copy.deepcopy(source.read.settings), quiet())
    is_same = said == {key: value for key, value in settings.items() if key not in _BESIDE}
    needs_function = any(said.get(name) for name in _NEEDS_FUNCTION)
    writes = any(trigger.target.raw(key) is not None for key in ("input", "inputTransformer", "inputPath"))
    if not (has_names and is_same) or needs_function or (writes and not trigger.is_schedule):
        return None
    is_rate = str(trigger.settings.get("schedule", "")).startswith("rate(")
    can_say = "schedule" in trigger.settings and not (is_rate and trigger.is_schedule)
    return trigger if can_say and trigger.role else None


def arguments(trigger: Trigger, references: Mapping[str, Code]) -> dict[str, Any]:
    """The module's arguments for its trigger."""
    found = {name: trigger.settings[name] for name in _TIMING if name in trigger.settings}
    if trigger.is_schedule:
        found |= {"trigger": "schedule", "schedule_group_name": trigger.group}
    found["create_trigger_role"] = False
    found["trigger_role_arn"] = references.get(trigger.role, trigger.role)
    letters = _child(trigger.target, "deadLetterConfig").raw("arn")
    if letters:
        found["dead_letter_queue_arn"] = letters
    if "starting_deadline_seconds" in trigger.settings:
        found["maximum_event_age_seconds"] = trigger.settings["starting_deadline_seconds"]
    return found


def imports_of_module(trigger: Trigger, address: str) -> Ids:
    """What the module's trigger is imported from."""
    if trigger.is_schedule:
        return [(f"{address}.aws_scheduler_schedule.schedule[0]", f"{trigger.group}/{trigger.name}")]
    return [
        (f"{address}.aws_cloudwatch_event_rule.rule[0]", trigger.name),
        (f"{address}.aws_cloudwatch_event_target.target[0]", f"{trigger.name}/{trigger.target.text('id')}"),
    ]


def beside(trigger: Trigger, source: Source, address: str, references: Mapping[str, Code]) -> tuple[Blocks, Ids]:
    """A trigger as resources of its own, which start the newest revision of the module's definition."""
    asked = trigger.target.reference("input")
    if mask(asked) != asked:
        raise UnknownNamesError(f"the input of {trigger.name} without the secret in it")
    label = _label(source.jobs[source.triggers.index(trigger)])
    definition = Code(f"{address}.job_definition_name")
    role = references.get(trigger.role, trigger.role) or None
    if trigger.is_schedule:
        blocks: Blocks = [(f'resource "aws_scheduler_schedule" "{label}"', _schedule(trigger, definition, role))]
        return blocks, [(f"aws_scheduler_schedule.{label}", f"{trigger.group}/{trigger.name}")]
    rule = Code(f"aws_cloudwatch_event_rule.{_label(trigger.name)}.name")
    target = _target(trigger, definition, role)
    blocks = [(f'resource "aws_cloudwatch_event_target" "{label}"', {"rule": rule, **target})]
    ids = [(f"aws_cloudwatch_event_target.{label}", f"{trigger.name}/{trigger.target.text('id')}")]
    if trigger.is_first:
        blocks.insert(0, (f'resource "aws_cloudwatch_event_rule" "{_label(trigger.name)}"', _rule(trigger)))
        ids.insert(0, (f"aws_cloudwatch_event_rule.{_label(trigger.name)}", trigger.name))
    return blocks, ids


def _rule(trigger: Trigger) -> dict[str, Any]:
    node = trigger.node
    pattern = node.raw("eventPattern")
    return {
        "name": trigger.name,
        "description": node.raw("description") or None,
        "schedule_expression": node.raw("scheduleExpression"),
        "event_pattern": Json(pattern) if isinstance(pattern, Mapping) else pattern,
        "role_arn": node.raw("roleArn"),
        "state": node.text("state") or "ENABLED",
        "tags": _own_tags(node),
    }


def _target(trigger: Trigger, definition: Code, role: Any) -> dict[str, Any]:
    target = trigger.target
    batch = _child(target, "batchParameters")
    transformer = _child(target, "inputTransformer")
    return {
        "target_id": target.text("id"),
        "arn": trigger.queue,
        "role_arn": role,
        "input": target.raw("input"),
        "batch_target": Block(
            job_definition=definition,
            job_name=batch.raw("jobName"),
            array_size=_child(batch, "arrayProperties").raw("size"),
            job_attempts=_child(batch, "retryStrategy").raw("attempts"),
        ),
        "input_transformer": Block(
            input_paths=free(transformer.raw("inputPathsMap")) or None,
            input_template=transformer.raw("inputTemplate"),
        )
        if transformer
        else None,
        **_delivery(target),
    }


def _schedule(trigger: Trigger, definition: Code, role: Any) -> dict[str, Any]:
    node, target = trigger.node, trigger.target
    window = _child(node, "flexibleTimeWindow")
    asked = copy.deepcopy(dict(trigger.request.data)) if trigger.request else {}
    asked[trigger.request.spelled("jobDefinition") if trigger.request else "JobDefinition"] = definition
    return {
        "name": trigger.name,
        "group_name": trigger.group,
        "description": node.raw("description") or None,
        "schedule_expression": node.raw("scheduleExpression"),
        "schedule_expression_timezone": node.text("scheduleExpressionTimezone") or "UTC",
        "start_date": trigger.settings.get("start"),
        "end_date": trigger.settings.get("end"),
        "state": node.text("state") or "ENABLED",
        "kms_key_arn": node.raw("kmsKeyArn"),
        "flexible_time_window": Block(
            mode=window.text("mode") or "OFF", maximum_window_in_minutes=window.raw("maximumWindowInMinutes")
        ),
        "target": Block(
            arn=target.raw("arn"),
            role_arn=role,
            input=Json(asked),
            **_delivery(target),
        ),
    }


def _delivery(target: BatchNode) -> dict[str, Any]:
    policy, letters = _child(target, "retryPolicy"), _child(target, "deadLetterConfig")
    found: dict[str, Any] = {}
    if policy:
        seconds, attempts = policy.raw("maximumEventAgeInSeconds"), policy.raw("maximumRetryAttempts")
        found["retry_policy"] = Block(
            maximum_event_age_in_seconds=limits.DELIVERY_RETRY_AGE_SECONDS.maximum if seconds is None else seconds,
            maximum_retry_attempts=_ATTEMPTS if attempts is None else attempts,
        )
    if letters:
        found["dead_letter_config"] = Block(arn=letters.raw("arn"))
    return found


def _own_tags(node: BatchNode) -> dict[str, str] | None:
    return {key: each for key, each in free(node.raw("tags")).items() if not key.startswith("aws:")} or None


def _child(node: BatchNode, key: str) -> BatchNode:
    return BatchNode(node.raw(key), node.recorder, node.name(key))


def _label(name: str) -> str:
    text = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return text if re.match("[A-Za-z_]", text) else f"_{text}"
