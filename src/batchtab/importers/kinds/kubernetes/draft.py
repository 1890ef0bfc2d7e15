"""A job of jobs.yaml while it is made from an object of Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.kubernetes.objects import Objects
from batchtab.importers.options import Options

_MOST = 2**63


@dataclass(slots=True)
class Draft:
    """What is known of one job so far.

    Attributes:
        name: Its name in jobs.yaml.
        recorder: Where findings without a field of the source go.
        objects: The other objects.
        options: What the command line says.
        namespace: The object's namespace; empty if it names none.
        is_scheduled: Whether it has a schedule in jobs.yaml.
        settings: Its fields in jobs.yaml.
        labels: The labels of its pods.
        is_indexed: Whether its pods have an index each.
    """

    name: str
    recorder: Recorder
    objects: Objects
    options: Options
    namespace: str = ""
    is_scheduled: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    is_indexed: bool = False


def whole(value: object) -> int | None:
    """The value, if it is a whole number that Kubernetes takes; texts are none."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST:
        return int(value)
    return None


def listed(value: object) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return [*value] if isinstance(value, (list, tuple)) else []
