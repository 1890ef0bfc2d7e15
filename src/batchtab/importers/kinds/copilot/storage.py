"""A manifest's volumes and disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar
from batchtab.importers.kinds.ecs.volumes import volume_name
from batchtab.importers.options import Options

_FARGATE_GIB = 20
_MANAGED = "Copilot's own file system is deleted with its environment"


def settings(top: Loose, found: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Volumes, where the job sees them, and the disk's size."""
    node = top.child("storage")
    values: dict[str, Any] = {}
    size = node.number("ephemeral")
    if size is not None and size > _FARGATE_GIB and options.is_fargate:
        values["ephemeral_storage_gib"] = size
        node.carry("ephemeral", "ephemeral_storage_gib")
    else:
        node.leave("ephemeral", "is what Fargate has anyway" if options.is_fargate else "is for Fargate only")
    if str(node.take("readonly_fs")).lower() != "true":
        values["read_only_root_filesystem"] = False
    node.carry("readonly_fs", "read_only_root_filesystem")
    if "readonly_fs" not in node:
        top.recorder.changed(
            node.field("readonly_fs") if node else "storage.readonly_fs",
            "not set",
            "read_only_root_filesystem: false, which is Copilot's default",
        )
    volumes, mounts = {}, []
    section = node.child("volumes")
    for name in section.data:
        each = section.child(str(name))
        volume = _volume(each, f"volumes.{volume_name(str(name))}")
        path = scalar(each.take("path"))
        is_read_only = str(each.take("read_only", True)).lower() == "true"
        if volume is None or not path or is_open(path):
            for key in ("path", "read_only"):
                each.leave(key, "its volume is not carried")
        else:
            each.carry("path", "mounts.path")
            each.carry("read_only", "mounts.read_only")
            if "read_only" not in each:
                each.recorder.changed(each.field("read_only"), "not set", "read_only: true, which is Copilot's default")
            volumes[volume_name(str(name))] = volume
            mount = {"volume": volume_name(str(name)), "path": path}
            mounts.append(mount | ({"read_only": True} if is_read_only else {}))
        each.rest()
    node.rest()
    containers = found.get("containers", {})
    for container in containers.values():
        container["mounts"] = [each for each in container.get("mounts", []) if each["volume"] in volumes]
    return values | {"volumes": volumes, "mounts": mounts}


def _volume(node: Loose, to: str) -> dict[str, Any] | None:
    """An EFS file system, or an empty folder; None where only Copilot knows the file system."""
    value = node.take("efs")
    todo = f"make a file system, and write {to}.efs_file_system_id"
    if value is None or str(value).lower() == "false":
        node.change("efs", "an empty folder, which ends with the job")
        return {}
    if not isinstance(value, Mapping):
        text = scalar(value) or ""
        if text.startswith("fs-") and not is_open(text):
            node.carry("efs", f"{to}.efs_file_system_id")
            return {"efs_file_system_id": text}
        node.leave("efs", _MANAGED, todo)
        return None
    efs = node.child("efs")
    found: dict[str, Any] = {}
    for key in ("uid", "gid"):
        efs.leave(key, _MANAGED, todo if key == "uid" else "")
    system = efs.take("id")
    if isinstance(system, Mapping) or is_open(system):
        efs.leave("id", "which file system it is, is not in the file", todo)
        system = None
    if not system:
        efs.rest("its volume is not carried", "")
        return None
    efs.carry("id", f"{to}.efs_file_system_id")
    found["efs_file_system_id"] = str(system)
    root = scalar(efs.carry("root_dir", f"{to}.root_directory"))
    if root and root != "/":
        found["root_directory"] = root
    auth = efs.child("auth")
    if str(auth.take("iam", True)).lower() == "false":
        found["iam"] = False
    auth.carry("iam", f"{to}.iam")
    if point := scalar(auth.carry("access_point_id", f"{to}.access_point_id")):
        found["access_point_id"] = point
    auth.rest()
    efs.rest()
    return found
