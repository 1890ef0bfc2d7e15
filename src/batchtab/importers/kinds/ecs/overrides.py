"""What a target gives to the task that it starts: ECS's TaskOverride, as JSON in `Input`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.ecs.loose import Loose, opened, scalar

_VARIABLE = "BATCHTAB_SCHEDULED_TIME"
_BUILT_IN = {"<aws.scheduler.scheduled-time>", "<time>", "<scheduledTime>", "<scheduled_time>"}
_RUN_TASK = ":aws-sdk:ecs:runTask"
_WRITE = "write command and environment"
_BY_EVENT = f"jobs.yaml has no texts of the event; a job reads its time from {_VARIABLE}"


def overrides_of(target: Loose) -> Loose:
    """The overrides; an empty mapping where there are none or they cannot be read."""
    of_ecschedule = [key for key in ("ContainerOverrides", "TaskOverride") if key in target]
    if of_ecschedule:
        changes = {target.spelled(key): target.take(key) for key in of_ecschedule}
        return Loose(changes, target.recorder, target.path)
    transformer = target.child("InputTransformer")
    key = "Input" if "Input" in target else ""
    text = scalar(target.take("Input"))
    if transformer:
        key, text = "InputTransformer", _transformed(transformer)
        transformer.rest()
    if scalar(target.take("InputPath")):
        target.leave("InputPath", _BY_EVENT, _WRITE)
    if not text:
        if key == "Input":
            target.leave("Input", "is empty")
        return Loose({}, target.recorder, target.field("Input"))
    data = _read(text)
    where = target.field(key)
    if not isinstance(data, Mapping):
        # It may have secrets in a form that no mask knows.
        target.at(key).not_carried(where, f"{len(text)} characters", "is not the JSON of a task's overrides", _WRITE)
        return Loose({}, target.recorder, where)
    if not data:
        target.at(key).not_carried(where, text, "is empty")
    return Loose(data, target.at(key), where)


def run_task(target: Loose) -> Loose | None:
    """What a schedule's universal target gives to ECS's RunTask; None if the target is another one."""
    if not str(target.data.get(target.spelled("Arn"))).endswith(_RUN_TASK):
        return None
    data = _read(scalar(target.data.get(target.spelled("Input"))) or "")
    return Loose(data, target.at("Input"), target.field("Input")) if isinstance(data, Mapping) else None


def is_task(target: Loose) -> bool:
    """Whether a target starts a task of ECS."""
    return "EcsParameters|EcsTarget" in target or run_task(target) is not None


def task_name(target: Loose) -> str:
    """What the target calls its task definition."""
    parameters = run_task(target) or target.child("EcsParameters|EcsTarget")
    return scalar(parameters.data.get(parameters.spelled("TaskDefinitionArn|TaskDefinition"))) or ""


def _transformed(node: Loose) -> str:
    """The template, with each part that is taken from the event open."""
    paths = node.take("InputPathsMap|InputPaths") or {}
    template = scalar(node.take("InputTemplate")) or ""
    names = {f"<{name}>" for name in paths} | set(re.findall(r"<aws\.[a-z.-]+>", template))
    if names:
        node.leave("InputPathsMap|InputPaths", _BY_EVENT, _WRITE)
    for name in names:
        # EventBridge puts quotes around a text that has none.
        template = template.replace(name, opened(name))
        template = re.sub(rf"([:,\[]\s*)({re.escape(opened(name))})", r'\1"\2"', template)
    return template


def _read(text: str) -> Any:
    for name in _BUILT_IN:
        text = re.sub(rf"(?<!\ue000){re.escape(name)}(?!\ue001)", opened(name), text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
