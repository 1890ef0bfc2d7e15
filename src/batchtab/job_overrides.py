"""What a run has in place of its job definition, in the form that SubmitJob takes for the job's kind.

The submit function and `batchtab run` share it. Overrides have the members of SubmitJob, those of a container at the
same level: `command`, `environment`, `resourceRequirements`, `parameters`, `timeout`, `arrayProperties`.
https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

OF_CONTAINER = ("command", "environment", "resourceRequirements")
OF_JOB = ("parameters", "timeout", "arrayProperties")
#: Of a run that may have to wait: a hundred of them are kept in one item of 400 KB.
WAITING_BYTES = 2500
_ALL_NODES = "0:"


def submitted(
    environment: Sequence[Mapping[str, str]],
    overrides: Mapping[str, Any],
    *,
    container: str = "",
    nodes: int | None = None,
) -> dict[str, Any]:
    """SubmitJob's arguments for a run's overrides.

    Args:
        environment: The run's own variables; they win over those of `overrides`.
        overrides: As described above; empty for none.
        container: Of several containers the one that gets them; empty for a job of one.
        nodes: How many nodes a multi-node job has.
    """
    own = {each["name"] for each in environment}
    others = [dict(each) for each in overrides.get("environment") or () if each["name"] not in own]
    changed = {name: overrides[name] for name in OF_CONTAINER if overrides.get(name)}
    changed["environment"] = sorted([*others, *map(dict, environment)], key=lambda each: each["name"])
    of_job = {name: overrides[name] for name in OF_JOB if overrides.get(name)}
    one: dict[str, Any] = {"containerOverrides": changed}
    if container:
        one = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": container, **changed}]}]}}
    if nodes is not None:
        one = {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": _ALL_NODES, **one}]}}
    return {**one, **of_job}


def size(overrides: Any) -> int:
    """How many bytes overrides have as JSON."""
    return len(json.dumps(overrides, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
