"""A manifest's own container and its sidecars."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.images import image_fields
from batchtab.importers.kinds.ecs.command import command_of, environment_of, secret_reference, without_twice
from batchtab.importers.kinds.ecs.container import image_of
from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar
from batchtab.importers.kinds.ecs.volumes import volume_name
from batchtab.importers.options import Options
from batchtab.main_container import MAIN

_CONDITIONS = ("START", "COMPLETE", "SUCCESS")
_BUILD = "build and push it, and write image"


def main(top: Loose, name: str, options: Options) -> dict[str, Any]:
    """The job's own container, and those beside it."""
    image = top.child("image")
    found = _container(top, image, options)
    if "image" not in found:
        if options.image:
            found["image"] = image_fields(options.image)
        elif application := options.settings.get("application"):
            found["image"] = {"repository": f"{application}/{name}", "tag": "latest"}
            top.recorder.changed(
                "image", "built by Copilot", f"image {application}/{name}:latest, Copilot's own repository"
            )
    image.leave("port", "a job takes no connections")
    found["registry_credentials"] = scalar(image.carry("credentials", "registry_credentials"))
    sidecars = top.child("sidecars")
    names = {str(each): _name(str(each)) for each in sidecars.data} | {name: MAIN}
    found["main_depends_on"] = _depends_on(image, names, "main_depends_on")
    image.rest()
    _own_variables(top.recorder, name, found["environment"], options)
    _logging(top.child("logging"))
    containers = {}
    for each in sidecars.data:
        node = sidecars.child(str(each))
        node.recorder = node.recorder.beside(_name(str(each)))
        containers[_name(str(each))] = _sidecar(node, names, options)
    sidecars.rest()
    if containers:
        found["containers"] = containers
    return found


def _sidecar(node: Loose, names: Mapping[str, str], options: Options) -> dict[str, Any]:
    value = node.take("image")
    is_address = isinstance(value, str)
    image = node if is_address else node.child("image")
    found = _container(node, image, options, key="image" if is_address else "location")
    if not is_address:
        image.rest()
    found["essential"] = str(node.take("essential", True)).lower() == "true"
    node.carry("essential", "essential")
    if "essential" not in node:
        node.recorder.changed(node.field("essential"), "not set", "essential: true, which is Copilot's default")
    node.leave("port", "a job takes no connections")
    found["registry_credentials"] = scalar(node.carry("credentialsParameter", "registry_credentials"))
    found["depends_on"] = _depends_on(node, names)
    mounts = []
    for each in node.children("mount_points"):
        volume, path = scalar(each.take("source_volume")) or "", scalar(each.take("path")) or ""
        is_read_only = str(each.take("read_only", True)).lower() == "true"
        each.carry("source_volume", "mounts.volume")
        each.carry("path", "mounts.path")
        each.carry("read_only", "mounts.read_only")
        mount = {"volume": volume_name(volume), "path": path}
        mounts.append(mount | ({"read_only": True} if is_read_only else {}))
        each.rest()
    found["mounts"] = mounts
    found["read_only_root_filesystem"] = False
    node.recorder.changed(
        node.field("readonly_fs"), "not set", "read_only_root_filesystem: false, which is ECS's default"
    )
    if not options.is_fargate:
        note = "on EC2 each container needs its own: 1 vCPU and 512 MiB"
        found |= {"vcpus": 1, "memory_mib": 512}
        node.recorder.changed(node.field("cpu"), "not set", note, "write what the container needs")
    node.rest()
    return {key: each for key, each in found.items() if each not in (None, {}, [])}


def _container(node: Loose, image: Loose, options: Options, key: str = "location") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("entrypoint", "command"):
        if isinstance(node.data.get(name), str):
            _split(node, name)
    if node.path == "" or node.data.get("command") or node.data.get("entrypoint"):
        found["command"] = command_of(node, Loose({}, node.recorder))
    if address := image_of(image, options, key):
        found["image"] = address
    if key == "location":
        build = image.take("build")
        if isinstance(build, Mapping):
            inner = image.child("build")
            for part in [*inner.data]:
                inner.leave(str(part), "import builds no images", _BUILD if part == next(iter(inner.data)) else "")
        else:
            image.leave("build", "import builds no images", _BUILD)
        image.leave("healthcheck", "Batch checks no container's health")
        image.leave("labels", "Batch has no labels of Docker")
    for name in ("healthcheck", "labels"):
        if image is not node:
            node.leave(name, "Batch has none")
    if key == "image":
        for name in ("healthcheck", "labels"):
            node.leave(name, "Batch has none")
    node.leave("env_file", "Batch reads no file of variables", "write its variables into environment or secrets")
    _from_exports(node, "variables")
    found["environment"] = environment_of(node, Loose({}, node.recorder), "variables")
    found["secrets"] = without_twice(found["environment"], _secrets(node), node.recorder)
    return found


def _split(node: Loose, key: str) -> None:
    """A command in one text is split as a shell does."""
    text = str(node.data[key])
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    _replace(node, key, words)


def _replace(node: Loose, key: str, value: object) -> None:
    # The manifest is a copy, made for its environment.
    node.data[key] = value  # type: ignore[index]


def _from_exports(node: Loose, key: str) -> None:
    """Variables from a stack's exports have no value in the file."""
    values = node.data.get(key)
    if not isinstance(values, Mapping):
        return
    plain = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            where = f"{node.field(key)}.{name}"
            source = value.get("from_cfn")
            node.at(key).not_carried(
                where, source, "a stack's export is not in the file", f"write environment: {{{name}: …}}"
            )
        else:
            plain[name] = value
    _replace(node, key, plain)


def _secrets(node: Loose) -> dict[str, str]:
    found = {}
    secrets = node.child("secrets")
    for name in [*secrets.data]:
        value = secrets.take(str(name))
        if isinstance(value, Mapping):
            inner = secrets.child(str(name))
            source = scalar(inner.take("secretsmanager")) or ""
            export = scalar(inner.take("from_cfn"))
            if export:
                inner.leave("from_cfn", "a stack's export is not in the file", f"write secrets: {{{name}: …}}")
            written = source if source.startswith("arn:") else f"secretsmanager:{source}" if source else ""
            if source and not is_open(source):
                inner.change("secretsmanager", f"secrets.{name}: {written}")
            inner.rest()
        else:
            source = scalar(value) or ""
            written = secret_reference(source) or source
            if is_open(written):
                pass
            elif written == source and written:
                secrets.carry(str(name), f"secrets.{name}")
            elif written:
                secrets.change(str(name), f"secrets.{name}: {written}")
        if written and not is_open(written):
            found[str(name)] = written
        elif not isinstance(value, Mapping) or is_open(written):
            unknown = next((each for each in ("APPLICATION", "ENVIRONMENT") if f"COPILOT_{each}_NAME" in written), "")
            todo = f"import with --set {unknown.lower()}=NAME" if unknown else f"write secrets: {{{name}: …}}"
            secrets.leave(str(name), "where it comes from is not in the file", todo)
    return found


def _depends_on(node: Loose, names: Mapping[str, str], to: str = "depends_on") -> dict[str, str]:
    found = {}
    inner = node.child("depends_on")
    for name in [*inner.data]:
        condition = (scalar(inner.take(str(name))) or "").upper()
        if condition in _CONDITIONS and str(name) in names:
            inner.carry(str(name), to)
            found[names[str(name)]] = condition
        else:
            inner.leave(str(name), "Batch waits for START, COMPLETE or SUCCESS of a container", "choose one of them")
    return found


def _own_variables(recorder: Recorder, name: str, environment: dict[str, str], options: Options) -> None:
    """The variables that Copilot gives to each container."""
    known = {
        "COPILOT_SERVICE_NAME": name,
        "COPILOT_APPLICATION_NAME": options.settings.get("application"),
        "COPILOT_ENVIRONMENT_NAME": options.settings.get("environment"),
    }
    for variable, value in known.items():
        if value:
            environment.setdefault(variable, value)
            recorder.changed(variable, "set by Copilot", f"environment.{variable}")
        else:
            setting = variable.removeprefix("COPILOT_").removesuffix("_NAME").lower()
            recorder.not_carried(variable, "set by Copilot", f"its value is known with --set {setting}=NAME")


def _logging(node: Loose) -> None:
    """FireLens, or the days for which CloudWatch keeps logs."""
    node.leave("retention", "the stage decides how long logs are kept")
    todo = "decide where the job's output goes: Batch has no FireLens"
    for key in [*node.data]:
        if key != "retention":
            node.leave(str(key), "output goes to CloudWatch Logs", todo if key in {"destination", "image"} else "")


def _name(name: str) -> str:
    written = volume_name(name)
    return f"{MAIN}-2" if written == MAIN else written
