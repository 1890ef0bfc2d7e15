"""A container's volumes, mounts, log, Linux parameters and limits, as jobs.yaml has them."""

from __future__ import annotations

from typing import Any

from batchtab.declarations.container_fields import FIELD_OF_OPTION, SECRET_OPTIONS, SET_OPTIONS
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch.node import BatchNode, WrongValueError, flag, free, put, whole, words
from batchtab.importers.kinds.batch.references import secret

_MASKED = "(not shown)"
NO_REFERENCE = "is not the name or the ARN of a parameter or a secret"


def volumes(nodes: list[BatchNode]) -> dict[str, dict[str, Any]]:
    """Volumes by name."""
    found = {}
    for node in nodes:
        name = node.text("name")
        node.carry("name", f"volumes.{name}")
        volume: dict[str, Any] = {}
        host = node.child("host")
        put(volume, host, "sourcePath", "host_path", within=f"volumes.{name}")
        host.rest()
        efs = node.child("efsVolumeConfiguration")
        if efs:
            volume |= _efs(efs, f"volumes.{name}")
        node.rest("jobs.yaml has EFS and the instance's folders only", "mount the files in another way")
        found[name] = volume
    return found


def _efs(efs: BatchNode, within: str) -> dict[str, Any]:
    volume: dict[str, Any] = {}
    put(volume, efs, "fileSystemId", "efs_file_system_id", within=within)
    put(volume, efs, "rootDirectory", "root_directory", within=within)
    efs.change("transitEncryption", "Batchtab always encrypts on the way")
    efs.leave("transitEncryptionPort", "EFS's mount helper chooses the port")
    rights = efs.child("authorizationConfig")
    put(volume, rights, "accessPointId", "access_point_id", within=within)
    volume["iam"] = rights.carry("iam", f"{within}.iam") == "ENABLED"
    if "access_point_id" in volume and volume.get("root_directory") == "/":
        del volume["root_directory"]
    rights.rest()
    efs.rest()
    return volume


def mounts(nodes: list[BatchNode], known: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Mounts of known volumes."""
    found = []
    for node in nodes:
        mount: dict[str, Any] = {}
        if node.reference("sourceVolume") not in known:
            node.leave("sourceVolume", "there is no such volume", "correct the source")
            node.rest("there is no such volume", "")
            continue
        put(mount, node, "sourceVolume", "volume", within="mounts")
        put(mount, node, "containerPath", "path", within="mounts")
        put(mount, node, "readOnly", "read_only", flag, within="mounts")
        if not mount.get("read_only"):
            mount.pop("read_only", None)
        node.rest()
        if mount.get("path"):
            found.append(mount)
    return found


def linux(node: BatchNode) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields, and what has none: `linuxParameters` of the field `container`."""
    found: dict[str, Any] = {}
    more: dict[str, Any] = {}
    put(found, node, "initProcessEnabled", "init_process", flag)
    put(found, node, "sharedMemorySize", "shared_memory_mib", whole)
    devices = []
    for each in node.children("devices"):
        device: dict[str, Any] = {}
        put(device, each, "hostPath", "host_path", within="devices")
        put(device, each, "containerPath", "container_path", within="devices")
        put(device, each, "permissions", "permissions", within="devices")
        each.rest()
        devices.append(device)
    tmpfs, mounted = {}, []
    for each in node.children("tmpfs"):
        path, options = each.text("containerPath"), each.raw("mountOptions")
        try:
            size = whole(each.raw("size"))
        except WrongValueError as error:
            each.leave("size", str(error), "correct the source")
            each.rest("its size is not known", "")
            continue
        to = "container.linuxParameters.tmpfs" if options else "tmpfs"
        for key in ("containerPath", "size"):
            each.carry(key, to)
        options = words(each.carry("mountOptions", to))
        each.rest()
        tmpfs[path] = size
        mounted.append({"containerPath": path, "size": size, **({"mountOptions": options} if options else {})})
    if any("mountOptions" in each for each in mounted):
        more["tmpfs"] = mounted
    elif tmpfs:
        found["tmpfs"] = tmpfs
    for key in ("maxSwap", "swappiness"):
        put(more, node, key, key, whole, within="container.linuxParameters")
    node.rest()
    if devices:
        found["devices"] = devices
    if found.get("init_process") is False:
        del found["init_process"]
    return found, more


def ulimits(nodes: list[BatchNode]) -> dict[str, Any]:
    """Limits by name."""
    found = {}
    for node in nodes:
        limit: dict[str, Any] = {}
        name = node.text("name")
        node.carry("name", f"ulimits.{name}")
        put(limit, node, "softLimit", "soft", whole, within=f"ulimits.{name}")
        put(limit, node, "hardLimit", "hard", whole, within=f"ulimits.{name}")
        node.rest()
        if limit.keys() == {"soft", "hard"}:
            found[name] = limit
    return found


def log(node: BatchNode) -> tuple[dict[str, Any], str]:
    """The field `log`, and the log group that the source names."""
    found: dict[str, Any] = {}
    driver = node.carry("logDriver", "log.driver")
    if driver not in (None, "awslogs"):
        found["driver"] = str(driver)
    options, group = {}, ""
    own = node.child("options")
    for name, value in free(own.data).items():
        if name in SECRET_OPTIONS:
            node.recorder.not_carried(own.name(name), _MASKED, "is a secret", "store it, and name it in secret_options")
            own.take(name)
        elif name in FIELD_OF_OPTION:
            own.change(name, f"the field {FIELD_OF_OPTION[name]}")
            found[FIELD_OF_OPTION[name].removeprefix("log.")] = value
        elif driver in (None, "awslogs") and name in (*SET_OPTIONS, "awslogs-create-group"):
            own.leave(name, "Batchtab sets the log group: /aws/batch/<stage>, and a stream for each job")
            group = value if name == "awslogs-group" else group
        elif own.carry(name, f"log.options.{name}") is not None:
            options[name] = value
    if options:
        found["options"] = options
    if hidden := secrets(node, "secretOptions", "log.secret_options"):
        found["secret_options"] = hidden
    node.rest()
    return found, "" if names_in(group) else group


def secrets(node: BatchNode, key: str, to: str = "secrets") -> dict[str, str]:
    """A list of names with where their secret values are."""
    found = {}
    for each in node.children(key):
        name, reference = each.text("name"), each.text("valueFrom")
        value = secret(each.reference("valueFrom"))
        if value is None or not reference:
            each.leave("valueFrom", NO_REFERENCE, f"write {to}: {{{name}: …}} with its ARN or name")
            each.leave("name", "its value is not known")
        else:
            each.carry("name", f"{to}.{name}")
            if value == reference:
                each.carry("valueFrom", f"{to}.{name}")
            else:
                each.change("valueFrom", f"{to}.{name}: {value}")
            found[name] = value
        each.rest()
    return found
