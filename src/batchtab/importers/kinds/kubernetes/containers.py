"""The containers of a pod: the first is `main`, others are beside it or before it."""

from __future__ import annotations

from typing import Any

from batchtab.importers.images import image_fields, short_ecr
from batchtab.importers.kinds.kubernetes import commands, environment, resources, security, volumes
from batchtab.importers.kinds.kubernetes.draft import Draft
from batchtab.importers.kinds.kubernetes.resources import Amounts
from batchtab.importers.kinds.kubernetes.security import PodSecurity
from batchtab.importers.kinds.kubernetes.volumes import Volumes
from batchtab.importers.node import Node
from batchtab.main_container import MAIN

_LEFT = {
    "imagePullPolicy": "ECS asks the registry for the image at each start",
    "terminationMessagePath": "the reason of a failure is the log's end",
    "terminationMessagePolicy": "the reason of a failure is the log's end",
    "stdin": "nothing is connected to a job's input",
    "stdinOnce": "nothing is connected to a job's input",
    "tty": "no terminal is connected to a job",
    "ports": "nothing connects to a job; containers of a task share its network",
    "resizePolicy": "a running task keeps its size",
    "restartPolicyRules": "rules are in evaluate_on_exit",
}
_PROBES = {
    "livenessProbe": "Batch does not probe jobs: timeout_seconds ends one that hangs",
    "readinessProbe": "nothing is sent to a job",
    "startupProbe": "Batch does not probe jobs",
}


def containers(pod: Node, draft: Draft, pod_security: PodSecurity) -> None:
    """Read all containers of a pod, and its volumes."""
    before, beside = pod.children("initContainers"), pod.children("containers")
    pod.leave("ephemeralContainers", "are for debugging a running pod")
    if not beside:
        draft.recorder.not_carried(pod.name("containers"), "", "the pod has no container", "correct the source")
        return
    found = volumes.volumes(pod, draft, [*before, *beside])
    sizes = {each.path: resources.amounts(each) for each in (*before, *beside)}
    sidecars = [each for each in before if _is_sidecar(each)]
    resources.size(
        sizes[beside[0].path],
        [sizes[each.path] for each in (*beside[1:], *sidecars)],
        [sizes[each.path] for each in before if not _is_sidecar(each)],
        draft,
    )
    _main(beside[0], draft, pod_security, found, sizes[beside[0].path])
    waits = _before(before, draft, pod_security, found, sizes)
    if waits:
        draft.settings["main_depends_on"] = waits
    for each in beside[1:]:
        settings = _other(each, draft, pod_security, found, sizes[each.path], dict(waits))
        todo = "decide whether the job may end with its first container: only if the others serve it"
        note = f"containers.{settings}: Kubernetes waits until all containers end, Batch stops it when {MAIN} ends"
        each.change("name", note, todo)
        each.rest()


def _is_sidecar(container: Node) -> bool:
    return container.data.get("restartPolicy") == "Always"


def _main(container: Node, draft: Draft, pod_security: PodSecurity, found: Volumes, amounts: Amounts) -> None:
    container.change("name", f"the container {MAIN}")
    _one(container, draft, pod_security, found, amounts, draft.settings, is_main=True)
    container.rest()


def _before(
    before: list[Node], draft: Draft, pod_security: PodSecurity, found: Volumes, sizes: dict[str, Amounts]
) -> dict[str, str]:
    """Containers that Kubernetes runs one after the other, and sidecars; returns what `main` waits for."""
    waits: dict[str, str] = {}
    last = ""
    for each in before:
        is_sidecar = _is_sidecar(each)
        name = _other(each, draft, pod_security, found, sizes[each.path], dict(waits))
        if is_sidecar:
            waits[name] = "START"
            each.change("name", f"containers.{name}, which the next ones wait for, and which is stopped with {MAIN}")
        else:
            waits.pop(last, None)
            waits[name] = "SUCCESS"
            last = name
            each.change("name", f"containers.{name}, which has to end with 0 before the next begins")
        each.carry("restartPolicy", "containers: a sidecar" if is_sidecar else "it runs once in each attempt")
        each.rest()
    return waits


def _other(
    container: Node, draft: Draft, pod_security: PodSecurity, found: Volumes, amounts: Amounts, waits: dict[str, str]
) -> str:
    """Adds a container beside `main`; returns its name."""
    all_ = draft.settings.setdefault("containers", {})
    name = str(container.take("name") or "container")
    while name == MAIN or name in all_:
        name += "-2"
    container.recorder = container.recorder.beside(name)
    settings: dict[str, Any] = all_.setdefault(name, {})
    settings |= resources.own_size(amounts, draft)
    _one(container, draft, pod_security, found, amounts, settings, is_main=False)
    if waits:
        settings["depends_on"] = waits
    return name


def _one(
    container: Node,
    draft: Draft,
    pod_security: PodSecurity,
    found: Volumes,
    amounts: Amounts,
    settings: dict[str, Any],
    *,
    is_main: bool,
) -> None:
    image = _image(container, draft, settings)
    known = environment.variables(container, draft, amounts)
    words = commands.command(container, image, known, draft, is_needed=is_main)
    if words:
        settings["command"] = words
    environment.into(known, settings, container)
    volumes.mounts(container, found, draft, settings)
    security.of_container(container, pod_security, draft, settings)
    resources.report(amounts, draft, settings, is_main=is_main)
    for key, why in (_LEFT | _PROBES).items():
        container.leave(key, why)
    container.leave("lifecycle", "Batch has no hooks", "let the command do what the hooks do")


def _image(container: Node, draft: Draft, settings: dict[str, Any]) -> str:
    address = container.take("image")
    if not isinstance(address, str) or not address.strip():
        if draft.options.image:
            settings["image"] = image_fields(draft.options.image)
            container.recorder.changed(container.name("image"), "", "image: that of --image; the source names none")
        else:
            todo = "write image, or import with --image"
            container.recorder.not_carried(container.name("image"), address or "", "the source names none", todo)
        return draft.options.image
    fields = image_fields(address.strip())
    if draft.options.account:
        fields = short_ecr(fields, draft.options.account, draft.options.region)
    settings["image"] = fields
    shown = fields.get("tag") or fields.get("digest")
    container.change("image", f"image: {fields['repository']}, {shown}")
    return fields["repository"]
