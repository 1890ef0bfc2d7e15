from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchtab.local_aws.batch import limits

DEFAULT = "default"  # what Batch calls the one container of containerProperties
Properties = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """One container of a task.

    Attributes:
        name: Its name; `default` where the definition has containerProperties.
        properties: Its members, which containerProperties and taskProperties have in common.
        essential: Whether the task ends with it.
        waits_for: The containers that it waits for, each with the condition.
        start_seconds: How long others wait for it; None: for ever.
        stop_seconds: Between SIGTERM and SIGKILL.
    """

    name: str
    properties: Properties
    essential: bool = True
    waits_for: tuple[tuple[str, str], ...] = ()
    start_seconds: int | None = None
    stop_seconds: int = limits.STOP_GRACE_SECONDS


@dataclass(frozen=True)
class Task:
    """What an attempt runs: a job's containers, and what they share.

    Attributes:
        containers: At least one.
        execution_role: Who pulls images and secrets, and writes logs; None: the instance's role.
        job_role: Whose credentials the containers get.
        volumes: What they mount.
        windows: Whether they are Windows's.
    """

    containers: tuple[Container, ...]
    execution_role: str | None
    job_role: str | None
    volumes: list[Properties]
    windows: bool = False


def of_record(record: Properties) -> Task:
    """Return what a job runs, which is in its `ecsProperties` or its `container`."""
    if "ecsProperties" in record:
        return _of_properties(record["ecsProperties"]["taskProperties"][0])
    container = record["container"]
    return Task(
        (Container(DEFAULT, container),),
        container.get("executionRoleArn"),
        container.get("jobRoleArn"),
        container.get("volumes") or [],
        _is_windows(container),
    )


def _of_properties(properties: Properties) -> Task:
    containers = [
        Container(
            name_of(container, position),
            container,
            container.get("essential", True),
            tuple((each["containerName"], each["condition"]) for each in container.get("dependsOn") or []),
            container.get("startTimeout"),
            container.get("stopTimeout", limits.STOP_GRACE_SECONDS),
        )
        for position, container in enumerate(properties["containers"])
    ]
    return Task(
        tuple(containers),
        properties.get("executionRoleArn"),
        properties.get("taskRoleArn"),
        properties.get("volumes") or [],
        _is_windows(properties),
    )


def name_of(container: Properties, position: int) -> str:
    """Return a container's name; one that has none gets one by its position."""
    return str(container.get("name") or (DEFAULT if position == 0 else f"{DEFAULT}-{position}"))


def _is_windows(properties: Properties) -> bool:
    return str((properties.get("runtimePlatform") or {}).get("operatingSystemFamily", "")).startswith("WINDOWS")
