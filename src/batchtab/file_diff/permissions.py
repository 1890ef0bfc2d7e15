"""What a declared job's roles may do: what its file says, and what its secrets and its volumes of EFS need.

What every job's role may do (pull its image, write its log) is no news of a job, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchtab.declarations.catalog import Catalog
from batchtab.declarations.job import JobSpec
from batchtab.declarations.named_jobs import NamedJob
from batchtab.declarations.sidecars import Sidecar
from batchtab.plan_review.permissions import ALL_OF, Permission, PermissionChange

_MOUNT = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
_EXEC = tuple(f"ssmmessages:{verb}{channel}Channel" for verb in ("Create", "Open") for channel in ("Control", "Data"))


def changes(
    before: tuple[Catalog, NamedJob] | None, after: tuple[Catalog, NamedJob] | None
) -> tuple[PermissionChange, ...]:
    """What each role of a job may do more, or not any more; at least one side is there."""
    had, has = (_permissions_of(*side) if side else {} for side in (before, after))
    found = []
    for holder in sorted({*had, *has}):
        added = tuple(sorted(has.get(holder, frozenset()) - had.get(holder, frozenset())))
        removed = tuple(sorted(had.get(holder, frozenset()) - has.get(holder, frozenset())))
        if added or removed:
            widens = before is not None and bool(added)
            found.append(PermissionChange("", holder, added, removed, unreadable=False, widens=widens))
    return tuple(found)


def _permissions_of(catalog: Catalog, named: NamedJob) -> dict[str, frozenset[Permission]]:
    spec = named.spec
    permissions: dict[str, frozenset[Permission]] = {}
    if spec.job_role_arn is None:
        permissions[f"{named.full}-job"] = frozenset(_of_job(catalog, named))
    if spec.execution_role_arn is None:
        permissions[f"{named.full}-execution"] = frozenset(_of_execution(catalog, named))
    return permissions


def _of_job(catalog: Catalog, named: NamedJob) -> Iterator[Permission]:
    spec, stage = named.spec, catalog.stage
    for each in spec.permissions:
        yield from (Permission(action, resource) for action in each.actions for resource in each.resources)
    yield from (Permission(f"{ALL_OF}{arn}", "") for arn in spec.managed_policy_arns)
    yield from (Permission(action, "*") for action in _EXEC if spec.exec)
    mounts = [*spec.mounts, *(mount for each in spec.containers.values() for mount in each.mounts)]
    for name, volume in spec.volumes.items():
        if volume.efs_file_system_id is None or not volume.iam:
            continue
        writes = any(mount.volume == name and not mount.read_only for mount in mounts)
        place = f"arn:{stage.partition}:elasticfilesystem:{stage.region}:{stage.account_id}"
        for action in _MOUNT if writes else _MOUNT[:1]:
            yield Permission(action, f"{place}:file-system/{volume.efs_file_system_id}")


def _of_execution(catalog: Catalog, named: NamedJob) -> Iterator[Permission]:
    spec = named.spec
    containers: list[JobSpec | Sidecar] = [spec, *spec.containers.values()]
    for one in containers:
        secrets = [*one.secrets.values(), *one.log.secret_options.values()]
        secrets += [one.registry_credentials] if one.registry_credentials else []
        for secret in secrets:
            arn = catalog.stage.secret_arn(secret)
            action = "ssm:GetParameters" if ":ssm:" in arn else "secretsmanager:GetSecretValue"
            yield Permission(action, arn)
