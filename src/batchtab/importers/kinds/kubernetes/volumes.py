"""Volumes of a pod and where its containers see them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab.declarations.container_fields import AccessPointId, FileSystemId
from batchtab.importers.kinds.kubernetes.draft import Draft, listed
from batchtab.importers.kinds.kubernetes.objects import mapping
from batchtab.importers.kinds.kubernetes.resources import quantity
from batchtab.importers.node import Node

_EFS_SERVER = re.compile(r"(fs-[0-9a-f]{8,40})\.efs\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_EFS_DRIVER = "efs.csi.aws.com"
_MIB = 2**20
_TMPFS_MIB = 64
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container
_FILES = "put the files into the image, or let the job read them from S3, SSM or EFS"
_OTHERS = {
    "configMap": ("its keys are files, which Batch does not mount", _FILES),
    "secret": ("its keys are files, which Batch does not mount", f"{_FILES}; secrets can be variables in `secrets`"),
    "projected": ("its sources are files, which Batch does not mount", _FILES),
    "downwardAPI": ("no pod runs here", "decide what the program needs of it"),
    "image": ("Batch does not mount images", _FILES),
}


@dataclass(slots=True)
class Volumes:
    """The volumes of a pod.

    Attributes:
        known: Name to what jobs.yaml says of it; those that cannot be had are missing.
        memory: Names of folders in memory, with their MiB.
        names: All names of the source.
        paths: Name to the `subPath` of each of its mounts; an empty one is the whole volume.
    """

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    paths: dict[str, list[str]] = field(default_factory=dict)


def volumes(pod: Node, draft: Draft, containers: Sequence[Node]) -> Volumes:
    """Read a pod's volumes, and which of them its containers mount."""
    found = Volumes(paths=_paths(containers))
    for volume in pod.children("volumes"):
        name = str(volume.take("name", ""))
        found.names.add(name)
        if name not in found.paths:
            volume.leave("name", "no container mounts it")
            volume.rest("no container mounts it", "")
            continue
        for key, read in _READERS.items():
            if key in volume:
                part = volume.child(key)
                read(part, name, found, draft)
                part.rest()
                if not part:
                    volume.change(key, "an empty folder")
        for key, (why, todo) in _OTHERS.items():
            volume.leave(key, why, todo)
        volume.rest("is a kind of volume that Batch does not have", "use EFS, or a folder of the instance")
        if name in found.memory:
            volume.change("name", "tmpfs of each container that mounts it")
        elif name in found.known:
            volume.carry("name", f"volumes.{name}")
        else:
            volume.leave("name", "its volume is not carried")
    return found


def _paths(containers: Sequence[Node]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for container in containers:
        for each in listed(container.data.get("volumeMounts")):
            mount = mapping(each)
            found.setdefault(str(mount.get("name", "")), []).append(str(mount.get("subPath") or "").strip("/"))
    return found


def _empty(part: Node, name: str, found: Volumes, draft: Draft) -> None:
    found.known[name] = {}
    limit = quantity(part.take("sizeLimit"))
    if part.take("medium") != "Memory":
        part.carry("medium", "the disk of the task")
        part.leave("sizeLimit", "an empty folder is limited by the disk only")
    elif draft.options.is_fargate or found.paths[name] != [""]:
        part.change("medium", "a folder on disk: Fargate has none in memory, and containers share none")
        part.leave("sizeLimit", "an empty folder is limited by the disk only")
    else:
        found.memory[name] = max(1, math.ceil(limit / _MIB)) if limit else _TMPFS_MIB
        part.change("medium", "tmpfs, of each container that mounts it")
        part.change("sizeLimit", f"tmpfs: {found.memory[name]} MiB")


def _host(part: Node, name: str, found: Volumes, draft: Draft) -> None:
    if draft.options.is_fargate:
        part.leave("path", "Fargate has no folders of an instance", "give the job a queue on EC2, or use EFS")
        part.rest("Fargate has no folders of an instance", "")
        return
    found.known[name] = {"host_path": str(part.take("path"))}
    part.change("path", "host_path, of an instance of the stage's", "decide what is in it, and how it gets there")
    part.leave("type", "ECS makes the folder where it is missing")


def _nfs(part: Node, name: str, found: Volumes, _: Draft) -> None:
    match = _EFS_SERVER.fullmatch(str(part.take("server", "")))
    if match is None:
        part.leave(
            "server", "Batch mounts EFS, and no other NFS", "move the files to EFS, or let the program fetch them"
        )
        part.rest("Batch mounts EFS, and no other NFS", "")
        return
    part.change("server", f"efs_file_system_id: {match[1]}")
    found.known[name] = {"efs_file_system_id": match[1]}
    path = str(part.take("path", "/"))
    if path != "/":
        found.known[name]["root_directory"] = path
    part.carry("path", f"volumes.{name}.root_directory")
    part.carry("readOnly", "read_only of the mount")


def _claim(part: Node, name: str, found: Volumes, draft: Draft) -> None:
    claim = draft.objects.get("PersistentVolumeClaim", part.take("claimName"), draft.namespace)
    spec = mapping(claim.data.get("spec")) if claim else {}
    volume = draft.objects.get("PersistentVolume", spec.get("volumeName"), "") if spec.get("volumeName") else None
    csi = mapping(mapping(volume.data.get("spec")).get("csi")) if volume else {}
    efs = _of_handle(csi.get("volumeHandle")) if csi.get("driver") == _EFS_DRIVER else None
    if efs:
        found.known[name] = efs
        part.change("claimName", f"{_words(efs)}, of the PersistentVolume {spec.get('volumeName')}")
    else:
        todo = "move its files to EFS and write efs_file_system_id, or let the job read and write S3"
        part.leave("claimName", "a volume of the cluster, which Batch does not mount", todo)
    part.carry("readOnly", "read_only of the mount")


def _csi(part: Node, name: str, found: Volumes, _: Draft) -> None:
    driver = str(part.take("driver", ""))
    attributes = part.child("volumeAttributes")
    handle = attributes.data.get("volumeHandle") or attributes.data.get("fileSystemId")
    efs = _of_handle(handle) if driver == _EFS_DRIVER else None
    if efs:
        found.known[name] = efs
        part.change("driver", _words(efs))
        attributes.rest("part of the EFS volume", "")
    else:
        is_secret = "secrets-store" in driver
        part.leave("driver", "Batch has no drivers of volumes", _OTHERS["secret"][1] if is_secret else _FILES)
        part.rest("Batch has no drivers of volumes", "")
        attributes.rest("Batch has no drivers of volumes", "")
    part.carry("readOnly", "read_only of the mount")


def _ephemeral(part: Node, name: str, found: Volumes, _: Draft) -> None:
    found.known[name] = {}
    part.rest("an empty folder on the task's disk takes its place", "")


def _of_handle(handle: object) -> dict[str, Any] | None:
    """`fs-…[:path[:fsap-…]]`, as the driver of EFS has it."""
    system, _, rest = str(handle).partition(":")
    path, _, point = rest.partition(":")
    if FileSystemId.refusal(system) or (point and AccessPointId.refusal(point)):
        return None
    found = {"efs_file_system_id": system}
    if point:
        found["access_point_id"] = point
    elif path.startswith("/") and path != "/":
        found["root_directory"] = path
    return found


def _words(efs: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in efs.items())


_READERS: dict[str, Callable[[Node, str, Volumes, Draft], None]] = {
    "emptyDir": _empty,
    "hostPath": _host,
    "nfs": _nfs,
    "persistentVolumeClaim": _claim,
    "csi": _csi,
    "ephemeral": _ephemeral,
}


def mounts(container: Node, found: Volumes, draft: Draft, settings: dict[str, Any]) -> None:
    """Where a container sees its volumes; `settings` gets `mounts` and `tmpfs`."""
    result: list[dict[str, Any]] = []
    for mount in container.children("volumeMounts"):
        name, path = str(mount.take("name", "")), str(mount.take("mountPath", ""))
        if name not in found.known:
            why = "its volume is not carried" if name in found.names else "there is no such volume"
            mount.rest(why, "")
            mount.leave("name", why, "" if name in found.names else "correct the source")
            mount.leave("mountPath", why)
            continue
        if name in found.memory:
            if path == _SHARED_MEMORY:
                settings["shared_memory_mib"] = found.memory[name]
            else:
                settings.setdefault("tmpfs", {})[path] = found.memory[name]
            mount.change("name", "shared_memory_mib" if path == _SHARED_MEMORY else "tmpfs")
            mount.carry("mountPath", "shared_memory_mib" if path == _SHARED_MEMORY else f"tmpfs.{path}")
            mount.rest("a folder in memory is the container's own", "")
            continue
        part = _part(mount, name, found)
        if part is None:
            mount.rest("another mount has the whole volume, and ECS mounts no part of an empty folder", "")
            continue
        name = part
        result.append({"volume": name, "path": path})
        if mount.take("readOnly") is True:
            result[-1]["read_only"] = True
        mount.carry("name", f"mounts: {name}")
        mount.carry("mountPath", "mounts: path")
        mount.carry("readOnly", "mounts: read_only")
        mount.carry("recursiveReadOnly", "mounts: read_only")
        mount.leave("mountPropagation", "nothing is mounted while a job runs")
        mount.leave("subPathExpr", "Batch replaces no variables in paths", "let the program choose the folder")
        mount.rest()
    container.leave("volumeDevices", "Batch mounts no block devices", "use EFS, or a folder of the instance")
    for name in dict.fromkeys(each["volume"] for each in result):
        draft.settings.setdefault("volumes", {})[name] = found.known[name]
    if result:
        settings["mounts"] = result


def _part(mount: Node, name: str, found: Volumes) -> str | None:
    """The volume of a mount with `subPath`: one of its own, whose root is that folder; None if there can be none."""
    path = str(mount.take("subPath") or "").strip("/")
    if not path:
        mount.carry("subPath", "the volume's root")
        return name
    volume = found.known[name]
    if "access_point_id" in volume:
        mount.leave("subPath", "an access point of EFS sets the folder", "make an access point for the folder")
        return name
    is_empty = not volume
    if is_empty and "" in found.paths[name]:
        todo = "mount the whole folder, and let the program use the part"
        mount.leave("subPath", "another mount has the whole volume, and ECS mounts no part of an empty folder", todo)
        return None
    part = f"{name}-{re.sub(r'[^A-Za-z0-9_-]+', '-', path)}"
    root_field = "root_directory" if "efs_file_system_id" in volume else "host_path" if "host_path" in volume else ""
    own = {**volume}
    if root_field:
        own[root_field] = f"{str(volume.get(root_field, '')).rstrip('/')}/{path}"
    found.known[part] = own
    mount.change("subPath", f"volumes.{part}, of that folder alone")
    return part
