"""What a job's containers say together: the job's own, and those beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    any_of,
    hcl,
    is_expression,
    is_set,
    not_empty,
)
from batchtab.constructs._terraform.items import Item, Members, joined
from batchtab.declarations.container_fields import Log
from batchtab.declarations.job_arguments import JobArguments, SidecarArguments


class _Own:
    """A job's own container: its members by name."""

    def __init__(self, job: JobArguments) -> None:
        self._job = job

    def __getitem__(self, name: str) -> Any:
        return getattr(self._job, name)

    @property
    def way_out(self) -> Any:
        """Settings without a field."""
        return self._job.container


def own(job: JobArguments) -> Members:
    """A job's own container."""
    return _Own(job)


def has_task(job: JobArguments) -> Condition:
    """Whether Batch gets a task, in which each container has a name."""
    return any_of(not_empty(job.containers), is_set(job.grace_seconds))


def all_mounts(job: JobArguments) -> Any:
    """The mounts of all containers."""
    if is_expression(job.containers):
        return joined(job.mounts, Expression.of(f"flatten(values({hcl(job.containers)})[*].mounts)"))
    return joined(job.mounts, *(each["mounts"] for each in _beside(job)))


def reads_secrets(job: JobArguments) -> Condition:
    """Whether something is secret, which ECS reads with the execution role before a container starts."""
    found = [_is_secretive(own(job)), *map(_is_secretive, _beside(job))]
    if is_expression(job.containers):
        each = Item(SidecarArguments, Expression.of("each"))
        found.append(
            Expression.of(f"anytrue([for each in values({hcl(job.containers)}) : {hcl(_is_secretive(each))}])")
        )
    return any_of(*found)


def secret_arns(job: JobArguments) -> Any:
    """All secrets, each once."""
    lists = [_secrets(own(job)), *map(_secrets, _beside(job))]
    if is_expression(job.containers):
        each = Item(SidecarArguments, Expression.of("each"))
        lists.append(Expression.of(f"flatten([for each in values({hcl(job.containers)}) : {hcl(_secrets(each))}])"))
    if any(map(is_expression, lists)):
        return Expression.of(f"sort(distinct(compact({hcl(joined_texts(lists))})))")
    return sorted({arn for known in lists for arn in known if arn})


def joined_texts(lists: list[Any]) -> Any:
    """Several lists of texts as one; an expression where one of them is one."""
    if not any(map(is_expression, lists)):
        return [text for each in lists for text in each]
    parts = [hcl(each) for each in lists if is_expression(each) or each]
    return Expression.of(f"concat({', '.join(parts)})" if len(parts) > 1 else parts[0])


def images(job: JobArguments) -> Iterator[Any]:
    """The images of the containers whose number is known."""
    yield job.image
    yield from (each["image"] for each in _beside(job) if each["image"] is not None)


def total(job: JobArguments, field: str) -> Any:
    """What all containers ask for together of `vcpus` or `memory_mib`."""
    mine = getattr(job, field)
    values = [each[field] for each in _beside(job) if each[field] is not None]
    if is_expression(job.containers):
        beside = f"[for each in values({hcl(job.containers)}) : coalesce(try(each.{field}, null), 0)]"
        return Expression.of(f"sum(concat([{hcl(mine)}], {beside}))")
    if any(map(is_expression, (mine, *values))):
        return Expression.of(" + ".join(map(hcl, (mine, *values))))
    return mine + sum(values)


def _beside(job: JobArguments) -> list[Item]:
    known: Any = job.containers
    return [Item(SidecarArguments, each) for each in known.values()] if isinstance(known, Mapping) else []


def _is_secretive(each: Members) -> Condition:
    options = Item(Log, each["log"])["secret_options"]
    return any_of(not_empty(each["secrets"]), is_set(each["registry_credentials"]), not_empty(options))


def _secrets(each: Members) -> Any:
    options, credentials = Item(Log, each["log"])["secret_options"], each["registry_credentials"]
    known = [text for texts in (each["secrets"], options) if isinstance(texts, Mapping) for text in texts.values()]
    if any(map(is_expression, (each["secrets"], options, credentials, *known))):
        return Expression.of(f"concat(values({hcl(each['secrets'])}), values({hcl(options)}), {hcl([credentials])})")
    return [*each["secrets"].values(), *options.values(), *([credentials] if credentials else [])]
