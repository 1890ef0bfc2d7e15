"""vCPUs and memory of a task and its containers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Fate
from batchtab.importers.kinds.ecs.loose import Loose, scalar
from batchtab.importers.options import Options
from batchtab.importers.sizes import fitted

_UNITS = 1024
_LEAST_VCPUS = 0.25
_OF_TASK = "on Fargate containers share what the task has"
_UNKNOWN = "its value is not in the file"


def sizes_of(
    task: Loose,
    overrides: Loose,
    containers: Mapping[str, Loose],
    changes: Mapping[str, Loose],
    main: str,
    found: dict[str, Any],
    options: Options,
) -> None:
    """Writes `vcpus` and `memory_mib` into the job, and on EC2 into each of its containers.

    Args:
        task: The task definition.
        overrides: What the trigger says, which counts.
        containers: The container definitions by name.
        changes: What the trigger says of each, which counts.
        main: The name of the job's own container.
        found: The job's fields.
        options: How to import.
    """
    vcpus, memory = _of(task, overrides, "Cpu", _vcpus), _of(task, overrides, "Memory", _mib)
    if options.is_fargate or len(containers) == 1:
        is_used, is_shared = vcpus is None and memory is None, len(containers) > 1
        own = [
            _container(each, changes[name], is_used=is_used, is_shared=is_shared) for name, each in containers.items()
        ]
        if vcpus is None:
            vcpus = sum(each[0] or 0 for each in own) or None
        if memory is None:
            memory = sum(each[1] or 0 for each in own) or None
        _write(task, found, vcpus, memory, options)
        return
    for name, node in containers.items():
        target = found if name == main else found["containers"].get(re.sub(r"[^A-Za-z0-9_-]+", "-", name), {})
        size = _container(node, changes[name], is_used=True)
        _write(
            node,
            target,
            size[0] or (vcpus if name == main else 1),
            size[1] or (memory if name == main else None),
            options,
        )
        if name != main and size[1] is None:
            node.recorder.not_carried(
                node.field("Memory"), "not set", "on EC2 each container needs its own", "write its memory_mib"
            )


def _write(node: Loose, found: dict[str, Any], vcpus: float | None, memory: int | None, options: Options) -> None:
    if vcpus is None and memory is None:
        node.recorder.not_carried(
            node.field("Cpu"), "not set", "the source has no size: jobs.yaml's default is 1 vCPU and 2048 MiB"
        )
        return
    wanted = (vcpus or _LEAST_VCPUS, memory or 1)
    size = fitted(*wanted, is_fargate=options.is_fargate)
    if size is None:
        node.recorder.not_carried(
            node.field("Cpu"),
            f"{wanted[0]} vCPUs, {wanted[1]} MiB",
            "Fargate has no such size",
            "write vcpus and memory_mib",
        )
        return
    for name, fitting, given in zip(("vcpus", "memory_mib"), size, (vcpus, memory), strict=True):
        if given is not None and fitting != given:
            node.recorder.correct(name, f"{name}: {fitting:g}", fate=Fate.CHANGED)
    if size != (vcpus, memory):
        text = f"{wanted[0]:g} vCPUs, {wanted[1]} MiB"
        node.recorder.changed(
            node.field("Cpu"), text, f"vcpus: {size[0]:g} and memory_mib: {size[1]}, which is the next size"
        )
    found["vcpus"], found["memory_mib"] = size


def _of(task: Loose, overrides: Loose, key: str, read: Any) -> Any:
    """The task's size in one dimension, by what starts it or by its definition."""
    node = overrides if key in overrides else task
    if node is overrides and key in task:
        task.leave(key, f"{overrides.field(key)} replaces it")
    if key not in node:
        return None
    value = read(scalar(node.take(key)) or "")
    if value is None:
        node.leave(key, _UNKNOWN, "write vcpus and memory_mib")
    else:
        node.carry(key, "vcpus" if key == "Cpu" else "memory_mib")
    return value


def _container(
    node: Loose, change: Loose, *, is_used: bool, is_shared: bool = False
) -> tuple[float | None, int | None]:
    """A container's own vCPUs and MiB; memory that may be exceeded counts where there is no limit."""
    keys = ("Cpu", "Memory", "MemoryReservation")
    if not is_used:
        for each in (node, change):
            for key in keys:
                each.leave(key, _OF_TASK)
        return None, None
    sources = {key: change if key in change else node for key in keys}
    for key in keys:
        if sources[key] is change:
            node.leave(key, f"{change.field(key)} replaces it")
    cpu, memory, soft = (sources[key].number(key) for key in keys)
    if cpu is not None:
        sources["Cpu"].change("Cpu", "vcpus, of which ECS counts 1024 as one")
    if memory is not None:
        if is_shared:
            sources["Memory"].change("Memory", "part of the job's memory_mib")
        else:
            sources["Memory"].carry("Memory", "memory_mib")
        sources["MemoryReservation"].leave("MemoryReservation", "Batch has one number, which is the limit")
    elif soft is not None:
        sources["MemoryReservation"].change(
            "MemoryReservation", "memory_mib, which is a limit in Batch", "write the most that the job needs"
        )
    return (cpu / _UNITS if cpu else None), memory or soft


def _vcpus(text: str) -> float | None:
    """`256`, `.25 vCPU` or `1 vcpu`."""
    if re.fullmatch("[0-9]{1,6}", text):
        return int(text) / _UNITS
    match = re.fullmatch(r"([0-9]{0,3}(?:\.[0-9]{1,4})?) *vcpus?", text.strip().lower())
    return float(match[1]) if match and match[1] not in {"", "."} else None


def _mib(text: str) -> int | None:
    """`512`, `1GB` or `0.5 GB`."""
    if re.fullmatch("[0-9]{1,8}", text):
        return int(text)
    match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,4})?) *gb", text.strip().lower())
    return math.ceil(float(match[1]) * _UNITS) if match else None
