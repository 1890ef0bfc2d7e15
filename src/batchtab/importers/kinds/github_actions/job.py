"""A job of a workflow, for one schedule and one combination of its matrix, as a job of jobs.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.importers import images
from batchtab.importers.imported import ImportedJob
from batchtab.importers.kinds.github_actions import steps
from batchtab.importers.kinds.github_actions.expressions import Known
from batchtab.importers.kinds.github_actions.needs import End, Places, end_of
from batchtab.importers.kinds.github_actions.ports import Ports
from batchtab.importers.kinds.github_actions.values import Values, once
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import plain

#: GitHub's own limit of a job.
_MINUTES = 360
#: What GitHub's runner of a private repository has.
#: https://docs.github.com/en/actions/reference/runners/github-hosted-runners
_VCPUS, _MEMORY_MIB = 2, 8192
#: What a service such as a database needs at least.
_SERVICE_VCPUS, _SERVICE_MEMORY_MIB = 1, 1024
_OPEN = "only GitHub knows it"


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the jobs of a workflow share.

    Attributes:
        service: Their service.
        environment: The workflow's `env`.
        defaults: `shell` and `working-directory` of its `defaults.run`.
        concurrency: Its `concurrency`.
        options: The command line's.
    """

    service: str
    environment: Mapping[str, Any]
    defaults: Mapping[str, str]
    concurrency: Any
    options: Options


@dataclass(slots=True)
class Made:
    """A job, and what its place in the workflow needs.

    Attributes:
        job: The job; None if nothing of it runs here.
        end: Which end of those that it needs starts it; None if it never runs at this schedule.
    """

    job: ImportedJob | None
    end: End | None


def read(
    node: Node, workflow: Workflow, known: Known, name: str, places: Places, combination: Mapping[str, Any]
) -> Made:
    """Read a job; each of its fields has a finding.

    Args:
        node: The job.
        workflow: What it shares with others.
        known: What is known of the run.
        name: Its name in jobs.yaml.
        places: The jobs that were read before.
        combination: The values of its matrix; empty if it has none.
    """
    recorder = node.recorder
    values = Values(workflow.service, known, recorder)
    end = end_of(node, known, places)
    node.take("if")
    if end is None:
        node.rest("the job never runs at this schedule", "")
        return Made(None, None)
    recorder.changed(node.path, node.path.removeprefix("jobs."), f"job {name}")
    _strategy(node, combination)
    node.change("name", "the job's name")
    node.change("needs", "after, or after_all of several")
    settings: dict[str, Any] = {"attempts": 1, "read_only_root_filesystem": False}
    for values_, path in ((workflow.environment, "env"), (node.child("env").data, node.name("env"))):
        values.add(values_, path)
    defaults = dict(workflow.defaults)
    run = node.child("defaults").child("run")
    for key in ("shell", "working-directory"):
        if key in run:
            defaults[key] = str(plain(run.change(key, "command")))
    run.rest()
    _runner(node, values, settings)
    _limit(node, values, settings)
    _container(node, values, settings, workflow.options)
    _concurrency(node, workflow, settings)
    default = "sh" if node.data.get("container") else "bash"  # as on GitHub, whose runner has bash
    found = steps.read(node, values, {"default": default, **defaults}, settings)
    _leave(node)
    if not found:
        recorder.correct("", "there is no job: no step runs a command here")
        todo = "keep the workflow on GitHub, or write the job's command"
        recorder.not_carried(node.name("steps"), len(node.data.get("steps") or []), "no step runs a command here", todo)
        return Made(None, end)
    settings["command"] = steps.command(found, default)
    settings |= values.settings()
    return Made(ImportedJob(name, recorder.place, settings), end)


def _strategy(node: Node, combination: Mapping[str, Any]) -> None:
    strategy = node.child("strategy")
    if combination:
        shown = ", ".join(map(str, combination.values()))
        strategy.change("matrix", f"a job for each combination; of this one: {shown}")
    for each in ("fail-fast", "max-parallel"):
        strategy.leave(each, "jobs run and fail on their own")
    strategy.rest()


def _runner(node: Node, values: Values, settings: dict[str, Any]) -> None:
    given = plain(node.data.get("runs-on"))
    given = given.get("labels", given) if isinstance(given, dict) else given
    labels = [values.filled(str(each)).lower() for each in (given if isinstance(given, list) else [given])]
    text = " ".join(labels)
    settings["vcpus"], settings["memory_mib"] = _VCPUS, _MEMORY_MIB
    if "arm" in text:
        settings["architecture"] = "arm64"
    size = f"vcpus {_VCPUS} and memory_mib {_MEMORY_MIB}, as GitHub's runner of a private repository"
    todo = ""
    if "windows" in text or "macos" in text:
        todo = "Batch runs Linux: check that the command does, or keep the workflow on GitHub"
    elif "self-hosted" in text or not text.startswith("ubuntu"):
        todo = "choose the job's size, and check that the stage's network reaches what this runner does"
    if "runs-on" in node:
        node.change(
            "runs-on", f"{size}; {settings.get('architecture', 'x86_64')}; the container's disk is writable", todo
        )


def _limit(node: Node, values: Values, settings: dict[str, Any]) -> None:
    text = values.filled(str(plain(node.data.get("timeout-minutes", _MINUTES))))
    try:
        minutes = float(text)
        settings["timeout_seconds"] = min(max(60, math.ceil(minutes * 60)), 2_147_483_647)
    except (ValueError, OverflowError):
        node.leave("timeout-minutes", _OPEN, "write timeout_seconds")
        return
    if "timeout-minutes" in node:
        node.change("timeout-minutes", f"timeout_seconds {settings['timeout_seconds']}")
    else:
        how = f"timeout_seconds {settings['timeout_seconds']}; GitHub's default"
        node.recorder.changed(node.name("timeout-minutes"), _MINUTES, how)


def _container(node: Node, values: Values, settings: dict[str, Any], options: Options) -> None:
    given = node.data.get("container")
    container = node.child("container") if isinstance(given, Mapping) else Node({}, node.recorder)
    image = values.filled(str(plain(container.data.get("image") if container else given or "")))
    actions = [str(step.get("uses")) for step in node.data.get("steps") or [] if isinstance(step, Mapping)]
    key, holder = ("image", container) if container else ("container", node)
    if image and "${{" not in image:
        has_code = any(each.startswith("actions/checkout") for each in actions)
        todo = "build an image from it that has the repository's code, and write it" if has_code else ""
        holder.change(key, "image", todo)
        settings["image"] = images.short_ecr(images.image_fields(image), options.account, options.region)
    elif image:
        holder.leave(key, _OPEN, "write the job's image")
    elif options.image:
        node.recorder.changed(node.name("container"), "", f"image {options.image}, of the command line")
        settings["image"] = images.short_ecr(images.image_fields(options.image), options.account, options.region)
    else:
        todo = "build an image with the repository's code and what the steps need, and write it, or use --image"
        node.recorder.changed(
            node.name("container"),
            "",
            "the shared runner image, in place of GitHub's runner",
            once(node.recorder, todo),
        )
    if container:
        _container_env(container.child("env"), values)
        container.leave("credentials", "jobs.yaml has registry_credentials", "store name and password, and write it")
        container.leave("ports", "a job's containers share one network")
        container.leave("volumes", "a job has volumes of its own", "write volumes and mounts")
        container.leave("options", "Docker's options are fields of jobs.yaml", "write user, container or others")
        container.rest()
    _services(node, values, settings, options)


def _container_env(env: Node, values: Values) -> None:
    """A container's variables, beside those of the job and of the workflow, which GitHub gives to each step."""
    for name in [*values.environment, *values.secrets]:
        env.leave(name, "GitHub gives the steps the value of the job's or the workflow's env")
    others = {*env.data} - {*values.environment, *values.secrets}
    values.add({name: value for name, value in env.data.items() if name in others}, env.path)


def _services(node: Node, values: Values, settings: dict[str, Any], options: Options) -> None:
    services, ports = node.child("services"), Ports(values)
    for name in services.data:
        service = services.child(name)
        image = values.filled(str(plain(service.data.get("image", ""))))
        if not image or "${{" in image:
            service.leave("image", _OPEN, "write the container in jobs.yaml")
            service.rest("its image is not known")
            continue
        found: dict[str, Any] = {"image": images.image_fields(image), "read_only_root_filesystem": False}
        own = Values(values.service, values.known, values.recorder.beside(str(name)))
        own.add(service.child("env").data, service.name("env"))
        found |= own.settings()
        if not options.is_fargate:
            found |= {"vcpus": _SERVICE_VCPUS, "memory_mib": _SERVICE_MEMORY_MIB}
            size = f"vcpus {_SERVICE_VCPUS}, memory_mib {_SERVICE_MEMORY_MIB}: each container of EC2 has its own size"
            values.recorder.changed(service.path, name, f"containers.{name}: {size}")
        todo = f"reach it as localhost, not as {name}, and wait until it answers: jobs.yaml has no health check"
        service.change("image", f"containers.{name}", once(node.recorder, todo))
        ports.leave(service, has_container=bool(node.data.get("container")))
        service.leave("options", "Docker's options are fields of jobs.yaml", "write what the container needs of them")
        service.leave("volumes", "a job has volumes of its own", "write volumes and mounts")
        service.leave("credentials", "jobs.yaml has registry_credentials", "store name and password, and write it")
        service.rest()
        settings.setdefault("containers", {})[str(name)] = found
        settings.setdefault("main_depends_on", {})[str(name)] = "START"
    services.rest()


def _concurrency(node: Node, workflow: Workflow, settings: dict[str, Any]) -> None:
    own = "concurrency" in node
    given = plain(node.take("concurrency") if own else workflow.concurrency)
    if given is None:
        return
    where = node.name("concurrency") if own else "concurrency"
    cancel = str(given.get("cancel-in-progress", False)).lower() if isinstance(given, dict) else "false"
    group = given.get("group") if isinstance(given, dict) else given
    if cancel == "true":
        settings["concurrency_policy"] = "replace"
        how, todo = "concurrency_policy: replace: a new run ends the one before", ""
    else:
        settings |= {"concurrency_policy": "queue", "queue_limit": 1}
        how = "concurrency_policy: queue, queue_limit 1: one run waits; of several GitHub keeps the last"
        todo = "" if cancel == "false" else "only GitHub knows cancel-in-progress: choose replace or queue"
    if "${{" not in str(group):
        how += "; only runs of this job count, and on GitHub all of the group"
    node.recorder.changed(where, given, how, todo)


def _leave(node: Node) -> None:
    node.leave("permissions", "they are for GitHub's token")
    node.leave("outputs", "a job has no outputs", "hand over data by S3, if a job reads them")
    node.leave("environment", "a stage has what it needs", "store the secrets of this environment, too")
    node.leave("continue-on-error", "a failed run is a failed run; `alerts: {mute: true}` sends no alert")
    node.rest()
