"""A declared job in the form in which `plan_review` reads a planned one, so that both are shown in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.job import JobSpec
from batchtab.declarations.named_jobs import NamedJob
from batchtab.file_diff import document
from batchtab.plan_review import masking
from batchtab.plan_review.container import Container
from batchtab.plan_review.containers import Containers
from batchtab.plan_review.job import Job, after_words, retry_words
from batchtab.plan_review.job_change import Row, by_name
from batchtab.plan_review.trigger import RULE, SCHEDULE, Delivery, Policy, Trigger

_ENDS = {"any": "succeeded or failed"}
#: Fields that a row of `plan_review` says, or the permissions.
_SAID = frozenset(
    {"schedule", "timezone", "start", "end", "except_", "trigger", "flexible_window_minutes", "suspend"}
    | {"concurrency_policy", "queue_limit", "starting_deadline_seconds", "pause_on_failure"}
    | {"after", "after_all", "after_status", "within_seconds", "queue", "image", "command", "vcpus", "memory_mib"}
    | {"timeout_seconds", "attempts", "evaluate_on_exit", "array_size", "nodes", "containers", "environment"}
    | {"secrets", "permissions", "managed_policy_arns", "job_role_arn", "read_only_root_filesystem", "architecture"}
    | {"ephemeral_storage_gib", "assign_public_ip", "platform_version", "volumes", "mounts", "exec", "gpus", "user"}
    | {"privileged", "init_process", "shared_memory_mib", "tmpfs", "ulimits", "devices", "log", "container"}
    | {"registry_credentials", "grace_seconds", "main_depends_on"}
)
#: Said where the words of two values are the same, and the values are not.
ANOTHER = "(another value)"
#: Their values may be anything: they are shown by their names.
_BY_NAME = ("parameters",)


def read(catalog: Catalog, named: NamedJob) -> Job:
    """A job of a stage."""
    stage, spec = catalog.stage, named.spec
    return Job(
        name=named.full,
        trigger=_trigger(spec),
        delivery=_delivery(named),
        after=_after(spec, named.service),
        after_suspended=bool(spec.upstream) and spec.suspend,
        containers=Containers(
            main=Container.read(document.main(stage, spec)),
            beside={
                name: (Container.read(document.beside(stage, spec, each)), each.essential)
                for name, each in spec.containers.items()
            },
            nodes=spec.nodes or 1,
        ),
        timeout_seconds=spec.timeout_seconds,
        attempts=spec.attempts,
        retries=tuple(map(retry_words, _rules(spec))),
        capacity=stage.capacity_of(spec.queue),
    )


def further_rows(before: JobSpec | None, after: JobSpec | None) -> list[Row]:
    """The fields that no plan shows, or for which it says only that they change."""
    rows: list[Row] = []
    for name in JobSpec.model_fields:
        left, right = (None if side is None else getattr(side, name) for side in (before, after))
        if name in _SAID or left == right:
            continue
        if name in _BY_NAME:
            is_new_or_gone = before is None or after is None
            names = (name, ", ".join(left or ()), ", ".join(right or ()))
            rows += [names] if is_new_or_gone and any(names[1:]) else by_name(name, left or {}, right or {})
        else:
            had, has = _words(before, name), _words(after, name)
            if before and after and had == has:  # a long text, or one with a secret
                has = ANOTHER
            rows.append((name.removesuffix("_"), had, has))
    return rows


def _words(spec: JobSpec | None, name: str) -> str:
    """A field's value as it may be shown; empty for its default."""
    if spec is None or getattr(spec, name) == JobSpec.model_fields[name].get_default():
        return ""
    value = spec.model_dump(mode="json", include={name}, exclude_none=True, exclude_defaults=True).get(name)
    return masking.text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


def _trigger(spec: JobSpec) -> Trigger | None:
    timing = spec.timing
    if timing is None:
        return None
    return Trigger(
        kind=SCHEDULE if timing.trigger == "schedule" else RULE,
        expression=timing.expression,
        timing=timing,
        own_zone="" if spec.timezone in (None, "UTC") else str(spec.timezone),
        suspended=spec.suspend,
        window_minutes=spec.flexible_window_minutes,
    )


def _delivery(named: NamedJob) -> Delivery:
    spec = named.spec
    policy = Policy(
        concurrency_policy=spec.concurrency_policy,
        queue_limit=spec.queue_limit if spec.concurrency_policy == "queue" else None,
        starting_deadline_seconds=spec.starting_deadline_seconds,
        excluded=tuple(spec.except_),
        pause_on_failure=spec.pause_on_failure,
    )
    return Delivery(
        queue=spec.queue,
        job_name=named.full,
        event_age_seconds=None,
        array_size=spec.array_size,
        by_function=spec.is_managed,
        policy=policy,
        waits_for_all=bool(spec.after_all),
        within_seconds=spec.within_seconds,
    )


def _after(spec: JobSpec, service: str) -> str:
    if not spec.upstream:
        return ""
    names = [each.replace("/", "-") if "/" in each else f"{service}-{each}" for each in spec.upstream]
    ends = _ENDS.get(spec.after_status, spec.after_status)
    return after_words(names, ends, joins=bool(spec.after_all), within_seconds=spec.within_seconds)


def _rules(spec: JobSpec) -> list[Mapping[str, Any]]:
    rules: list[Mapping[str, Any]] = [rule.model_dump(exclude_none=True) for rule in spec.evaluate_on_exit]
    if rules and not limits.catches_all(rules[-1]):
        rules.append(limits.CATCH_ALL_EXIT)  # as it is deployed: Batch retries what no rule matches
    return rules
