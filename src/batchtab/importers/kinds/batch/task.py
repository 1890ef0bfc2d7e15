"""A task of several containers, `EcsProperties`: the first essential one is the job's own."""

from __future__ import annotations

from typing import Any

from batchtab.importers.kinds.batch import container, files
from batchtab.importers.kinds.batch.container import Container
from batchtab.importers.kinds.batch.node import BatchNode, flag, put, whole
from batchtab.importers.places import Place
from batchtab.main_container import MAIN


def read_task(
    node: BatchNode,
    place: Place,
    settings: dict[str, Any],
    roles: dict[str, tuple[BatchNode, str]],
    is_fargate: bool,
) -> Container:
    """The job's own container; what is beside it, and what they share, goes to the settings."""
    tasks = node.children("taskProperties")
    node.rest()
    if not tasks:
        return Container()
    task, *others = tasks
    for other in others:
        other.rest("a job is one task", "make a job of its own of it")
    volumes = files.volumes(task.children("volumes"))
    container.shared(task, settings, is_fargate=is_fargate)
    container.platform_version(task, "platformVersion", settings)
    roles |= {"job_role_arn": (task, "taskRoleArn"), "execution_role_arn": (task, "executionRoleArn")}
    for key in ("taskRoleArn", "executionRoleArn"):
        task.take(key)
    for key in ("ipcMode", "pidMode"):
        task.leave(key, "containers of a job share their network and volumes only", "look whether they need more")
    nodes = task.children("containers")
    task.rest()
    first = next((each for each in nodes if _is_essential(each)), nodes[0] if nodes else None)
    if first is None:
        return Container()
    names = {first.text("name"): MAIN}
    own = container.read(first, place, volumes)
    _between(first, own.settings, names, "main_depends_on")
    first.change("name", f"the job's own container, {MAIN}")
    first.carry("essential", "the job ends with it")
    beside = {each.text("name"): _beside(each, place, volumes, names) for each in nodes if each is not first}
    for each in nodes:
        each.rest()
    if beside:
        own.settings["containers"] = beside
    mounted = {mount["volume"] for each in (own.settings, *beside.values()) for mount in each.get("mounts", [])}
    for name in volumes:
        if name not in mounted:
            task.recorder.correct(f"volumes.{name}", "no container mounts it")
    if kept := {name: volume for name, volume in volumes.items() if name in mounted}:
        settings["volumes"] = kept
    return own


def _beside(node: BatchNode, place: Place, volumes: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    node.recorder = node.recorder.beside(node.text("name"))
    one = container.read(node, place, volumes)
    found = one.settings
    if one.more:
        why = "only the job's own container has what has no field"
        node.recorder.not_carried(node.name("linuxParameters"), one.more, why, "look whether it needs them")
    _between(node, found, names, "depends_on")
    node.carry("name", f"containers.{node.text('name')}")
    if node.carry("essential", "essential") is None or _is_essential(node):
        found["essential"] = True
    return found


def _between(node: BatchNode, settings: dict[str, Any], names: dict[str, str], to: str) -> None:
    """Whom a container waits for, and how long it has to end."""
    waits = {}
    for each in node.children("dependsOn"):
        other = each.text("containerName")
        each.carry("containerName", to)
        waits[names.get(other, other)] = str(each.carry("condition", to) or "START")
        each.rest()
    if waits:
        settings[to] = waits
    put(settings, node, "stopTimeout", "grace_seconds", whole)
    node.leave("firelensConfiguration", "Batchtab has no FireLens", "use another log driver")


def _is_essential(node: BatchNode) -> bool:
    """A container is essential unless it says that it is not."""
    return node.raw("essential") is None or flag(node.raw("essential"))
