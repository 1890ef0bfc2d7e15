"""Rules for what a task asks of the platform: architecture, system, Fargate's version, disk and network.

https://docs.aws.amazon.com/batch/latest/APIReference/API_RuntimePlatform.html
"""

from __future__ import annotations

import re
from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.sizes import requirement

LATEST = "LATEST"
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def is_windows(task: dict[str, Any]) -> bool:
    """Whether a task's containers are Windows's."""
    return str((task.get("runtimePlatform") or {}).get("operatingSystemFamily", "")).startswith("WINDOWS")


def check(task: dict[str, Any], *, version: str | None, fargate: bool) -> None:
    """Refuse what Batch refuses of containerProperties, or of an element of taskProperties.

    Args:
        task: The properties.
        version: Fargate's platform version, which the two have in different places.
        fargate: Whether the job is for Fargate.

    Raises:
        ClientError: What is wrong.
    """
    if fargate:
        _check_runtime(task.get("runtimePlatform") or {})
        if version is not None and version != LATEST and not _VERSION.fullmatch(version):
            raise ClientError(f"platformVersion: {version!r} is not LATEST and not a version such as 1.4.0")
        size = (task.get("ephemeralStorage") or {}).get("sizeInGiB")
        low, high = limits.EPHEMERAL_STORAGE_GIB
        if size is not None and not low <= size <= high:
            raise ClientError(f"Ephemeral storage for Fargate tasks can be only between range {low} GiB to {high} GiB")
        return
    if task.get("runtimePlatform"):
        raise ClientError("runtimePlatform is not applicable for EC2.")
    for member in ("networkConfiguration", "fargatePlatformConfiguration", "ephemeralStorage", "platformVersion"):
        if task.get(member):
            raise ClientError(f"{member} not applicable for EC2.")


def check_windows(container: dict[str, Any]) -> None:
    """Refuse what a Windows container must not have.

    Raises:
        ClientError: Which member it is.
    """
    for member in limits.WINDOWS_REFUSED:
        if container.get(member) not in (None, [], {}):
            raise ClientError(f"{member} is not applicable to Windows containers")
    vcpus = requirement(container, "VCPU")
    if vcpus is not None and vcpus < 1:
        raise ClientError(f"vCPU must be at least 1 for Windows Job definition, got {vcpus:g}.")


def _check_runtime(runtime: dict[str, Any]) -> None:
    architecture, system = runtime.get("cpuArchitecture"), runtime.get("operatingSystemFamily")
    if architecture is not None and architecture not in limits.ARCHITECTURES:
        raise ClientError(f"cpuArchitecture {architecture!r} is not one of {', '.join(limits.ARCHITECTURES)}")
    if system is not None and system not in limits.OPERATING_SYSTEMS:
        names = ", ".join(limits.OPERATING_SYSTEMS)
        raise ClientError(f"RuntimePlatform supports only one from [{names}] operatingSystemFamily")
    if is_windows({"runtimePlatform": runtime}) and architecture not in (None, "X86_64"):
        raise ClientError("Windows supported only by X86_64 cpuArchitecture")
