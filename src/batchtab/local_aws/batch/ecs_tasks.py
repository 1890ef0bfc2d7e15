"""Rules for ecsProperties: a task of several containers.

https://docs.aws.amazon.com/batch/latest/APIReference/API_EcsTaskProperties.html
"""

from __future__ import annotations

import copy
from typing import Any

from batchtab.local_aws.batch import container, limits, log_options, platform, sizes, volumes
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.task import name_of

Properties = dict[str, Any]
# Lists that Batch gives back empty when they were not given.
_LISTS = ("command", "dependsOn", "environment", "mountPoints", "secrets", "ulimits")
_ROOT = ("root", "0")


def normalised(properties: Properties, *, fargate: bool) -> Properties:
    """Return ecsProperties as Batch gives them back."""
    made = copy.deepcopy(properties)
    for task in made["taskProperties"]:
        task.setdefault("volumes", [])
        if fargate:
            task.setdefault("platformVersion", platform.LATEST)
        for each in task["containers"]:
            for member in _LISTS:
                each.setdefault(member, [])
            if "logConfiguration" in each:
                each["logConfiguration"].setdefault("secretOptions", [])
    return made


def check(properties: Properties, *, fargate: bool) -> None:
    """Refuse ecsProperties that Batch refuses.

    Raises:
        ClientError: What is wrong.
    """
    if len(properties["taskProperties"]) != 1:
        raise ClientError(f"taskProperties: {len(properties['taskProperties'])} elements, exactly 1 is allowed")
    task = properties["taskProperties"][0]
    _check_task(task, fargate=fargate)
    containers = task["containers"]
    low, high = limits.CONTAINERS_PER_TASK
    if not low <= len(containers) <= high:
        raise ClientError(f"Number of containers must be between {low} and {high}")
    names = [name_of(each, position) for position, each in enumerate(containers)]
    if len(set(names)) != len(names):
        raise ClientError("Container names must be unique")
    if not any(each.get("essential", True) for each in containers):
        raise ClientError("At least one container must be set as essential")
    windows = platform.is_windows(task)
    for each in containers:
        if not each.get("image"):
            raise ClientError("ECS Container Image must be provided.")
        container.check_one(each, task.get("executionRoleArn"), fargate=fargate, windows=windows)
        log_options.check(each.get("logConfiguration") or {}, fargate=fargate, multiple=True)
        volumes.check_mounts(each.get("mountPoints") or [], task.get("volumes") or [], windows=windows)
        _check_seconds(each, fargate=fargate)
    check_sizes(containers, fargate=fargate)
    _check_dependencies(dict(zip(names, containers, strict=True)))
    _check_routers(containers)


def check_sizes(containers: list[Properties], *, fargate: bool) -> None:
    """Refuse what a task's containers ask for: on EC2 each by itself, on Fargate all together.

    Raises:
        ClientError: What is wrong.
    """
    for each in containers:
        if fargate:
            sizes.check_requirements(each)
        else:
            sizes.check_sizes(each, fargate=False)
    if fargate:
        sizes.check_sizes({"resourceRequirements": sizes.total(containers)}, fargate=True)


def _check_task(task: Properties, *, fargate: bool) -> None:
    version = task.get("platformVersion")
    platform.check(task, version=version, fargate=fargate)
    container.check_roles(task.get("executionRoleArn"), task.get("taskRoleArn"), fargate=fargate)
    ipc, pid = task.get("ipcMode"), task.get("pidMode")
    if ipc is not None and ipc not in ("host", "task", "none"):
        raise ClientError(f"ipcMode {ipc} is not valid. Valid values are: [host, task, none]")
    if pid is not None and pid not in ("host", "task"):
        raise ClientError(f"Capability {pid} is not valid. Valid capabilities: [host, task]")
    if fargate and ipc:
        raise ClientError("ipcMode is not applicable for Fargate.")
    if fargate and pid == "host":
        raise ClientError("pidMode host is not applicable for Fargate.")
    if task.get("networkMode"):
        raise ClientError("networkMode is only applicable for MANAGED_INSTANCES.")
    volumes.check(
        task.get("volumes") or [],
        job_role=task.get("taskRoleArn"),
        fargate=fargate,
        platform_version=version,
        windows=platform.is_windows(task),
    )


def _check_seconds(each: Properties, *, fargate: bool) -> None:
    low, high = limits.CONTAINER_SECONDS
    for member in ("startTimeout", "stopTimeout"):
        seconds = each.get(member)
        if seconds is None:
            continue
        if seconds < low or (fargate and seconds > high):
            most = f" to {high}" if fargate else ""
            raise ClientError(f"{member} {seconds} is not valid: it is from {low}{most} seconds")


def _check_dependencies(containers: dict[str, Properties]) -> None:
    for name, each in containers.items():
        given = each.get("dependsOn") or []
        if given and len(containers) == 1:
            raise ClientError("Container dependency can not be used in a single-container job.")
        for entry in given:
            other, condition = entry.get("containerName"), entry.get("condition")
            if other not in containers or other == name:
                raise ClientError(f"containerName {other} must reference a defined container.")
            if condition not in limits.CONTAINER_CONDITIONS:
                allowed = ", ".join(limits.CONTAINER_CONDITIONS)
                raise ClientError(f"TaskContainer dependency {condition} is not valid. Valid values are: [{allowed}]")
            if condition != "START" and containers[other].get("essential", True):
                raise ClientError(
                    f"The container target of a dependency can not have condition {condition} if the target is"
                    " essential"
                )
    free = {name for name, each in containers.items() if not each.get("dependsOn")}
    while more := {
        name
        for name, each in containers.items()
        if name not in free and all(entry["containerName"] in free for entry in each["dependsOn"])
    }:
        free |= more
    if stuck := sorted(set(containers) - free):
        raise ClientError(f"dependsOn: the containers {', '.join(stuck)} wait for each other")


def _check_routers(containers: list[Properties]) -> None:
    routers = [each for each in containers if each.get("firelensConfiguration")]
    routed = [each for each in containers if (each.get("logConfiguration") or {}).get("logDriver") == "awsfirelens"]
    if len(routers) > 1:
        raise ClientError("Only one container can have a firelensConfiguration")
    if routers and not routed:
        raise ClientError(
            "When a firelensConfiguration object is specified, at least one container has to be configured with the"
            " awsfirelens log driver"
        )
    if routed and not routers:
        raise ClientError("The log driver awsfirelens needs a container with a firelensConfiguration")
    for router in routers:
        if router in routed:
            raise ClientError("A container with a firelensConfiguration can't have the log driver awsfirelens")
        if str(router.get("user", "root")).partition(":")[0] not in _ROOT:
            raise ClientError("When a firelensConfiguration object is specified, its container has to run as root")
