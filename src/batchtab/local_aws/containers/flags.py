"""What of a job's definition becomes flags of its container.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from batchtab.local_aws.batch.sizes import requirement

_SHARES_PER_VCPU = 1024
_SWAPPINESS = 60
_DEVICE_LETTERS = {"READ": "r", "WRITE": "w", "MKNOD": "m"}


def of(
    properties: dict[str, Any],
    sources: dict[str, str | None],
    limits: frozenset[str],
    *,
    fargate: bool,
    swappiness: bool,
) -> list[str]:
    """Return the flags for a job's container, as Docker, Podman, nerdctl and Finch understand them.

    vCPUs are a share on EC2, where a job may use what others leave, and a limit on Fargate. Memory is a limit, without
    swap unless `maxSwap` gives some.

    Args:
        properties: containerProperties of the job, or a container of its task.
        sources: The folder of each volume; a volume without one is empty, and the container's own.
        limits: Which of cpu and memory the engine can limit.
        fargate: Whether the job runs on Fargate.
        swappiness: Whether the machine can follow `swappiness`; version 2 of cgroups can't.
    """
    linux = properties.get("linuxParameters") or {}
    flags = _sizes(properties, linux, limits, fargate=fargate, swappiness=swappiness)
    if properties.get("user"):
        flags += ["--user", properties["user"]]
    for member, flag in (("readonlyRootFilesystem", "--read-only"), ("privileged", "--privileged")):
        flags += [flag] if properties.get(member) else []
    if linux.get("initProcessEnabled"):
        flags.append("--init")
    if linux.get("sharedMemorySize"):
        flags += ["--shm-size", f"{linux['sharedMemorySize']}m"]
    for tmpfs in linux.get("tmpfs") or []:
        flags += ["--tmpfs", _tmpfs(tmpfs)]
    for device in linux.get("devices") or []:
        letters = "".join(_DEVICE_LETTERS[word] for word in device.get("permissions") or _DEVICE_LETTERS)
        inside = device.get("containerPath") or device["hostPath"]
        flags += ["--device", f"{device['hostPath']}:{inside}:{letters}"]
    for limit in properties.get("ulimits") or []:
        flags += ["--ulimit", f"{limit['name']}={limit['softLimit']}:{limit['hardLimit']}"]
    return flags + _volumes(properties, sources)


def _sizes(
    properties: dict[str, Any], linux: dict[str, Any], limits: frozenset[str], *, fargate: bool, swappiness: bool
) -> list[str]:
    vcpus, memory = requirement(properties, "VCPU"), requirement(properties, "MEMORY")
    flags = []
    if vcpus and "cpu" in limits:
        flags += ["--cpus", f"{vcpus:g}"] if fargate else ["--cpu-shares", str(int(vcpus * _SHARES_PER_VCPU))]
    if memory and "memory" in limits:
        swap = linux.get("maxSwap") or 0
        flags += ["--memory", f"{int(memory)}m", "--memory-swap", f"{int(memory) + swap}m"]
        if swap and swappiness:
            flags += ["--memory-swappiness", str(linux.get("swappiness", _SWAPPINESS))]
    return flags


def _tmpfs(tmpfs: dict[str, Any]) -> str:
    options = list(tmpfs.get("mountOptions") or [])
    # Docker's defaults, which not all engines have.
    options += [name for name in ("noexec", "nosuid", "nodev") if {name, name[2:]}.isdisjoint(options)]
    size = f"size={tmpfs['size']}m"
    return f"{tmpfs['containerPath']}:{','.join([size, *options])}"


def _volumes(properties: dict[str, Any], sources: dict[str, str | None]) -> list[str]:
    flags = []
    for mount in properties.get("mountPoints") or []:
        source = sources.get(mount["sourceVolume"])
        if source:
            with contextlib.suppress(OSError):  # Docker makes it, as on AWS; Podman refuses
                Path(source).mkdir(parents=True, exist_ok=True)
        words = [source, mount["containerPath"], "ro" if mount.get("readOnly") and source else None]
        flags += ["--volume", ":".join(word for word in words if word)]
    return flags
