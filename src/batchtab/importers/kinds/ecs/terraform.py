"""`terraform show -json` of a state or a plan.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.ecs.definitions import Definitions
from batchtab.importers.kinds.ecs.loose import Loose, Part, is_open, opened, scalar
from batchtab.importers.kinds.ecs.overrides import is_task, task_name
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.source_file import SourceFile

_RULE, _TARGET = "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"
_SCHEDULE, _TASK = "aws_scheduler_schedule", "aws_ecs_task_definition"
_KNOWN_LATER = "(known after apply)"


@dataclass(frozen=True, slots=True)
class _Resource:
    address: str
    kind: str
    values: dict[str, Any]
    references: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.address.rpartition(f"{self.kind}.")[0]

    @property
    def index(self) -> str:
        return re.sub(r"^[^\[]*", "", self.address.removeprefix(self.module))

    def part(self, file: SourceFile) -> Part:
        return Part(self.values, file.name, self.address)


def is_one(document: Mapping[str, Any]) -> bool:
    """Whether a document is what `terraform show -json` prints."""
    return "format_version" in document and ("values" in document or "planned_values" in document)


def starts(document: Mapping[str, Any], file: SourceFile, definitions: Definitions, imported: Imported) -> list[Start]:
    """What the rules' targets and the schedules start.

    Raises:
        UsageError: The file is not whole.
    """
    try:
        resources = {each.address: each for each in _resources(document)}
    except (AttributeError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{file.path} is not what terraform show -json prints") from None
    whole = Recorder(imported.findings, "", file.name)
    for each in resources.values():
        if each.kind == _TASK:
            definitions.add(each.part(file), each.address)
    rules = {each.address: each for each in resources.values() if each.kind == _RULE}
    started: set[str] = set()
    found = []
    of_rules = [each for each in resources.values() if each.kind == _TARGET and each.values.get("ecs_target")]
    for target in of_rules:
        rule = _rule_of(target, rules, resources)
        if rule is None:
            whole.not_carried(target.address, target.values.get("rule"), "its rule is not in the file", "give it too")
            continue
        started.add(rule.address)
        is_only = sum(1 for each in of_rules if _rule_of(each, rules, resources) is rule) == 1
        name = _name(rule) if is_only else f"{_name(rule)}-{_name(target, 'target_id')}"
        wanted = _task_of(target, "ecs_target", resources)
        found.append(Start(name, rule.part(file), target.part(file), definitions.find(wanted), wanted))
    for each in resources.values():
        blocks = each.values.get("target") or [{}]
        node = Loose(blocks[0], whole)
        if each.kind == _SCHEDULE and is_task(node):
            wanted = _task_of(each, "target", resources) if "ecs_parameters" in node else task_name(node)
            block = Part(blocks[0], file.name, f"{each.address}.target")
            part = definitions.find(wanted)
            found.append(Start(_name(each), each.part(file), block, part, wanted, ("target",)))
            started.add(each.address)
    _others(resources, started, whole)
    return found


def _others(resources: dict[str, _Resource], started: set[str], whole: Recorder) -> None:
    for each in resources.values():
        is_target = each.kind == _TARGET and not each.values.get("ecs_target")
        if is_target or (each.kind in {_RULE, _SCHEDULE} and each.address not in started):
            whole.not_carried(each.address, each.values.get("arn") or each.values.get("name"), "starts no task of ECS")
    known = (_RULE, _TARGET, _SCHEDULE, _TASK)
    for kind, count in Counter(each.kind for each in resources.values() if each.kind not in known).items():
        whole.not_carried(kind, count, "is not a schedule, target or task definition")


def _resources(document: Mapping[str, Any]) -> Iterator[_Resource]:
    plan = document.get("planned_values")
    root = (plan or document.get("values") or {}).get("root_module") or {}
    unknown = {each["address"]: each["change"].get("after_unknown") for each in document.get("resource_changes") or []}
    references = dict(_references((document.get("configuration") or {}).get("root_module") or {}, ""))
    waiting = [root]
    while waiting:
        module = waiting.pop(0)
        waiting += module.get("child_modules") or []
        for each in module.get("resources") or []:
            if each.get("mode", "managed") != "managed":
                continue
            values = _with_unknown(each.get("values") or {}, unknown.get(each["address"]) or {})
            text = values.get("container_definitions")
            if isinstance(text, str) and not is_open(text):
                values["container_definitions"] = _json(text)
            plain = re.sub(r"\[[^\]]*\]", "", each["address"])
            yield _Resource(each["address"], each["type"], _set(values), references.get(plain, {}))


def _references(module: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in module.get("resources") or []:
        yield f"{path}{each['address']}", each.get("expressions") or {}
    for name, call in (module.get("module_calls") or {}).items():
        yield from _references(call.get("module") or {}, f"{path}module.{name}.")


def _with_unknown(values: Mapping[str, Any], unknown: Any) -> dict[str, Any]:
    """The values, with those that only an apply knows open."""
    found = dict(values)
    for key, each in unknown.items() if isinstance(unknown, Mapping) else ():
        own = found.get(key)
        if each is True:
            found[key] = opened(_KNOWN_LATER)
        elif isinstance(each, Mapping) and isinstance(own, Mapping):
            found[key] = _with_unknown(own, each)
        elif isinstance(each, list) and isinstance(own, list):
            pairs = zip(own, [*each, *[False] * len(own)], strict=False)
            found[key] = [
                opened(_KNOWN_LATER)
                if later is True
                else _with_unknown(item, later)
                if isinstance(item, Mapping)
                else item
                for item, later in pairs
            ]
    return found


def _set(value: Any) -> Any:
    """Without what is not set: Terraform writes null, an empty text or an empty list for it."""
    if isinstance(value, Mapping):
        return {key: _set(each) for key, each in value.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_set(each) for each in value]
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _name(resource: _Resource, key: str = "name") -> str:
    name = scalar(resource.values.get(key))
    if name and not is_open(name):
        return name
    return resource.address.removeprefix(f"{resource.module}{resource.kind}.")


def _rule_of(target: _Resource, rules: dict[str, _Resource], resources: dict[str, _Resource]) -> _Resource | None:
    """The rule by its name, or in a plan by the reference to it."""
    name = target.values.get("rule")
    bus = target.values.get("event_bus_name", "default")
    for rule in rules.values():
        same = (name, bus) == (rule.values.get("name"), rule.values.get("event_bus_name", "default"))
        if name is not None and not is_open(name) and same:
            return rule
    return _referenced(target, target.references.get("rule"), _RULE, resources)


def _task_of(resource: _Resource, block: str, resources: dict[str, _Resource]) -> str:
    """The task definition's ARN or family, or in a plan the address that the target refers to."""
    inner = resource.values[block][0]
    expressions = (resource.references.get(block) or [{}])[0]
    if block == "target":
        inner = inner["ecs_parameters"][0]
        expressions = (expressions.get("ecs_parameters") or [{}])[0]
    wanted = scalar(inner.get("task_definition_arn")) or ""
    if wanted and not is_open(wanted):
        return wanted
    found = _referenced(resource, expressions.get("task_definition_arn"), _TASK, resources)
    return found.address if found else wanted


def _referenced(resource: _Resource, expression: Any, kind: str, resources: dict[str, _Resource]) -> _Resource | None:
    names = (expression or {}).get("references") or [] if isinstance(expression, Mapping) else []
    for name in names:
        match = re.match(rf"{kind}\.[A-Za-z0-9_-]+", name)
        if match:
            for index in ("", resource.index):
                found = resources.get(f"{resource.module}{match[0]}{index}")
                if found:
                    return found
    return None
