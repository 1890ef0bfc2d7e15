"""One container of a job definition, and what the containers of a task share, as jobs.yaml has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab.importers.dynamic_references import IN_A_TEXT, IN_A_TEXT_TODO, has_reference, reference_in
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch import files, image
from batchtab.importers.kinds.batch.node import NOT_SET, BatchNode, WrongValueError, flag, number, put, whole, words
from batchtab.importers.places import Place
from batchtab.importers.secret_texts import has_secret, masked_command
from batchtab.importers.variables import carried_variables


@dataclass(slots=True)
class Container:
    """What is read of one container.

    Attributes:
        settings: Fields of jobs.yaml.
        more: What has no field: `container`.
        log_group: Where it writes, if the source says so.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    log_group: str = ""


def read(node: BatchNode, place: Place, volumes: Mapping[str, Any]) -> Container:
    """Read what a container of either form says: `ContainerProperties` and a task's `TaskContainerProperties`.

    Args:
        node: The container; whoever calls reads the rest.
        place: Account and region, as far as they are known.
        volumes: The job's volumes by name.
    """
    found = Container()
    settings = found.settings
    if (fields := image.read(node, place)) is not None:
        settings["image"] = fields
    read_command(node, settings)
    read_variables(node, settings)
    read_size(node, settings)
    put(settings, node, "user", "user", str)
    put(settings, node, "privileged", "privileged", flag)
    put(settings, node, "readonlyRootFilesystem", "read_only_root_filesystem", flag)
    if "readonlyRootFilesystem" not in node:
        how = "read_only_root_filesystem: false, as Batch does; true is safer where the program allows it"
        node.recorder.changed(node.name("readonlyRootFilesystem"), NOT_SET, how)
        settings["read_only_root_filesystem"] = False
    own, more = files.linux(node.child("linuxParameters"))
    settings |= own
    if more:
        found.more["linuxParameters"] = more
    if limits := files.ulimits(node.children("ulimits")):
        settings["ulimits"] = limits
    if mounts := files.mounts(node.children("mountPoints"), dict(volumes)):
        settings["mounts"] = mounts
    log, found.log_group = files.log(node.child("logConfiguration"))
    if log:
        settings["log"] = log
    registry = node.child("repositoryCredentials")
    put(settings, registry, "credentialsParameter", "registry_credentials")
    registry.rest()
    if settings.get("privileged") is False:
        del settings["privileged"]
    return found


def shared(node: BatchNode, settings: dict[str, Any], *, is_fargate: bool) -> None:
    """What is said of all containers together, in either form."""
    network = node.child("networkConfiguration")
    if network.carry("assignPublicIp", "assign_public_ip") == "ENABLED":
        settings["assign_public_ip"] = True
    network.rest()
    disk = node.child("ephemeralStorage")
    put(settings, disk, "sizeInGiB", "ephemeral_storage_gib", whole)
    disk.rest()
    put(settings, node, "enableExecuteCommand", "exec", flag)
    if not settings.get("exec"):
        settings.pop("exec", None)
    platform = node.child("runtimePlatform")
    processor = platform.raw("cpuArchitecture")
    if processor == "ARM64" and not is_fargate:
        platform.leave("cpuArchitecture", "on EC2 the environment's instance types decide")
    elif platform.carry("cpuArchitecture", "architecture") == "ARM64":
        settings["architecture"] = "arm64"
    system = platform.raw("operatingSystemFamily")
    if system in (None, "LINUX"):
        platform.carry("operatingSystemFamily", "what every job runs on")
    else:
        platform.leave("operatingSystemFamily", "jobs run on Linux", "build the image for Linux")
    platform.rest()


def platform_version(node: BatchNode, key: str, settings: dict[str, Any]) -> None:
    """The Fargate platform version, which is LATEST where nothing else is said."""
    if node.carry(key, "platform_version") not in (None, "LATEST"):
        settings["platform_version"] = str(node.raw(key))


def read_command(node: BatchNode, settings: dict[str, Any]) -> None:
    """The command, in place of the image's."""
    command = words(node.raw("command"))
    if not command:
        node.carry("command", "the image's own command")
        return
    unknown = ", ".join(names_in(node.raw("command")))
    if unknown:
        node.change("command", f"command; not known: {unknown}", "write their values in the command")
    elif any(has_reference(each) for each in command):
        how = "command, in which nothing replaces {{resolve:…}}"
        node.change("command", how, "store the value in secrets, and let the program read its variable")
    elif has_secret(command):
        node.change("command", "command, with *** for what looks like a secret", "pass it in secrets instead")
    else:
        node.carry("command", "command")
    settings["command"] = masked_command([str(each) for each in command])


def read_variables(node: BatchNode, settings: dict[str, Any]) -> None:
    """Environment variables and secrets, which are added to those that are there."""
    secrets = files.secrets(node, "secrets")
    plain: dict[str, object] = {}
    for each in node.children("environment"):
        name, value = each.text("name"), each.take("value")
        each.take("name")
        each.rest()
        where = f"{node.name('environment')}.{name}"
        unknown = ", ".join(names_in(value))
        if unknown:
            each.recorder.not_carried(where, value, f"not known: {unknown}", f"write environment: {{{name}: …}}")
        elif (reference := reference_in(str(value))) is not None:
            each.recorder.changed(where, value, reference.how(name), reference.todo)
            secrets[name] = reference.secret
        elif has_reference(value):
            each.recorder.not_carried(where, value, IN_A_TEXT, IN_A_TEXT_TODO.format(name))
        else:
            plain[name] = value
    variables = carried_variables(plain, node.recorder, node.name("environment"))
    environment = {**settings.get("environment", {}), **variables}
    if environment := {name: value for name, value in environment.items() if name not in secrets}:
        settings["environment"] = environment
    if secrets:
        settings["secrets"] = {**settings.get("secrets", {}), **secrets}


def read_size(node: BatchNode, settings: dict[str, Any]) -> None:
    """vCPUs, memory and GPUs; the old form has `vcpus` and `memory`, and the new one wins."""
    put(settings, node, "vcpus", "vcpus", number)
    put(settings, node, "memory", "memory_mib", whole)
    fields = {"VCPU": ("vcpus", number), "MEMORY": ("memory_mib", whole), "GPU": ("gpus", whole)}
    for each in node.children("resourceRequirements"):
        kind = each.text("type")
        to, convert = fields.get(kind, ("", None))
        if convert is None:
            each.leave("type", "Batch knows VCPU, MEMORY and GPU", "correct the source")
            each.leave("value", "what it requests is not known")
            continue
        each.carry("type", to)
        try:
            settings[to] = convert(each.raw("value"))
            each.carry("value", to)
        except WrongValueError as error:
            each.leave("value", str(error), "correct the source")
        each.rest()
