"""One container of a task definition as the fields of jobs.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab import frameworks
from batchtab.importers.images import image_fields, short_ecr
from batchtab.importers.kinds.ecs.command import command_of, environment_of, secrets_of, without_twice
from batchtab.importers.kinds.ecs.logs import log_of
from batchtab.importers.kinds.ecs.loose import CLOSE, OPEN, Loose, is_open, scalar
from batchtab.importers.options import Options

ON_EC2 = "Batch has it on EC2 only"
_EC2 = "leave it out, or run the job on EC2"
_NO_WORD = "Batch has no such setting"
_COSMETIC = "portMappings interactive pseudoTerminal dockerLabels startTimeout versionConsistency containerArn taskArn"
_NEEDED = "links volumesFrom hostname dnsServers dnsSearchDomains extraHosts dockerSecurityOptions systemControls"
_NEEDED += " restartPolicy firelensConfiguration credentialSpecs disableNetworking"
_GRACE_SECONDS = 30
#: Values that are as good as none: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
_DEFAULTS = {"disableNetworking": "false", "privileged": "false", "swappiness": "60"}


def settings_of(node: Loose, override: Loose, options: Options, *, is_main: bool) -> dict[str, Any]:
    """The container's fields, but for its size, mounts and dependencies. Records all others.

    Args:
        node: The container definition.
        override: What starts the task says about the container.
        options: How to import.
        is_main: Whether it is the job's own container.
    """
    found: dict[str, Any] = {}
    found["image"] = image_of(node, options)
    found["command"] = command_of(node, override) if is_main or _says_command(node, override) else None
    found["environment"] = environment_of(node, override)
    secrets = secrets_of(node)
    found["secrets"] = without_twice(found["environment"], secrets, node.recorder)
    found["user"] = scalar(node.carry("User", "user"))
    found["read_only_root_filesystem"] = _read_only(node)
    found["registry_credentials"] = node.child("RepositoryCredentials").carry(
        "CredentialsParameter", "registry_credentials"
    )
    node.child("RepositoryCredentials").rest()
    found["log"] = log_of(node.child("LogConfiguration"), options)
    found["grace_seconds"] = _grace(node)
    if _flag(node, "Privileged"):
        found["privileged"] = _on_ec2(node, "Privileged", "privileged", True, options)
    _leave_defaults(node)
    found |= _limits(node, options) | _linux(node.child("LinuxParameters"), options)
    for where in (node, override):
        where.leave(
            "EnvironmentFiles", "Batch reads no file of variables", "write its variables into environment or secrets"
        )
    directory = node.take("WorkingDirectory")
    if directory is not None:
        node.leave("WorkingDirectory", "Batch uses the image's WORKDIR", f"set WORKDIR {directory} in the image")
    node.leave("HealthCheck", "Batch checks no container's health")
    node.skip(_COSMETIC, "a job needs none")
    node.skip(_NEEDED, _NO_WORD, "decide whether the job needs it")
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def image_of(node: Loose, options: Options, key: str = "Image") -> dict[str, str] | None:
    """The image, by its repository's name alone where it is in the account's own ECR."""
    # What is between the marks may have characters that divide an address.
    address = re.sub(f"{OPEN}[^{CLOSE}]*{CLOSE}", f"{OPEN}x{CLOSE}", scalar(node.take(key)) or "")
    if not address:
        if key in node:
            node.leave(key, "names no image", "write image")
        return None
    host, slash, path = address.partition("/")
    if slash and ".dkr.ecr." in host and is_open(host):
        fields = image_fields(f"0.local/{path}") if not is_open(path.partition(":")[0].partition("@")[0]) else {}
        fields = fields and fields | {"repository": fields["repository"].partition("/")[2]}
    else:
        fields = {} if is_open(address.rpartition(":")[0] or address) else image_fields(address)
        fields = fields and short_ecr(fields, options.account, options.region)
    if not fields:
        todo = "write image, or import with --stage" if "AWS::" in str(node.take(key)) else "write image"
        node.leave(key, "which image it is, is not in the file", todo)
        return None
    if is_open(fields.get("tag", "")) or is_open(fields.get("digest", "")):
        node.change(key, "image, with the tag latest", "write the tag that is open in the source")
        return {"repository": fields["repository"], "tag": "latest"}
    whole = ":".join(filter(None, (fields["repository"], fields.get("tag"))))
    if ".dkr.ecr." in host and not fields["repository"].startswith(host):
        node.change(key, f"image {whole}, in the ECR of the stage's own account and region")
    elif whole == address or fields.get("digest"):
        node.carry(key, "image")
    else:
        node.change(key, f"image {whole}")
    return fields


def _says_command(node: Loose, override: Loose) -> bool:
    return any(each.data.get(each.spelled(name)) for each in (node, override) for name in ("Command", "EntryPoint"))


def _read_only(node: Loose) -> bool | None:
    """Without a word the root is writable in ECS, and read-only in jobs.yaml."""
    if "ReadonlyRootFilesystem" in node:
        is_read_only = _flag(node, "ReadonlyRootFilesystem")
        node.carry("ReadonlyRootFilesystem", "read_only_root_filesystem")
        return None if is_read_only else False
    node.recorder.changed(
        node.field("ReadonlyRootFilesystem"), "not set", "read_only_root_filesystem: false, which is ECS's default"
    )
    return False


def _grace(node: Loose) -> int | None:
    field = "grace_seconds"
    seconds = node.number("StopTimeout")
    if seconds is None:
        return None
    if seconds == _GRACE_SECONDS:
        node.carry("StopTimeout", f"the default of {field}")
        return None
    if not 2 <= seconds <= 120:
        node.leave("StopTimeout", f"{field} is 2 to 120", f"write {field}")
        return None
    if without := frameworks.without_stop_timeout():
        node.leave("StopTimeout", f"{without} would not send {field} to AWS", f"with cdktn, write {field}: {seconds}")
        return None
    node.carry("StopTimeout", field)
    return seconds


def _limits(node: Loose, options: Options) -> dict[str, Any]:
    ulimits: dict[str, Any] = {}
    for each in node.children("Ulimits"):
        name, soft, hard = scalar(each.take("Name")) or "", each.number("SoftLimit"), each.number("HardLimit")
        field = f"{node.field('Ulimits')}.{name}"
        value = {"soft": soft, "hard": hard}
        if options.is_fargate:
            each.recorder.not_carried(field, value, ON_EC2, _EC2)
        elif soft is not None and hard is not None:
            each.recorder.carried(field, value, f"ulimits.{name}")
            ulimits[name] = value
        each.rest()
    gpus = None
    for each in node.children("ResourceRequirements"):
        kind, count = each.take("Type"), each.number("Value")
        field = f"{node.field('ResourceRequirements')}.{kind}"
        if kind != "GPU":
            each.recorder.not_carried(field, count, _NO_WORD, "decide whether the job needs it")
        elif options.is_fargate:
            each.recorder.not_carried(field, count, ON_EC2, "run the job on EC2, with --stage of such a stage")
        else:
            each.recorder.carried(field, count, "gpus")
            gpus = count
        each.rest()
    return {"ulimits": ulimits, "gpus": gpus}


def _linux(node: Loose, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "InitProcessEnabled" in node:
        found["init_process"] = _flag(node, "InitProcessEnabled") or None
        node.carry("InitProcessEnabled", "init_process")
    if (size := node.number("SharedMemorySize")) is not None:
        found["shared_memory_mib"] = _on_ec2(node, "SharedMemorySize", "shared_memory_mib", size, options)
    tmpfs, devices = {}, []
    for each in node.children("Tmpfs"):
        path = scalar(each.take("ContainerPath"))
        is_carried = bool(path) and _on_ec2(each, "ContainerPath", f"tmpfs.{path}", True, options)
        if is_carried and (size := each.number("Size")):
            tmpfs[path] = size
            each.carry("Size", f"tmpfs.{path}")
        each.leave("MountOptions", "jobs.yaml has no options of a tmpfs", "decide whether the job needs them")
        each.rest("its folder is not carried", "")
    for each in node.children("Devices"):
        if _on_ec2(each, "HostPath", "devices.host_path", True, options):
            device = {"host_path": each.take("HostPath"), "container_path": each.carry("ContainerPath", "devices")}
            names = [str(name).upper() for name in each.texts("Permissions") or []]
            each.carry("Permissions", "devices.permissions")
            devices.append({name: value for name, value in {**device, "permissions": names}.items() if value})
        each.rest("its device is not carried", "")
    capabilities = node.child("Capabilities")
    if capabilities.data.get(capabilities.spelled("Add")):
        capabilities.leave("Add", "Batch adds no capabilities", "decide whether the job needs them")
    capabilities.leave("Drop", "Batch removes no capabilities")
    capabilities.rest()
    _leave_defaults(node)
    node.skip("maxSwap swappiness", "jobs.yaml has no field for it", "on EC2, write it into container")
    node.rest()
    return {**found, "tmpfs": tmpfs, "devices": devices}


def _leave_defaults(node: Loose) -> None:
    """Report fields whose value is ECS's default, about which nobody has to decide."""
    for key, default in _DEFAULTS.items():
        if (scalar(node.data.get(node.spelled(key))) or "").lower() == default:
            node.leave(key, "is ECS's default, and Batch's")
    restarts = node.data.get(node.spelled("restartPolicy"))
    if isinstance(restarts, Mapping) and not _flag(Loose(restarts, node.recorder), "Enabled"):
        node.leave("restartPolicy", "is switched off, which is ECS's default")


def _on_ec2(node: Loose, key: str, field: str, value: Any, options: Options) -> Any:
    """The value, if jobs run on EC2."""
    if options.is_fargate:
        node.leave(key, ON_EC2, _EC2)
        return None
    node.carry(key, field)
    return value


def _flag(node: Loose, key: str) -> bool:
    return str(node.take(key)).lower() in {"true", "enabled"}
