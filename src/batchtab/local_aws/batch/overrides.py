"""What a job has of its definition, with what SubmitJob gives in its place."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

from batchtab.local_aws.batch import container, ecs_tasks, nodes, sizes
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.store import Record
from batchtab.local_aws.batch.task import name_of

_PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")
# Which member of SubmitJob is for which member of the definition.
_MEMBERS = {
    "containerProperties": "containerOverrides",
    "ecsProperties": "ecsPropertiesOverride",
    "nodeProperties": "nodeOverrides",
}
_OTHERS = ("eksPropertiesOverride", "consumableResourcePropertiesOverride")


def applied(definition: Record, request: Record, parameters: dict[str, str], *, fargate: bool) -> Record:
    """Return a job's `container`, `ecsProperties` or `nodeProperties`, with overrides and parameters.

    Raises:
        ClientError: An override that Batch refuses.
    """
    [kind] = [member for member in _MEMBERS if member in definition]
    for member in (*_MEMBERS.values(), *_OTHERS):
        if member in request and member != _MEMBERS[kind]:
            raise ClientError(f"{member} is not applicable to a job definition with {kind}")
    given = request.get(_MEMBERS[kind]) or {}
    properties: Record = copy.deepcopy(definition[kind])
    if kind == "containerProperties":
        _change_container(properties, given, fargate=fargate, alone=True)
        made = {"container": properties}
    elif kind == "ecsProperties":
        _change_task(properties, given, fargate=fargate)
        made = {"container": {}, "ecsProperties": properties}
    else:
        properties = nodes.with_number(properties, given.get("numNodes"))
        _change_nodes(properties, given)
        made = {"container": {}, "nodeProperties": properties}
    for each in containers(made):
        each["command"] = [_PARAMETER.sub(lambda m: parameters.get(m[1], m[0]), word) for word in each["command"]]
    return made


def containers(record: Record) -> Iterator[Record]:
    """Yield all containers of a job's record, or of a definition's, to be changed in place."""
    if "nodeProperties" in record:
        for each in record["nodeProperties"]["nodeRangeProperties"]:
            yield from containers(each)
    elif "ecsProperties" in record:
        for task in record["ecsProperties"]["taskProperties"]:
            yield from task["containers"]
    elif "container" in record or "containerProperties" in record:
        yield record.get("container") or record["containerProperties"]


def length(definition: Record, made: Record) -> int:
    """Return how many characters the overrides of a job's longest task have, as ECS counts them."""
    return max(
        sum(_length(*pair) for pair in zip(containers(before), containers(after), strict=True))
        for before, after in zip(_tasks(definition), _tasks(made), strict=True)
    )


def _tasks(record: Record) -> list[Record]:
    return record["nodeProperties"]["nodeRangeProperties"] if "nodeProperties" in record else [record]


def _length(before: Record, after: Record) -> int:
    given = [
        [entry for entry in after.get(member) or [] if entry not in (before.get(member) or [])]
        for member in ("environment", "resourceRequirements")
    ]
    return sizes.overrides_length(after["command"] if after["command"] != before["command"] else None, *given)


def _change_container(properties: Record, given: Record, *, fargate: bool, alone: bool) -> None:
    container.check_environment(given.get("environment") or [])
    if given.get("command"):
        properties["command"] = list(given["command"])
    properties["environment"] = _merged(properties["environment"], given.get("environment") or [], "name")
    resources = list(given.get("resourceRequirements") or [])
    for member, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if member in given:
            resources.append({"type": kind, "value": str(given[member])})
    if resources:
        properties["resourceRequirements"] = _merged(properties.get("resourceRequirements") or [], resources, "type")
        if alone:
            sizes.check_sizes(properties, fargate=fargate)
    if given.get("instanceType"):
        properties["instanceType"] = given["instanceType"]


def _change_task(properties: Record, given: Record, *, fargate: bool) -> None:
    tasks = given.get("taskProperties") or []
    if len(tasks) > 1:
        raise ClientError(f"ecsPropertiesOverride: {len(tasks)} elements of taskProperties, at most 1 is allowed")
    found = properties["taskProperties"][0]["containers"]
    for position, each in enumerate(found):
        each.setdefault("name", name_of(each, position))
    by_name = {each["name"]: each for each in found}
    for each in (tasks or [{}])[0].get("containers") or []:
        name = each.get("name")
        if name not in by_name:
            raise ClientError(f"ecsPropertiesOverride: containerName {name} must reference a defined container.")
        _change_container(by_name[name], each, fargate=fargate, alone=False)
    ecs_tasks.check_sizes(found, fargate=fargate)


def _change_nodes(properties: Record, given: Record) -> None:
    number = properties["numNodes"]
    for override in given.get("nodePropertyOverrides") or []:
        wanted = set(nodes.indices(override["targetNodes"], number))
        for each in properties["nodeRangeProperties"]:
            own = set(nodes.indices(each["targetNodes"], number))
            if not own <= wanted:
                if own & wanted:
                    raise ClientError(
                        f"nodeOverrides: targetNodes {override['targetNodes']} has a part of the node range"
                        f" {each['targetNodes']}; it has to have all of it or nothing"
                    )
                continue
            if "container" in each:
                _change_container(
                    each["container"], override.get("containerOverrides") or {}, fargate=False, alone=True
                )
            else:
                _change_task(each["ecsProperties"], override.get("ecsPropertiesOverride") or {}, fargate=False)
            if override.get("instanceTypes"):
                each["instanceTypes"] = override["instanceTypes"]


def _merged(base: list[Record], over: list[Record], key: str) -> list[Record]:
    return list({entry.get(key): dict(entry) for entry in [*base, *over]}.values())
