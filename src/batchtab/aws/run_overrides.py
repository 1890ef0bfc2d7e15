"""What a job in Batch has that its definition has not: what was given to SubmitJob, as far as it can be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab.limits import RETRY_OF_VARIABLE, RUN_MODE_VARIABLE, RUN_VARIABLES
from batchtab.main_container import Part, main_container

RETRY_OF = RETRY_OF_VARIABLE
#: Which children of an array a job runs, for the runner: see `batchtab.runner.children`.
ARRAY_INDICES, ARRAY_SIZE = "BATCHTAB_ARRAY_INDICES", "BATCHTAB_ARRAY_SIZE"
# What each submission sets again, and what Batch sets itself and accepts from nobody.
_NOT_KEPT = {RETRY_OF, RUN_MODE_VARIABLE, RUN_VARIABLES["run_policy"], "MANAGED_BY_AWS"}
_RESERVED = "AWS_BATCH"
_PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Overrides:
    """What SubmitJob was given.

    Attributes:
        environment: Of the main container, the run's own variables among it.
        container: Of it the rest: command, resourceRequirements.
        submit: What is beside containers: parameters, timeout.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    submit: Mapping[str, Any] = field(default_factory=dict)


def overrides(job: Any, definition: Any) -> Overrides:
    """What a job was given.

    Args:
        job: As DescribeJobs returns it.
        definition: The revision that it ran, as DescribeJobDefinitions returns it.
    """
    own, defined = main_container(job), main_container(definition)
    before = environment_of(defined)
    environment = {
        name: value
        for name, value in environment_of(own).items()
        if before.get(name) != value and name not in _NOT_KEPT and not name.startswith(_RESERVED)
    }
    parameters: Mapping[str, str] = job.get("parameters") or {}
    container: dict[str, Any] = {}
    command, written = list(own.get("command") or ()), list(defined.get("command") or ())
    if command and command not in (written, _filled(written, parameters)):
        container["command"] = command
    sizes = [each for each in _sizes(own) if each not in _sizes(defined)]
    if sizes:
        container["resourceRequirements"] = sizes
    submit: dict[str, Any] = {}
    defaults = definition.get("parameters") or {}
    if changed := {name: value for name, value in parameters.items() if defaults.get(name) != value}:
        submit["parameters"] = changed
    if job.get("timeout") and job["timeout"] != definition.get("timeout"):
        submit["timeout"] = job["timeout"]
    return Overrides(environment, container, submit)


def environment_of(container: Part) -> dict[str, str]:
    """A container's variables."""
    return {str(each["name"]): str(each.get("value") or "") for each in container.get("environment") or ()}


def _filled(command: Sequence[str], parameters: Mapping[str, str]) -> list[str]:
    return [_PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), word) for word in command]


def _sizes(container: Part) -> list[dict[str, str]]:
    return [
        {"type": str(each["type"]), "value": str(each["value"])}
        for each in container.get("resourceRequirements") or ()
        if each.get("type") and each.get("value")
    ]


def indices(text: str) -> list[int]:
    """The children that `BATCHTAB_ARRAY_INDICES` names, such as `3,17-20`."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def retried(job: Any) -> list[int]:
    """Which children of the first array a retry of it runs, in the order of its own; none for other jobs."""
    try:
        return indices(environment_of(main_container(job)).get(ARRAY_INDICES, ""))
    except ValueError:  # somebody else's variable
        return []


def indices_text(numbers: Sequence[int]) -> str:
    """Children in ascending order as that variable has them: `3,17-20`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
