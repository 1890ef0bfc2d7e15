"""Volumes of a task definition, and where containers see them."""

from __future__ import annotations

import re
from typing import Any

from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar
from batchtab.importers.options import Options

_CAN_NOT = "Batch has no volumes of this kind"
_DECIDE = "decide where the job's files go"


def volumes_of(task: Loose, options: Options) -> dict[str, Any]:
    """Volumes by name: EFS, a folder of the instance, or an empty folder."""
    found: dict[str, Any] = {}
    for node in task.children("Volumes|Volume"):
        name = scalar(node.take("Name")) or ""
        efs, host = node.child("EfsVolumeConfiguration"), node.child("Host")
        path = host.take("SourcePath") if host else node.take("HostPath")
        docker = node.child("DockerVolumeConfiguration")
        other = next(
            (key for key in ("FsxWindowsFileServerVolumeConfiguration", "S3filesVolumeConfiguration") if key in node),
            "",
        )
        node.leave("ConfiguredAtLaunch", _CAN_NOT, _DECIDE)
        written = volume_name(name)
        if efs:
            value = _efs(efs, f"volumes.{written}")
        elif other:
            node.leave(other, _CAN_NOT, _DECIDE)
            value = None
        elif path and options.is_fargate:
            node.recorder.not_carried(node.field("Host"), path, "Fargate has no folders of an instance", _DECIDE)
            value = None
        elif path:
            (host or node).carry("SourcePath" if host else "HostPath", f"volumes.{written}.host_path")
            value = {"host_path": scalar(path)}
        else:
            value = _docker(docker)
        if value is not None:
            note = f"volumes.{written}"
            if written == name:
                node.carry("Name", note)
            else:
                node.change("Name", note)
            found[name] = value
        else:
            node.leave("Name", "its volume is not carried")
        for each in (efs, host, docker, node):
            each.rest()
    return found


def _efs(node: Loose, to: str) -> dict[str, Any] | None:
    system = node.carry("FileSystemId", f"{to}.efs_file_system_id")
    if not system:
        node.rest("no file system is named", _DECIDE)
        return None
    node.change("TransitEncryption", "Batchtab always encrypts what goes to EFS")
    node.leave("TransitEncryptionPort", "AWS chooses the port")
    auth = node.child("AuthorizationConfig")
    point = auth.carry("AccessPointId", f"{to}.access_point_id") or None
    is_iam = str(auth.take("Iam")).upper() == "ENABLED"
    auth.carry("Iam", f"{to}.iam")
    if not is_iam and "Iam" not in auth:
        node.recorder.changed(auth.field("Iam"), "not set", "iam: false, which is ECS's default")
    auth.rest()
    root = node.carry("RootDirectory", f"{to}.root_directory")
    value = {"efs_file_system_id": system, "access_point_id": point, "iam": None if is_iam else False}
    if root not in {None, "", "/"}:
        value["root_directory"] = root
    return {name: each for name, each in value.items() if each is not None}


def _docker(node: Loose) -> dict[str, Any] | None:
    if not node:
        return {}
    if scalar(node.take("Driver")) in {None, "local"} and scalar(node.take("Scope")) in {None, "task"}:
        for key in ("Driver", "Scope"):
            node.change(key, "an empty folder, which ends with the job")
        node.leave("Autoprovision", "an empty folder is made for each run")
        node.skip("DriverOpts Labels", "Batch has no options of a volume", "decide whether the job needs them")
        return {}
    for key in ("Driver", "Scope", "Autoprovision", "DriverOpts", "Labels"):
        node.leave(key, _CAN_NOT, _DECIDE if key in {"Driver", "Scope"} else "")
    return None


def mounts_of(node: Loose, volumes: dict[str, Any]) -> list[dict[str, Any]]:
    """Where a container sees the volumes."""
    found = []
    for each in node.children("MountPoints"):
        volume, path = scalar(each.take("SourceVolume")) or "", scalar(each.take("ContainerPath")) or ""
        field = f"{node.field('MountPoints')}.{volume}"
        if volume not in volumes or is_open(path) or not path:
            each.recorder.not_carried(field, path, "its volume is not carried", _DECIDE)
        else:
            is_read_only = str(each.take("ReadOnly")).lower() == "true"
            each.carry("ReadOnly", "mounts.read_only")
            each.recorder.carried(field, path, "mounts")
            mount = {"volume": volume_name(volume), "path": path}
            found.append(mount | ({"read_only": True} if is_read_only else {}))
        each.rest("its volume is not carried", "")
    return found


def volume_name(name: str) -> str:
    """A volume's name with the characters that jobs.yaml allows."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name) or "volume"
