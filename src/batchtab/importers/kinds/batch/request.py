"""What a trigger says in its request of SubmitJob: a target's input, or Scheduler's whole request.

https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.intrinsics.unresolved import names_in, spread
from batchtab.importers.kinds.batch import retries
from batchtab.importers.kinds.batch.container import read_command, read_size, read_variables
from batchtab.importers.kinds.batch.definition import tags
from batchtab.importers.kinds.batch.node import BatchNode, free, given, put, whole

_SEVERAL = "says it for containers by their names"
_PLACE = re.compile(r"<([A-Za-z0-9_.-]+)>")
_TIME = "BATCHTAB_SCHEDULED_TIME has the time of the run"


def parsed(text: Any, recorder: Recorder, path: str) -> BatchNode:
    """A request that is given as JSON; an empty one if it is none."""
    if isinstance(text, Mapping):  # CloudFormation takes a text, and some write a mapping
        return BatchNode(text, recorder, path)
    try:
        data = json.loads(str(text), strict=False)
    except (ValueError, RecursionError):
        recorder.not_carried(path, text, "is not JSON", "correct the source")
        return BatchNode({}, recorder, path)
    if not isinstance(data, Mapping):
        recorder.not_carried(path, text, "is not a JSON object", "correct the source")
    return BatchNode(spread(data, names_in(text)), recorder, path)


def transformed(node: BatchNode) -> BatchNode:
    """What an input transformer writes the same for each event; what it takes of the event is reported."""
    paths = free(node.take("inputPathsMap"))
    template = node.take("inputTemplate")
    path = node.name("inputTemplate")
    for name, each in paths.items():
        node.recorder.not_carried(f"{node.name('inputPathsMap')}.{name}", each, f"jobs.yaml cannot have it: {_TIME}")
    node.rest()
    if template is None:
        return BatchNode({}, node.recorder, path)
    # Outside of quotes a place is a whole value.
    text = re.sub(r"(?<=[:\[,])(\s*)<([A-Za-z0-9_.-]+)>(?=\s*[,}\]])", r'\1"<\2>"', str(template))
    found = parsed(spread(text, names_in(template)), node.recorder, path)
    kept, _ = _constant(found.data, path, node.recorder)
    return BatchNode(kept, node.recorder, path)


def apply(node: BatchNode, settings: dict[str, Any]) -> dict[str, Any]:
    """A definition's settings with what a request says in their place."""
    changed = copy.deepcopy(settings)
    before = len(node.recorder.findings.all)
    put(changed, node, "shareIdentifier", "share", str)
    put(changed, node, "schedulingPriorityOverride", "priority", whole)
    array = node.child("arrayProperties")
    put(changed, array, "size", "array_size", whole)
    array.rest()
    if parameters := given(node, "parameters", "parameters"):
        changed["parameters"] = {**changed.get("parameters", {}), **parameters}
    _container(node.child("containerOverrides"), changed)
    _nodes(node.child("nodeOverrides"), changed)
    _retries(node.child("retryStrategy"), changed)
    timeout = node.child("timeout")
    put(changed, timeout, "attemptDurationSeconds", "timeout_seconds", whole)
    timeout.rest()
    tags(node, changed)
    node.change("propagateTags", "a job's tags always reach its tasks")
    node.leave("dependsOn", "a scheduled run waits for no single job", "write after: the job that it follows")
    node.leave("ecsPropertiesOverride", _SEVERAL, "write it in the containers of jobs.yaml")
    node.leave("consumableResourcePropertiesOverride", "Batchtab has no consumable resources", "use concurrency_policy")
    node.rest()
    for name in _replaced(settings, changed):
        node.recorder.correct(name, "what starts the job has its own", before=before)
    return changed


def _replaced(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """The fields of which the new settings have not the old value; of mappings that are merged, the names in them."""
    for name, value in old.items():
        other = new.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from (f"{name}.{key}" for key in value if other.get(key) != value[key])
        elif other != value:
            yield name


def _container(node: BatchNode, changed: dict[str, Any]) -> None:
    read_command(node, changed) if node.raw("command") else node.take("command")
    read_variables(node, changed)
    read_size(node, changed)
    node.leave("instanceType", "the compute environment's instance types decide")
    node.rest()


def _nodes(node: BatchNode, changed: dict[str, Any]) -> None:
    put(changed, node, "numNodes", "nodes", whole)
    node.leave("nodePropertyOverrides", "all nodes of a job run the same", "write it in the job's settings")
    node.rest()


def _retries(node: BatchNode, changed: dict[str, Any]) -> None:
    """Retries of a trigger are in place of the definition's."""
    if node:
        for name in ("attempts", "evaluate_on_exit"):
            changed.pop(name, None)
        retries.read(node, changed)


def _constant(value: Any, path: str, recorder: Recorder) -> tuple[Any, bool]:
    """A value without what is taken from the event, and whether something of it is left."""
    if isinstance(value, str):
        if _PLACE.search(value):
            recorder.not_carried(
                path, value, f"is taken from the event: {_TIME}", "change the program, or leave it out"
            )
            return None, False
        return value, True
    if isinstance(value, Mapping):
        kept = {key: _constant(each, f"{path}.{key}", recorder) for key, each in value.items()}
        # A variable without its value is none.
        if any(str(key).lower() == "value" and not is_kept for key, (_, is_kept) in kept.items()):
            return None, False
        return {key: each for key, (each, is_kept) in kept.items() if is_kept}, True
    if isinstance(value, list):
        items = [_constant(each, f"{path}[{index}]", recorder) for index, each in enumerate(value)]
        # A command without one of its words is another command.
        if any(not is_kept and isinstance(each, str) for each, (_, is_kept) in zip(value, items, strict=True)):
            return None, False
        return [each for each, is_kept in items if is_kept], True
    return value, True
