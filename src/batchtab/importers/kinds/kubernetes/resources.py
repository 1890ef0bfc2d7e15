"""Kubernetes' quantities, and the size of a job."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from batchtab import limits
from batchtab.importers.kinds.kubernetes.draft import Draft
from batchtab.importers.node import Node
from batchtab.importers.sizes import fitted

_QUANTITY = re.compile(
    r"\+?([0-9]{1,24}(?:\.[0-9]{0,24})?|\.[0-9]{1,24})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?"
)
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_MIB, _GIB = 2**20, 2**30
_GPU = "nvidia.com/gpu"
_CORRECT = "correct the source, or write the size"
_DEFAULT_VCPUS = 1.0
_FREE_GIB = 20  # of Fargate's disk
_LESS = {
    "cpu": "above its request Kubernetes gives a container what is free, here it has no more",
    "memory": "above its request Kubernetes gives a container what is free, Batch ends it",
}


def quantity(value: object) -> Fraction | None:
    """A number with Kubernetes' suffix, such as `500m`, `1.5Gi` or `129e6`; None if it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        return None
    number, suffix, exponent = Fraction(match[1]), match[2] or "", match[3]
    if exponent:
        return number * Fraction(10) ** int(exponent)
    return number * Fraction(1024) ** _BINARY[suffix] if suffix in _BINARY else number * Fraction(10) ** _POWERS[suffix]


@dataclass(slots=True)
class Amounts:
    """What a container asks for; None where it says nothing.

    Attributes:
        limits: The mapping of that name.
        requests: Likewise.
        vcpus: Of its limit, else of its request.
        memory_mib: Likewise.
        gpus: Likewise.
        storage_gib: Likewise, of its disk.
    """

    limits: Node
    requests: Node
    vcpus: float | None = None
    memory_mib: int | None = None
    gpus: int | None = None
    storage_gib: int | None = None


def amounts(container: Node) -> Amounts:
    """Read a container's resources; `report` says what became of them."""
    resources = container.child("resources")
    found = Amounts(resources.child("limits"), resources.child("requests"))
    for claim in resources.children("claims"):
        claim.rest("devices are claimed from the cluster", "name them in gpus or devices")
    resources.rest()
    values = {key: _value(found, key) for key in ("cpu", "memory", _GPU, "ephemeral-storage")}
    if (cpu := values["cpu"]) is not None:
        found.vcpus = min(float(cpu), limits.EC2_VCPUS.maximum)
    if (memory := values["memory"]) is not None:
        found.memory_mib = min(math.ceil(memory / _MIB), limits.MEMORY_MIB.maximum)
    if values[_GPU]:
        found.gpus = math.ceil(values[_GPU] or 0)
    if values["ephemeral-storage"]:
        found.storage_gib = math.ceil((values["ephemeral-storage"] or 0) / _GIB)
    return found


def _value(found: Amounts, key: str) -> Fraction | None:
    for node in (found.limits, found.requests):
        value = quantity(node.data.get(key))
        if value is not None:
            return value
    return None


def size(main: Amounts, others: list[Amounts], first: list[Amounts], draft: Draft) -> None:
    """The job's size: what its containers need together, or what one that runs before them needs.

    Args:
        main: Of the container `main`.
        others: Of those that run beside it.
        first: Of those that run before it, one after the other.
        draft: Gets vcpus and memory_mib.
    """
    beside, before = (others, first) if draft.options.is_fargate else ([], [])
    if not any(each.vcpus or each.memory_mib for each in (main, *beside, *before)):
        draft.recorder.changed(
            "resources", "", f"the source names no size: the job gets Batchtab's, {_DEFAULT_VCPUS:g} vCPU and 2048 MiB"
        )
        return
    default = limits.MEMORY_MIB.default or 0
    vcpus = (main.vcpus or _DEFAULT_VCPUS) + sum(each.vcpus or 0 for each in beside)
    memory = (main.memory_mib or default) + sum(each.memory_mib or 0 for each in beside)
    wanted = (
        max([vcpus, *(each.vcpus or 0 for each in before)]),
        min(max([memory, *(each.memory_mib or 0 for each in before)]), limits.MEMORY_MIB.maximum),
    )
    found = fitted(*wanted, is_fargate=draft.options.is_fargate)
    if found is None:
        found = float(math.ceil(wanted[0])), wanted[1]
        why = f"Fargate has no size with {wanted[0]:g} vCPU and {wanted[1]} MiB"
        draft.recorder.not_carried("resources", "", why, "give the job a queue on EC2")
    draft.settings["vcpus"], draft.settings["memory_mib"] = found
    if not main.memory_mib:
        note = f"memory_mib: {found[1]}, with {default} for the first container, whose memory the source does not name"
        draft.recorder.changed("resources.limits.memory", "", note)
    if not main.vcpus:
        note = (
            f"vcpus: {found[0]:g}, with {_DEFAULT_VCPUS:g} for the first container, whose CPU the source does not name"
        )
        draft.recorder.changed("resources.limits.cpu", "", note)


def own_size(found: Amounts, draft: Draft) -> dict[str, object]:
    """The own size of a container beside `main`: on EC2 each needs one, on Fargate they share the job's."""
    if draft.options.is_fargate:
        return {}
    vcpus, memory = fitted(found.vcpus or _DEFAULT_VCPUS, found.memory_mib or 512, is_fargate=False) or (1.0, 512)
    return {"vcpus": vcpus, "memory_mib": memory}


def report(found: Amounts, draft: Draft, settings: dict[str, object], *, is_main: bool) -> None:
    """What became of each limit and request of a container; `settings` gets its GPUs."""
    whose = settings if "vcpus" in settings or is_main else draft.settings
    targets = {
        "cpu": f"vcpus: {_shown(whose.get('vcpus'))}",
        "memory": f"memory_mib: {_shown(whose.get('memory_mib'))}",
    }
    if not is_main and draft.options.is_fargate:
        targets = {key: f"part of the job's {text}" for key, text in targets.items()}
    if found.gpus:
        settings["gpus"] = found.gpus
    for node, other in ((found.limits, found.requests), (found.requests, found.limits)):
        for key in list(node.data):
            _report(node, other, str(key), targets, found, draft)
        node.rest()


def _report(node: Node, other: Node, key: str, targets: dict[str, str], found: Amounts, draft: Draft) -> None:
    if quantity(node.data.get(key)) is None:
        node.leave(key, "is no quantity of Kubernetes", _CORRECT)
    elif node is found.requests and quantity(other.data.get(key)) is not None:
        node.leave(key, "the limit counts: a container of Batch gets all that it may use")
    elif key in targets:
        is_request = node is found.requests
        node.change(key, targets[key] + (f"; {_LESS[key]}" if is_request else ""))
    elif key == _GPU:
        _gpus(node, draft)
    elif key == "ephemeral-storage":
        _storage(node, found, draft)
    else:
        node.leave(key, "Batch has no such resource", "choose a queue whose instances have it, and name `devices`")


def _gpus(node: Node, draft: Draft) -> None:
    if draft.options.is_fargate:
        node.change(_GPU, "gpus, which Fargate does not have", "give the job a queue on EC2 with GPUs")
    else:
        node.carry(_GPU, "gpus")


def _storage(node: Node, found: Amounts, draft: Draft) -> None:
    key, gib = "ephemeral-storage", found.storage_gib or 0
    bounds = limits.EPHEMERAL_STORAGE_GIB
    if not draft.options.is_fargate:
        node.leave(key, "the containers of an EC2 instance share its disk: the stage's root_volume_gib")
    elif gib <= _FREE_GIB:
        node.carry(key, f"Fargate's disk of {_FREE_GIB} GiB")
    elif gib > bounds.maximum:
        node.leave(key, f"Fargate's disk has {bounds.maximum} GiB at most", "use EFS, or a queue on EC2")
    else:
        draft.settings["ephemeral_storage_gib"] = max(gib, draft.settings.get("ephemeral_storage_gib", 0))
        node.change(key, f"ephemeral_storage_gib: {draft.settings['ephemeral_storage_gib']}")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
