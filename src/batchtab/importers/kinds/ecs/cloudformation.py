"""CloudFormation templates, also those that `cdk synth` writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs.definitions import Definitions
from batchtab.importers.kinds.ecs.loose import Loose, Part, is_open, scalar, shown
from batchtab.importers.kinds.ecs.overrides import is_task, task_name
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.kinds.ecs.values import OpenValues
from batchtab.importers.node import leaves
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, line_of

_RULE, _SCHEDULE, _TASK = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::ECS::TaskDefinition"
_REFERENCE = re.compile("\ue000\\$\\{([A-Za-z0-9]+)")
_CDK_ID = re.compile("(?<=[a-z0-9])(Scheduled)?(EventRule)?[0-9A-F]{8}$")
_CDK_LEVELS = {"Resource", "Default", "ScheduledEventRule", "Rule"}


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is a template."""
    resources = document.get("Resources")
    return isinstance(resources, Mapping) and any(
        isinstance(each, Mapping) and "Type" in each for each in resources.values()
    )


def starts(
    document: Mapping[str, Any], file: SourceFile, definitions: Definitions, imported: Imported, options: Options
) -> list[Start]:
    """What the template's rules and schedules start."""
    whole = Recorder(imported.findings, "", file.name)
    values = OpenValues(document, file, options)
    resources = {}
    for name, resource in document["Resources"].items():
        node = Loose(resource, whole)
        kind = scalar(node.data.get("Type"))
        line = line_of(document["Resources"], name)
        place = file.at(line) if line else file.name
        if str(name).startswith("Fn::"):
            whole.at(place).not_carried(
                str(name), "", "import makes no resources of a loop", "give the processed template"
            )
        elif kind in {_RULE, _SCHEDULE, _TASK}:
            resources[str(name)] = (kind, resource, place)
        else:
            node.take("Type")
    _others(document, whole)
    parts = {}
    for name, (kind, resource, place) in resources.items():
        if not _is_made(Loose(resource, whole.at(place), f"Resources.{name}"), values):
            continue
        properties = values.resolved(resource.get("Properties") or {})
        parts[name] = (kind, Part(properties, place, name), resource)
        if kind == _TASK:
            definitions.add(parts[name][1], name)
    found = []
    for name, (kind, part, resource) in parts.items():
        if kind != _TASK and isinstance(part.data, Mapping):
            one = _of_rule if kind == _RULE else _of_schedule
            own = one(_name(name, part, resource), part, definitions, whole)
            found += own
            if not own:
                whole.at(part.place).not_carried(name, _target(part.data), "starts no task of ECS")
    return found


def _is_made(resource: Loose, values: OpenValues) -> bool:
    """Whether the stack has a resource, by its condition. Records what a resource has beside its properties."""
    for key in ("Type", "Properties", "Metadata"):
        resource.take(key)
    for path, value in leaves(resource.data.get("Metadata") or {}, f"{resource.path}.Metadata"):
        if value != {}:
            resource.recorder.not_carried(path, value, "is a note of the tool that wrote the template")
    resource.skip(
        "DependsOn DeletionPolicy UpdateReplacePolicy UpdatePolicy CreationPolicy", "Terraform finds its own order"
    )
    if "Condition" not in resource:
        resource.rest()
        return True
    truth = values.condition(scalar(resource.data["Condition"]))
    if truth is False:
        resource.leave("Condition", "is not met, by the parameters' defaults: the resource is not imported")
    elif truth:
        resource.change("Condition", "is met, by the parameters' defaults")
    else:
        resource.leave("Condition", "is not decided by the parameters' defaults", "decide whether the job is needed")
    resource.rest()
    return truth is not False


def _of_rule(name: str, part: Part, definitions: Definitions, whole: Recorder) -> list[Start]:
    rule = Loose(part.data, whole.at(part.place), part.path)
    targets = [each for each in rule.children("Targets") if is_task(each)]
    found = []
    for each in targets:
        called = name if len(targets) == 1 else f"{name}-{scalar(each.data.get('Id')) or 'target'}"
        own = Part(each.data, each.recorder.place, each.path)
        wanted, task = _task(each, definitions)
        found.append(Start(called, part, own, task, wanted, unused=("Targets",)))
    for each in rule.children("Targets"):
        if targets and not is_task(each):
            for path, value in leaves(each.data, each.path):
                is_input = "Input" in path.removeprefix(each.path)
                each.recorder.not_carried(path, "…" if is_input else value, "is of a target that is no task of ECS")
    return found


def _of_schedule(name: str, part: Part, definitions: Definitions, whole: Recorder) -> list[Start]:
    target = Loose(part.data, whole.at(part.place), part.path).child("Target")
    if not is_task(target):
        return []
    wanted, task = _task(target, definitions)
    own = Part(target.data, target.recorder.place, target.path)
    return [Start(name, part, own, task, wanted, ("Target",))]


def _task(target: Loose, definitions: Definitions) -> tuple[str, Part | None]:
    wanted = task_name(target)
    reference = _REFERENCE.search(wanted)
    return wanted, definitions.find(reference[1] if reference else wanted)


def _name(logical: str, part: Part, resource: Mapping[str, Any]) -> str:
    """The rule's own name, its place in a CDK app, or its logical id."""
    name = scalar(Loose(part.data, Recorder(Imported().findings)).data.get("Name"))
    if name and not is_open(name):
        return name
    metadata = resource.get("Metadata")
    path = scalar(metadata.get("aws:cdk:path")) if isinstance(metadata, Mapping) else None
    levels = [each for each in (path or "").split("/")[1:] if each not in _CDK_LEVELS]
    return "-".join(levels) or _CDK_ID.sub("", logical)


def _target(properties: Any) -> object:
    targets = properties.get("Targets") or properties.get("Target")
    first = targets[0] if isinstance(targets, list) and targets else targets
    return shown(first.get("Arn")) if isinstance(first, Mapping) else ""


def _others(document: Mapping[str, Any], whole: Recorder) -> None:
    """The template's other sections and resources."""
    top = Loose(document, whole)
    top.take("Resources")
    for key in ("AWSTemplateFormatVersion", "Description", "Metadata", "Outputs", "Rules"):
        if key in top:
            whole.not_carried(key, "", "belongs to the template")
            top.take(key)
    for key in ("Parameters", "Mappings", "Conditions"):
        for name, each in top.child(key).data.items():
            is_secret = isinstance(each, Mapping) and str(each.get("NoEcho")).lower() == "true"
            for path, value in leaves(each, f"{key}.{name}"):
                is_hidden = is_secret and path.endswith(".Default")
                whole.changed(path, "…" if is_hidden else value, "its value is written where the template uses it")
    if "Transform" in top:
        top.leave("Transform", "import runs no macro", "give the processed template, if a macro makes schedules")
    kinds = [str(scalar(each.get("Type"))) for each in document["Resources"].values() if isinstance(each, Mapping)]
    for kind, count in Counter(each for each in kinds if each not in {_RULE, _SCHEDULE, _TASK}).items():
        whole.not_carried(kind, count, "is not a schedule, rule or task definition")
    top.rest()
