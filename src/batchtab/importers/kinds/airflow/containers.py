"""What operators say of a container: image, command, variables, size."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.importers.images import image_fields, runs_any_command, short_ecr
from batchtab.importers.kinds.airflow.tasks import plain, reported_jinja
from batchtab.importers.kinds.airflow.values import Call, Unknown, has_jinja, is_plain
from batchtab.importers.kinds.kubernetes.resources import quantity
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.secret_texts import masked_command
from batchtab.importers.sizes import fitted
from batchtab.importers.variables import carried_variables

_VCPUS, _MEMORY_MIB = 1.0, 2048
_DOCKER_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def fill_in(what: str) -> list[str]:
    """A command that fails with what is missing, so that no later job starts before a person wrote it."""
    text = re.sub("[^A-Za-z0-9_.:/@ -]", "", what)
    return ["sh", "-c", f"echo 'FILL IN: {text}' >&2; exit 1"]


def set_no_command(node: Node, key: str, found: dict[str, Any]) -> None:
    """The command of a container that runs its image's CMD, which the source does not say."""
    found["command"] = fill_in("the CMD of the image")
    todo = "write command: the image's CMD, or what the job runs"
    node.recorder.not_carried(key, "none given", "the image's own CMD runs, and jobs.yaml needs it", todo)


def set_image(node: Node, key: str, found: dict[str, Any], options: Options) -> None:
    """The image of a job."""
    value = plain(node, key)
    if not isinstance(value, str) or not value or has_jinja(value):
        if value is not None:
            node.leave(key, "is not a constant address of an image", "write image")
        default_image(found, options)
        return
    found["image"] = short_ecr(image_fields(value), options.account, options.region)
    node.carry(key, "image")


def default_image(found: dict[str, Any], options: Options) -> None:
    """The image of `--image`, for jobs whose source has none."""
    if options.image:
        found["image"] = short_ecr(image_fields(options.image), options.account, options.region)


def set_command(
    node: Node, key: str, words: Sequence[str], found: dict[str, Any], how: str = "command", before: Sequence[str] = ()
) -> None:
    """The command of a job, which never has a secret.

    Args:
        node: Has the words.
        key: Where.
        words: The words.
        found: Gets the command.
        how: What the report says of them.
        before: The words that come before these, from another key.
    """
    whole = [*before, *words]
    found["command"] = masked_command(whole)
    node.take(key)
    own = found["command"][len(before) :]
    if own != [*words]:
        todo = "store it in SSM Parameter Store, pass it by secrets, and read the variable in the command"
        node.recorder.changed(node.name(key), own, f"{how}, without what looks like a secret", todo)
    elif not reported_jinja(node, key, node.data.get(key)):
        node.carry(key, how) if how == "command" else node.change(key, how)


def set_entrypoint(node: Node, key: str, words: Sequence[str], found: dict[str, Any]) -> None:
    """The beginning of the command, of a source that replaces the image's ENTRYPOINT, which Batch keeps."""
    set_command(node, key, words, found, "the beginning of command: Batch keeps the image's ENTRYPOINT")
    image = found.get("image") or {}
    if not runs_any_command(str(image.get("repository", ""))):
        todo = "check that the image has no ENTRYPOINT, or build one without"
        node.recorder.changed(
            node.name(key), "ENTRYPOINT", "Batch runs the image's ENTRYPOINT before the command", todo
        )


def words_of(value: Any) -> list[str] | None:
    """A list of texts, numbers included; None if it is none."""
    if not isinstance(value, list) or not all(isinstance(each, (str, int, float)) for each in value):
        return None
    return [str(each) for each in value]


def set_environment(node: Node, key: str, found: dict[str, Any]) -> None:
    """Variables from a mapping, or from a list of name and value as AWS and Kubernetes have it."""
    value = node.take(key)
    if value is None or value in ({}, []):
        node.carry(key, "no variables")
        return
    pairs = _pairs(value)
    if pairs is None:
        why = f"it {value.why}" if isinstance(value, Unknown) else "it is not names with values"
        node.leave(key, why, "write environment")
        return
    constant: dict[str, Any] = {}
    for name, each in pairs.items():
        field = f"{node.name(key)}.{name}"
        if is_plain(each) and not isinstance(each, (Mapping, list)):
            constant[name] = each
        else:
            why = f"it {each.why}" if isinstance(each, Unknown) else "it is not a constant"
            node.recorder.not_carried(field, str(each), why, f"write environment.{name} or secrets.{name}")
    carried = carried_variables(constant, node.recorder, node.name(key))
    for name, each in carried.items():
        if has_jinja(each):
            how = f"environment.{name}, and nothing fills its {{{{ }}}} in"
            node.recorder.changed(f"{node.name(key)}.{name}", each, how, "replace it by a constant")
    if carried:
        found["environment"] = {**found.get("environment", {}), **carried}


def _pairs(value: Any) -> dict[str, Any] | None:
    if isinstance(value, Mapping):
        return {str(name): each for name, each in value.items()}
    if not isinstance(value, list):
        return None
    found: dict[str, Any] = {}
    for each in value:
        fields = each.named if isinstance(each, Call) and each.last == "V1EnvVar" else each
        if not isinstance(fields, Mapping) or not isinstance(fields.get("name"), str):
            return None
        content = fields.get("value")
        source = fields.get("value_from") or fields.get("valueFrom")
        found[fields["name"]] = Unknown(str(source), "is read from a Kubernetes object") if source else content
    return found


def set_size(vcpus: float | None, memory_mib: int | None, found: dict[str, Any], options: Options) -> str:
    """Sets vcpus and memory_mib, and returns what was set; empty if nothing fits."""
    size = fitted(vcpus or _VCPUS, memory_mib or _MEMORY_MIB, is_fargate=options.is_fargate)
    if size is None:
        return ""
    found["vcpus"], found["memory_mib"] = size
    return f"vcpus: {size[0]:g} and memory_mib: {size[1]}"


def cpu(value: Any) -> float | None:
    """CPUs of Kubernetes or Docker: `500m`, `2`, 0.5; None if it is none."""
    number = quantity(value)
    return None if number is None else float(number)


def memory_mib(value: Any, *, is_docker: bool = False) -> int | None:
    """MiB of Kubernetes' `512Mi` or, for Docker, `512m`; None if it is none."""
    if not is_docker:
        number = quantity(value)
        return None if number is None else math.ceil(number / 2**20)
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)([bkmg]?)", str(value).strip().lower())
    return None if match is None else math.ceil(float(match[1]) * _DOCKER_BYTES[match[2]] / 2**20)
