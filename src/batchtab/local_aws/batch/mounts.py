"""Where the volumes of a job's containers are on this machine, and whether its role may mount those that are elsewhere.

A file system, of EFS or S3 Files, is a folder of local AWS's own: what one job writes there another one reads, until
local AWS ends.
https://docs.aws.amazon.com/batch/latest/userguide/efs-volumes.html
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import efs

from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.task import Task

_DENIED = (
    "failed to invoke EFS utils commands to set up EFS volumes: stderr: b'mount.nfs4: access denied by server while"
    " mounting 127.0.0.1:/' : unsuccessful EFS utils command execution; code: 32"
)
Volume = dict[str, Any]


def check(task: Task, roles: TaskRoles) -> None:
    """Refuse file systems that the job's role may not mount, where the definition has it asked.

    Raises:
        RoleError: As ECS has it.
    """
    for volume in task.volumes:
        for action, arn, context in _asked(volume, roles):
            try:
                roles.check(action, arn, context, as_job=True)
            except RoleError as error:
                raise RoleError(f"{_DENIED} ({error})") from error


def sources(task: Task, roles: TaskRoles) -> dict[str, str | None]:
    """Return each volume's folder, which is made; None for one that is the container's own and empty.

    Of a task with several containers an empty volume is a folder too, so that they share it.
    """
    found: dict[str, str | None] = {}
    for volume in task.volumes:
        path: Path | None = None
        with request_scope(roles.job.account_id, roles.job.region):
            if file_system := volume.get("efsVolumeConfiguration"):
                path = _of_efs(file_system)
            elif file_system := volume.get("s3filesVolumeConfiguration"):
                name = file_system["fileSystemArn"].rpartition("/")[2]
                path = _inside(_file_systems() / name, file_system.get("rootDirectory"))
            elif not (volume.get("host") or {}).get("sourcePath") and len(task.containers) > 1:
                path = _of_task(roles.task_id) / volume["name"]
        if path is not None:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o777)  # whoever a container's user is
        found[volume["name"]] = str(path) if path else (volume.get("host") or {}).get("sourcePath")
    return found


def forget(task_id: str) -> None:
    """Remove the empty volumes of a task that has ended."""
    shutil.rmtree(_of_task(task_id), ignore_errors=True)


def _asked(volume: Volume, roles: TaskRoles) -> list[tuple[str, str, dict[str, str]]]:
    if file_system := volume.get("efsVolumeConfiguration"):
        authorization = file_system.get("authorizationConfig") or {}
        if authorization.get("iam") != "ENABLED":
            return []
        base = f"arn:aws:elasticfilesystem:{roles.job.region}:{roles.job.account_id}"
        point = authorization.get("accessPointId")
        context = {"elasticfilesystem:AccessPointArn": f"{base}:access-point/{point}"} if point else {}
        return [("elasticfilesystem:ClientMount", f"{base}:file-system/{file_system['fileSystemId']}", context)]
    if file_system := volume.get("s3filesVolumeConfiguration"):
        point = file_system.get("accessPointArn")
        context = {"s3files:AccessPointArn": point} if point else {}
        return [("s3files:ClientMount", file_system["fileSystemArn"], context)]
    return []


def _of_efs(file_system: Volume) -> Path:
    folder = _file_systems() / file_system["fileSystemId"]
    point = (file_system.get("authorizationConfig") or {}).get("accessPointId")
    if not point:
        return _inside(folder, file_system.get("rootDirectory"))
    root = ((efs._access_points.get(point) or {}).get("RootDirectory") or {}).get("Path")
    return _inside(folder, root or f"/access-points/{point}")


def _inside(folder: Path, root: str | None) -> Path:
    """Return a folder in a file system, never one outside."""
    parts = [part for part in (root or "").split("/") if part not in ("", ".", "..")]
    return folder.joinpath(*parts)


def _file_systems() -> Path:
    return Path(tempfile.gettempdir()) / "file-systems"


def _of_task(task_id: str) -> Path:
    return Path(tempfile.gettempdir()) / "volumes" / task_id
