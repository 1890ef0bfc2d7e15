"""A container's environment variables: values, and what refers to ConfigMaps, Secrets and fields of the pod."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers.kinds.kubernetes.draft import Draft
from batchtab.importers.kinds.kubernetes.objects import mapping
from batchtab.importers.kinds.kubernetes.resources import Amounts, quantity
from batchtab.importers.node import Node
from batchtab.importers.source_file import line_of, plain
from batchtab.importers.variables import carried_variables

_REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
INDEX = "JOB_COMPLETION_INDEX"
#: Beginnings of names that SSM Parameter Store reserves.
_RESERVED = ("aws", "ssm")


@dataclass(slots=True)
class Variables:
    """The variables of one container.

    Attributes:
        environment: Name to value.
        secrets: Name to the SSM parameter that is asked for.
        unknown: Names whose values only the cluster knows.
        indexes: Those of them whose value is the index of a pod.
    """

    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)

    def expanded(self, text: str) -> tuple[str, list[str]]:
        """The text as Kubernetes expands `$(NAME)` in it, and the names that cannot be expanded here."""
        left: list[str] = []

        def found(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return "$"
            if name in self.secrets or name in self.unknown:
                left.append(name)
            return self.environment.get(name, match[0])

        return _REFERENCE.sub(found, text), left

    def set(self, name: str, value: str | None = None, secret: str = "") -> None:
        """One variable, in place of an earlier one of its name."""
        for each in (self.environment, self.secrets):
            each.pop(name, None)
        self.unknown.discard(name)
        self.indexes.discard(name)
        if value is not None:
            self.environment[name] = value
        elif secret:
            self.secrets[name] = secret
        else:
            self.unknown.add(name)


def variables(container: Node, draft: Draft, sizes: Amounts) -> Variables:
    """Those of `envFrom`, and then of `env`, which come before them."""
    found = Variables()
    for source in container.children("envFrom"):
        _all_of(source, found, draft)
    if draft.is_indexed and draft.settings.get("array_size"):  # the container's own `env` of this name wins
        found.set(INDEX)
        found.indexes.add(INDEX)
    last: dict[str, int] = {}
    entries = container.children("env")
    for index, entry in enumerate(entries):
        last[str(entry.data.get("name"))] = index
    for index, entry in enumerate(entries):
        if last[str(entry.data.get("name"))] != index:
            entry.rest("another value of the same name comes after it", "")
        else:
            _one(entry, found, draft, sizes)
    return found


def _all_of(source: Node, found: Variables, draft: Draft) -> None:
    prefix = str(source.carry("prefix", "the beginning of each name", ""))
    for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
        if key not in source:
            continue
        reference = source.child(key)
        name = reference.take("name")
        known = draft.objects.get(kind, name, draft.namespace)
        is_optional = reference.take("optional") is True
        reference.carry("optional", "whether it has to be there")
        if known is None:
            _not_known(reference, kind, is_optional)
        elif kind == "Secret":
            names = [*mapping(known.data.get("data")), *mapping(known.data.get("stringData"))]
            todo = f"store the values of the Secret {name} in these SSM parameters"
            reference.change("name", f"secrets: {', '.join(f'{prefix}{each}' for each in names)}", todo)
            for each in names:
                found.set(f"{prefix}{each}", secret=parameter(str(name), str(each)))
        else:
            data = _texts(mapping(known.data.get("data")))
            reference.change("name", f"the values of the ConfigMap in {known.place}")
            values = {f"{prefix}{each}": text for each, text in data.items()}
            for each, text in carried_variables(values, reference.recorder, source.name(f"{key}.{name}")).items():
                found.set(each, text)
        reference.rest()
    source.rest()


def _not_known(reference: Node, kind: str, is_optional: bool) -> None:
    if is_optional:
        reference.leave("name", f"the {kind} is optional, and not among the files")
    elif kind == "Secret":
        todo = "import its YAML too (values are not read), or name each of its keys in `secrets`"
        reference.leave("name", "the Secret is not among the files, so that its keys are not known", todo)
    else:
        reference.leave("name", "the ConfigMap is not among the files", "import its YAML too, or write `environment`")


def _one(entry: Node, found: Variables, draft: Draft, sizes: Amounts) -> None:
    name = str(entry.take("name", ""))
    if "valueFrom" in entry:
        origin = entry.child("valueFrom")
        _from(origin, name, found, draft, sizes)
        origin.rest()
        entry.leave("value", "valueFrom counts")
    else:
        _value(entry, name, found)
    entry.rest()


def _value(entry: Node, name: str, found: Variables) -> None:
    value = plain(entry.take("value", ""))
    if not isinstance(value, str):
        value = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    text, left = found.expanded(value)
    if left:
        found.set(name)
        why = f"contains {', '.join(f'$({each})' for each in left)}, which Kubernetes expands"
        entry.leave("value", why, f"store the whole value of {name} as a secret, or let the program put it together")
        return
    line = line_of(entry.data, "value")
    recorder = entry.recorder.at(f"{entry.recorder.place.partition(':')[0]}:{line}") if line else entry.recorder
    carried = carried_variables({name: text}, recorder, entry.path.rpartition("[")[0])
    found.set(name, carried.get(name))
    if carried and text != value:
        entry.change("value", f"environment.{name}, with the values of the variables in it")


def _from(origin: Node, name: str, found: Variables, draft: Draft, sizes: Amounts) -> None:
    found.set(name)
    for key, read in (
        ("secretKeyRef", _from_secret),
        ("configMapKeyRef", _from_config_map),
        ("fieldRef", _from_field),
    ):
        if key in origin:
            reference = origin.child(key)
            read(reference, name, found, draft)
            reference.rest()
    if "resourceFieldRef" in origin:
        _from_resource(origin.child("resourceFieldRef"), name, found, sizes)


def _from_secret(reference: Node, name: str, found: Variables, _: Draft) -> None:
    secret, key = str(reference.take("name")), str(reference.take("key"))
    stored = parameter(secret, key)
    found.set(name, secret=stored)
    reference.change("name", f"secrets.{name}: {stored}", f"store the value in the SSM parameter {stored}")
    reference.change("key", f"the end of {stored}")
    reference.change("optional", "the parameter has to be there: a job does not start without it")


def _from_config_map(reference: Node, name: str, found: Variables, draft: Draft) -> None:
    source, key = reference.take("name"), str(reference.take("key"))
    known = draft.objects.get("ConfigMap", source, draft.namespace)
    data = _texts(mapping(known.data.get("data"))) if known else {}
    is_optional = reference.carry("optional", "whether it has to be there") is True
    if key in data:
        carried = carried_variables({name: data[key]}, reference.recorder, reference.path)
        found.set(name, carried.get(name))
        reference.change("name", f"environment.{name}, the value in the ConfigMap")
        reference.carry("key", f"environment.{name}")
        return
    why = "the ConfigMap is not among the files" if known is None else "the ConfigMap has no such key"
    reference.leave("name", why, "" if is_optional else f"import its YAML too, or write environment.{name}")
    reference.leave("key", why)


def _from_field(reference: Node, name: str, found: Variables, draft: Draft) -> None:
    path = str(reference.take("fieldPath"))
    reference.carry("apiVersion", "the pod's API")
    keyed = _KEYED.fullmatch(path)
    known = {
        "metadata.namespace": draft.namespace,
        "metadata.labels": draft.labels.get(keyed[2], "") if keyed and keyed[1] == "labels" else "",
    }
    value = known.get(f"metadata.{keyed[1]}" if keyed else path)
    if value:
        found.set(name, value)
        reference.change("fieldPath", f"environment.{name}: {value}")
    elif path == _INDEX:
        found.indexes.add(name)
        reference.change("fieldPath", f"the index of the child, as the command says of {name}")
    elif path == "metadata.name":
        reference.leave("fieldPath", "no pod runs here", f"let the program read AWS_BATCH_JOB_ID in place of {name}")
    else:
        reference.leave("fieldPath", "no pod runs here", f"decide what the program needs as {name}")


def _from_resource(reference: Node, name: str, found: Variables, sizes: Amounts) -> None:
    resource = str(reference.take("resource"))
    group, _, key = resource.partition(".")
    node = sizes.requests if group == "requests" else sizes.limits
    amount = quantity(node.data.get(key))
    divisor = quantity(reference.take("divisor", 1)) or quantity(1)
    reference.change("divisor", f"part of environment.{name}")
    reference.carry("containerName", "the container's own name")
    if amount is None or not divisor:
        reference.leave("resource", "the container names no such size", f"write environment.{name}")
    else:
        found.set(name, str(math.ceil(amount / divisor)))
        reference.change("resource", f"environment.{name}: {found.environment[name]}")
    reference.rest()


def parameter(secret: str, key: str) -> str:
    """The SSM parameter for a key of a Secret: `/db-auth/password`."""
    parts = [re.sub(r"[^A-Za-z0-9_.-]", "-", each) for each in (secret, key)]
    if parts[0].lower().startswith(_RESERVED):
        parts = ["kubernetes", *parts]
    return "/" + "/".join(parts)


def into(found: Variables, settings: dict[str, Any], container: Node) -> None:
    """The variables as fields of jobs.yaml; secrets whose names it refuses are reported."""
    if found.environment:
        settings["environment"] = found.environment
    secrets = dict(_allowed(found.secrets, container))
    if secrets:
        settings["secrets"] = secrets


def _allowed(secrets: Mapping[str, str], container: Node) -> Iterator[tuple[str, str]]:
    for name, stored in secrets.items():
        refusal = limits.ENVIRONMENT_NAME.refusal(name) or limits.RESERVED_VARIABLE.refusal(name)
        if refusal:
            container.recorder.not_carried(container.name(f"env.{name}"), "", f"its name {refusal}", "rename it")
        else:
            yield name, stored


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(plain(value)) for key, value in data.items()}
