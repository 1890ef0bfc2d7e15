"""What changes in a stage beside its jobs: queues, capacity, and all else that its file says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab import limits
from batchtab.declarations.environment import ComputeEnvironment
from batchtab.declarations.stage import StageConfig
from batchtab.file_diff.job import ANOTHER
from batchtab.plan_review import masking
from batchtab.plan_review.environment import Detail, EnvironmentChange
from batchtab.plan_review.resource import CREATE, DELETE, UPDATE

#: Shown as things of their own, or by the jobs; and what local AWS alone reads.
_ELSEWHERE = frozenset({"environment", "environments", "name"})
_HIDDEN = frozenset({"user_data"})
#: Settings of a compute environment in the words of a plan; others have their names.
_CAPACITY = {
    "instance_types": "instance types",
    "min_vcpus": "at least vCPUs",
    "max_vcpus": "at most vCPUs",
    "allocation_strategy": "allocation",
    "bid_percentage": "highest price (%)",
    "image_type": "system",
    "image_id": "image",
}
_LONGEST = 90


def changes(before: StageConfig, after: StageConfig) -> tuple[EnvironmentChange, ...]:
    """The changes of a stage: itself, its compute environments, its queues."""
    had, has = (_flat(side) for side in (before, after))
    found = [_change("stage", after.name, had, has)]
    capacity = [{name: _capacity(each) for name, each in side.compute_environments.items()} for side in (before, after)]
    queues = [{name: _queue(side, name) for name in side.environment.queues} for side in (before, after)]
    for kind, (left, right) in (("compute environment", capacity), ("job queue", queues)):
        found += [_change(kind, name, left.get(name), right.get(name)) for name in {**left, **right}]
    return tuple(change for change in found if change is not None)


def _change(
    kind: str, name: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> EnvironmentChange | None:
    had, has = before or {}, after or {}
    details = tuple(
        _detail(field, had.get(field, ""), has.get(field, ""))
        for field in {**had, **has}
        if had.get(field, "") != has.get(field, "")
    )
    action = CREATE if before is None else DELETE if after is None else UPDATE
    if action == UPDATE and not details:
        return None
    is_alert = any(detail.name.startswith("alerts.") for detail in details)
    return EnvironmentChange("", "", kind, name, action, is_alert, () if action == DELETE else details)


def _detail(name: str, before: str, after: str) -> Detail:
    had, has = (_fitting(name, text) for text in (before, after))
    return Detail(name, had, ANOTHER if had == has else has)


def _fitting(name: str, text: str) -> str:
    text = masking.text(text) if name not in _HIDDEN else "(not shown)" if text else ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _capacity(environment: ComputeEnvironment) -> dict[str, str]:
    dumped = environment.model_dump(mode="json", include=set(ComputeEnvironment.model_fields))
    if environment.is_fargate:  # the others have no effect there
        dumped = {name: dumped[name] for name in ("capacity", "max_vcpus", "state")}
    said = {_CAPACITY.get(name, name): _shown(value) for name, value in dumped.items()}
    return {name: value for name, value in said.items() if value}


def _queue(stage: StageConfig, name: str) -> dict[str, str]:
    queue = stage.environment.queues[name]
    seconds = queue.runnable_timeout_seconds or stage.environment.runnable_timeout_seconds
    said = {
        "priority": str(queue.priority),
        "tries": " → ".join(queue.compute_environments),
        "state": queue.state,
        "cancels a stuck job after (s)": str(seconds or ""),
    }
    if [*queue.compute_environments] == [limits.OWN_ENVIRONMENT] and len(stage.compute_environments) == 1:
        del said["tries"]  # the common case says nothing
    policy = queue.scheduling_policy
    if policy is not None:
        said["scheduling policy"] = _shown(policy.model_dump(mode="json"))
    return said


def _flat(stage: StageConfig) -> dict[str, str]:
    return dict(_leaves("", stage.model_dump(mode="json", exclude=set(_ELSEWHERE), exclude_none=True)))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), item)
    elif shown := _shown(value):
        yield path, shown


def _shown(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
