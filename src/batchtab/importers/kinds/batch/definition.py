"""A job definition, in the shape of Batch's RegisterJobDefinition, as fields of jobs.yaml.

https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers import sizes
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.batch import container, files, retries
from batchtab.importers.kinds.batch.container import Container
from batchtab.importers.kinds.batch.node import NOT_SET, BatchNode, WrongValueError, flag, given, put, whole
from batchtab.importers.kinds.batch.roles import Roles
from batchtab.importers.kinds.batch.task import read_task
from batchtab.importers.options import Options
from batchtab.importers.places import Place

_DAYS = limits.FARGATE_TIMEOUT_SECONDS.maximum // 86_400
_EKS = "is a job on EKS, which Batchtab does not run"


class RefusedError(ValueError):
    """A definition of which no job can be made; its findings say why."""


@dataclass(slots=True)
class Definition:
    """What is read of one job definition.

    Attributes:
        settings: Fields of jobs.yaml.
        is_fargate: Whether it is one for Fargate.
        log_group: Where its containers write, if the source says so.
        roles: The mappings and keys of the roles that the source gives the job, by our names.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    is_fargate: bool = False
    log_group: str = ""
    roles: dict[str, tuple[BatchNode, str]] = field(default_factory=dict)


def read(node: BatchNode, options: Options, roles: Roles, place: Place) -> Definition:
    """Read a definition; its name is the caller's.

    Raises:
        RefusedError: No job can be made of it; a finding says why.
    """
    found = Definition()
    settings = found.settings
    found.is_fargate = _is_fargate(node)
    _kind(node)
    put(settings, node, "schedulingPriority", "priority", whole)
    if parameters := given(node, "parameters", "parameters"):
        settings["parameters"] = parameters
    retries.read(node.child("retryStrategy"), settings)
    _timeout(node.child("timeout"), settings)
    _propagation(node)
    tags(node, settings)
    node.leave(
        "consumableResourceProperties",
        "Batchtab has no consumable resources",
        "keep runs apart with concurrency_policy, or with max_vcpus of a queue of its own",
    )
    node.leave("resourceRetentionPolicy", "Terraform registers the revisions, and deregisters old ones")
    one = _containers(node, place, found)
    settings |= one.settings
    if one.more:
        settings["container"] = one.more
    found.log_group = one.log_group
    _fit(node, options, found)
    roles.choose(found.roles, settings)
    if settings.get("exec") and (settings.get("job_role_arn") or settings.get("read_only_root_filesystem", True)):
        why = "goes with a role that Batchtab makes, and a root that is not read-only"
        node.recorder.not_carried("exec", True, why, "leave job_role_arn out, or do without a shell")
        del settings["exec"]
    if not settings.get("command"):
        why = "jobs.yaml needs a command, and the definition leaves it to the image"
        node.recorder.not_carried("command", NOT_SET, why, "write the image's CMD in the definition, and import again")
        raise RefusedError
    node.rest()
    return found


def tags(node: BatchNode, settings: dict[str, Any]) -> None:
    """Tags that are not AWS's or Batchtab's own."""
    found = given(node, "tags", "tags")
    for name in [name for name in found if name.lower().startswith(("aws:", "batchtab:"))]:
        del found[name]
    if found:
        settings["tags"] = {**settings.get("tags", {}), **found}


def _kind(node: BatchNode) -> None:
    if "eksProperties" in node:
        node.leave("eksProperties", _EKS, "run it as a container on EC2 or Fargate")
        raise RefusedError
    if node.text("containerOrchestrationType") == "EKS":
        node.leave("containerOrchestrationType", _EKS, "run it as a container on EC2 or Fargate")
        raise RefusedError
    node.carry("containerOrchestrationType", "what every job is")
    node.carry("type", "nodes" if node.text("type") == "multinode" else "what every job without nodes is")


def _is_fargate(node: BatchNode) -> bool:
    capabilities = node.raw("platformCapabilities")
    is_fargate = isinstance(capabilities, list) and "FARGATE" in capabilities
    node.change("platformCapabilities", "the stage's compute environment decides where jobs run")
    return is_fargate


def _timeout(node: BatchNode, settings: dict[str, Any]) -> None:
    put(settings, node, "attemptDurationSeconds", "timeout_seconds", whole)
    node.rest()
    if "timeout_seconds" not in settings:
        settings["timeout_seconds"] = limits.FARGATE_TIMEOUT_SECONDS.maximum
        how = f"timeout_seconds: {_DAYS} days, because there was no limit; set what a run may take"
        node.recorder.changed(node.name("attemptDurationSeconds"), NOT_SET, how)


def _propagation(node: BatchNode) -> None:
    if flag(node.raw("propagateTags")):
        node.carry("propagateTags", "what every job does")
    else:
        node.change("propagateTags", "a job's tags always reach its tasks")


def _containers(node: BatchNode, place: Place, found: Definition) -> Container:
    """The job's own container, with what it shares with others in the settings."""
    if "nodeProperties" in node:
        return _nodes(node.child("nodeProperties"), place, found)
    if "ecsProperties" in node:
        return read_task(node.child("ecsProperties"), place, found.settings, found.roles, found.is_fargate)
    return _single(node.child("containerProperties"), place, found)


def _single(node: BatchNode, place: Place, found: Definition) -> Container:
    """`ContainerProperties`."""
    settings = found.settings
    volumes = files.volumes(node.children("volumes"))
    one = container.read(node, place, volumes)
    container.shared(node, settings, is_fargate=found.is_fargate)
    container.platform_version(node.child("fargatePlatformConfiguration"), "platformVersion", settings)
    mounted = {mount["volume"] for mount in one.settings.get("mounts", [])}
    used(node, volumes, mounted, settings)
    found.roles |= {"job_role_arn": (node, "jobRoleArn"), "execution_role_arn": (node, "executionRoleArn")}
    put(one.more, node, "instanceType", "instanceType", within="container")
    for key in ("jobRoleArn", "executionRoleArn"):
        node.take(key)
    node.rest()
    return one


def used(node: BatchNode, volumes: Mapping[str, Any], mounted: set[str], settings: dict[str, Any]) -> None:
    """The volumes that a container mounts; jobs.yaml takes no others."""
    for name in volumes:
        if name not in mounted:
            node.recorder.correct(f"volumes.{name}", "no container mounts it")
    if kept := {name: volume for name, volume in volumes.items() if name in mounted}:
        settings["volumes"] = kept


def _nodes(node: BatchNode, place: Place, found: Definition) -> Container:
    """A multi-node job, all of whose nodes run the same."""
    try:
        count, main = whole(node.raw("numNodes")), whole(node.raw("mainNode") or 0)
    except WrongValueError as error:
        node.leave("numNodes", str(error), "correct the source")
        raise RefusedError from None
    node.carry("numNodes", "nodes")
    ranges = node.children("nodeRangeProperties")
    whats = {json.dumps(_without_place(each.data), sort_keys=True, default=str) for each in ranges}
    if main != 0 or len(whats) != 1:
        key, why = ("mainNode", "is not 0") if main else ("nodeRangeProperties", "run different containers")
        node.leave(key, f"{why}: all nodes of a job run the same, and node 0 is the main one", "make them alike")
        raise RefusedError
    node.carry("mainNode", "the main node is 0")
    if count > 1:
        found.settings["nodes"] = count
    for each in ranges:
        each.change("targetNodes", "nodes: all run the same")
    for each in ranges[1:]:
        each.rest("is the same as the first range's", "")
    first = ranges[0]
    first.leave("instanceTypes", "the compute environment's instance types decide")
    first.leave("consumableResourceProperties", "Batchtab has no consumable resources", "use concurrency_policy")
    if "eksProperties" in first:
        first.leave("eksProperties", _EKS, "run it as a container on EC2")
        raise RefusedError
    if "ecsProperties" in first:
        one = read_task(first.child("ecsProperties"), place, found.settings, found.roles, found.is_fargate)
    else:
        one = _single(first.child("container"), place, found)
    first.rest()
    node.rest()
    return one


def _without_place(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key.lower() != "targetnodes"}


def _fit(node: BatchNode, options: Options, found: Definition) -> None:
    """Whole vCPUs on EC2, one of Fargate's pairs there; without a stage the definition says which."""
    has_stage = options.region is not None
    is_fargate = options.is_fargate if has_stage else found.is_fargate
    settings = found.settings
    if has_stage and is_fargate != found.is_fargate:
        here, there = ("Fargate", "EC2") if is_fargate else ("EC2", "Fargate")
        why = f"the job ran on {there}, and the stage runs jobs on {here}"
        node.recorder.changed("platformCapabilities", there.upper(), why, "look whether the image runs there")
    if not {"vcpus", "memory_mib"} <= settings.keys():
        lacks = "vcpus" if "vcpus" not in settings else "memory_mib"
        node.recorder.not_carried(lacks, NOT_SET, "the definition does not say how much", f"write {lacks}")
        return
    if settings.get("containers"):
        return
    vcpus, memory = settings["vcpus"], settings["memory_mib"]
    fitted = sizes.fitted(vcpus, memory, is_fargate=is_fargate)
    if fitted is None:
        node.recorder.not_carried("vcpus", vcpus, "Fargate has no such size", "choose a size, or a queue on EC2")
    elif fitted != (vcpus, memory):
        how = f"vcpus: {fitted[0]:g}, memory_mib: {fitted[1]}: the next size that there is"
        node.recorder.changed("size", f"{vcpus:g} vCPU, {memory} MiB", how)
        settings["vcpus"], settings["memory_mib"] = fitted


def fill(settings: dict[str, Any], recorder: Recorder) -> None:
    """Parameters that the command takes and nobody gives; Batch then leaves `Ref::name` as it is, and so does this."""
    own = settings.setdefault("parameters", {})
    for name in retries.references(settings["command"]):
        if name not in own:
            how = f"nobody gives it a value, so that Batch leaves Ref::{name} in the command as it is"
            recorder.changed(f"parameters.{name}", NOT_SET, how, f"write parameters: {{{name}: …}}")
            own[name] = f"Ref::{name}"
    if not own:
        del settings["parameters"]
