"""A container's volumes and mounts, and the writable /tmp beside a read-only root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.documents import Conditional
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    negate,
    split_template,
)
from batchtab.constructs._terraform.items import Item, Members, each, joined
from batchtab.constructs.scheduled_job import sidecars
from batchtab.declarations.container_fields import TMP_VOLUME, Mount, Volume
from batchtab.declarations.job_arguments import JobArguments, SidecarArguments

#: An empty volume is writable where the root is not. Batch makes no /tmp by itself, and few programs run without one.
TMP = "/tmp"  # noqa: S108 - a path in the container
_PLACES = ("mountPoints", "linuxParameters.tmpfs")


def tmp_volume(name: Any) -> str:
    """The volume at /tmp of a container beside the job's own: no two containers share it."""
    return f"{TMP_VOLUME}-{name}"


def volumes(job: JobArguments) -> Any:
    """See https://docs.aws.amazon.com/batch/latest/APIReference/API_Volume.html."""
    own = choose(_adds_tmp(sidecars.own(job)), [{"name": TMP_VOLUME}], [])
    return joined(each(job.volumes, Volume, _volume), own)


def tmp_volumes(job: JobArguments) -> Any:
    """Those at /tmp of the containers beside the job's own."""
    return each(job.containers, SidecarArguments, lambda name, _: {"name": tmp_volume(name)}, _adds_tmp)


def mounts(container: Members, volume: str) -> Any:
    """See https://docs.aws.amazon.com/batch/latest/APIReference/API_MountPoint.html."""
    tmp = {"sourceVolume": volume, "containerPath": TMP}
    return joined(each(container["mounts"], Mount, _mount), choose(_adds_tmp(container), [tmp], []))


def _volume(name: Any, volume: Item) -> Mapping[str, Any]:
    has_point = is_set(volume["access_point_id"])
    uses_iam = volume["iam"] if is_expression(volume["iam"]) else bool(volume["iam"])
    return {
        "name": name,
        "host": Conditional(is_set(volume["host_path"]), {"sourcePath": volume["host_path"]}),
        "efsVolumeConfiguration": Conditional(
            is_set(volume["efs_file_system_id"]),
            {
                "fileSystemId": volume["efs_file_system_id"],
                "rootDirectory": Conditional(
                    all_of(is_set(volume["root_directory"]), negate(has_point)), volume["root_directory"]
                ),
                "transitEncryption": "ENABLED",  # access points and IAM need it
                "authorizationConfig": Conditional(
                    any_of(has_point, uses_iam),
                    {
                        "accessPointId": Conditional(has_point, volume["access_point_id"]),
                        "iam": choose(uses_iam, "ENABLED", "DISABLED"),
                    },
                ),
            },
        ),
    }


def _mount(_: Any, mount: Item) -> Mapping[str, Any]:
    read_only = mount["read_only"]
    is_read_only: Condition = read_only if is_expression(read_only) else bool(read_only)
    return {
        "sourceVolume": mount["volume"],
        "containerPath": mount["path"],
        "readOnly": Conditional(is_read_only, True),
    }


def _adds_tmp(container: Members) -> Condition:
    given = container["read_only_root_filesystem"]
    read_only: Condition = given if is_expression(given) else bool(given)
    taken = any_of(_has_mount(container["mounts"]), _has_key(container["tmpfs"]), _has_path(container))
    return all_of(read_only, negate(taken))


def _has_path(members: Members) -> Condition:
    """Whether the way out, which the job's own container alone has, mounts something at /tmp."""
    container = getattr(members, "way_out", {})
    parts = [] if is_expression(container) else [container.get("mountPoints", ()), container.get("linuxParameters", {})]
    parts += [part.get("tmpfs", ()) for part in parts[1:] if not is_expression(part)]
    if is_expression(container) or any(map(is_expression, parts)):
        lists = (f"try({hcl(container)}.{place}[*].containerPath, [])" for place in _PLACES)
        return Expression.of(f"contains(concat({', '.join(lists)}), {hcl(TMP)})")
    return TMP in [point.get("containerPath") for points in (parts[0], parts[-1]) for point in points]


def _has_mount(given: Any) -> Condition:
    if is_expression(given):
        return Expression.of(f"contains({hcl(given)}[*].path, {hcl(TMP)})")
    paths = [mount["path"] for mount in given]
    unknown = [path for path in map(literal, paths) if any(code for _, code in split_template(path))]
    if TMP not in paths and unknown:
        return Expression.of(f"contains({hcl(unknown)}, {hcl(TMP)})")
    return TMP in paths


def _has_key(given: Any) -> Condition:
    return Expression.of(f"contains(keys({hcl(given)}), {hcl(TMP)})") if is_expression(given) else TMP in given
