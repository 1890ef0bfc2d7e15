"""`container`: settings of Batch's ContainerProperties that have no field, checked against AWS's own model of them.

Volumes and mount points are added to those of the fields; `linuxParameters` is merged with what the fields say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from batchtab.declarations.table import Fault
from batchtab.errors import did_you_mean, listed

#: What has a field: AWS's name to ours.
FIELD_OF: Mapping[str, str] = {
    "image": "image",
    "vcpus": "vcpus",
    "memory": "memory_mib",
    "command": "command",
    "jobRoleArn": "job_role_arn",
    "executionRoleArn": "execution_role_arn",
    "environment": "environment",
    "readonlyRootFilesystem": "read_only_root_filesystem",
    "privileged": "privileged",
    "ulimits": "ulimits",
    "user": "user",
    "resourceRequirements": "vcpus, memory_mib and gpus",
    "logConfiguration": "log",
    "secrets": "secrets",
    "networkConfiguration": "assign_public_ip",
    "fargatePlatformConfiguration": "platform_version",
    "enableExecuteCommand": "exec",
    "ephemeralStorage": "ephemeral_storage_gib",
    "repositoryCredentials": "registry_credentials",
}
LINUX_FIELD_OF: Mapping[str, str] = {
    "initProcessEnabled": "init_process",
    "sharedMemorySize": "shared_memory_mib",
    "devices": "devices",
}
# Said of settings that a field says too.
BESIDE_TMPFS = "does not go with the field tmpfs"
ANOTHER_VOLUME = "is the name of another volume of the job"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "long": "a whole number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a mapping (key: value)",
    "structure": "a mapping (key: value)",
}


def faults(container: Mapping[str, Any], tmpfs: Mapping[str, int], volumes: Collection[str]) -> Iterator[Fault]:
    """What is wrong with `container` of a job with these `tmpfs` and volumes."""
    for key in container:
        if key in FIELD_OF:
            yield f"container.{key}", None, f"has a field of its own: {FIELD_OF[key]}", ""
    linux = container.get("linuxParameters")
    for key in linux if isinstance(linux, Mapping) else ():
        if key in LINUX_FIELD_OF:
            yield f"container.linuxParameters.{key}", None, f"has a field of its own: {LINUX_FIELD_OF[key]}", ""
        elif key == "tmpfs" and tmpfs:
            yield "container.linuxParameters.tmpfs", None, BESIDE_TMPFS, "use one of them"
    found = list(_shape_faults("container", _shape(), container))
    yield from found
    for index, volume in enumerate(container.get("volumes", ()) if not found else ()):
        if volume.get("name") in volumes:
            yield f"container.volumes.{index}.name", volume["name"], ANOTHER_VOLUME, ""


def free_keys() -> list[str]:
    """The members of ContainerProperties that `container` may have."""
    return sorted(set(_shape().members) - set(FIELD_OF))


@cache
def _shape() -> Any:
    from botocore.session import get_session  # noqa: PLC0415 - it takes a moment, and few jobs need it

    operation: Any = get_session().get_service_model("batch").operation_model("RegisterJobDefinition")
    return operation.input_shape.members["containerProperties"]


def _shape_faults(path: str, shape: Any, value: Any) -> Iterator[Fault]:
    kind = shape.type_name
    is_flag = isinstance(value, bool)
    fits: bool = isinstance(value, _TYPES.get(kind, (object,)))
    if not fits or (is_flag and kind != "boolean"):
        yield path, value if isinstance(value, str | int) else None, f"is not {_WORDS.get(kind, kind)}", ""
    elif kind == "structure":
        for key, item in value.items():
            if key in shape.members:
                yield from _shape_faults(f"{path}.{key}", shape.members[key], item)
            else:
                hint = did_you_mean(str(key), shape.members)
                known = "" if hint else f": {listed(sorted(shape.members))}"
                yield f"{path}.{key}", None, f"is not a setting of AWS's {shape.name}{known}", hint
        for key in shape.required_members:
            if key not in value:
                yield path, None, f"lacks {key}, which AWS needs", ""
    elif kind == "list":
        for index, item in enumerate(value):
            yield from _shape_faults(f"{path}.{index}", shape.member, item)
    elif kind == "map":
        for key, item in value.items():
            yield from _shape_faults(f"{path}.{key}", shape.value, item)
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield path, value, f"is not allowed: {listed(shape.enum)}", ""
