"""What may be logged: an event without the values that a job was given."""

from __future__ import annotations

import json
import re
from typing import Any

from batchtab.masking import MASK, mask

# Lists of name and value in containers, overrides, nodes, ECS and EKS properties, and the maps beside them; with a
# capital in what Scheduler hands to SubmitJob.
_VALUES = frozenset({"environment", "env", "parameters", "Environment", "Parameters"})
_NAMES = ("name", "Name")
# The tool's own, by which `batchtab why` finds the run that a message is about.
_PLAIN = "BATCHTAB_SCHEDULED_TIME"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def redact(value: Any, *, masked: bool = False) -> Any:
    """A copy in which values of environment variables and parameters are masked; their names stay.

    In commands and all other text only what looks like a secret is masked. References to secrets (`valueFrom`) are not
    secret.
    """
    if isinstance(value, dict):
        if masked and any(name in value for name in _NAMES):
            is_plain = any(value.get(name) == _PLAIN for name in _NAMES)
            return {
                key: item if key in _NAMES or (is_plain and _is_moment(item)) else MASK for key, item in value.items()
            }
        return {key: MASK if masked else _redact_member(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, masked=masked) for item in value]
    if masked:
        return MASK
    return mask(value) if isinstance(value, str) else value


def _redact_member(key: str, item: Any) -> Any:
    if key == "body" and isinstance(item, str):  # of a message in a queue: an event as text
        try:
            return json.dumps(redact(json.loads(item)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return mask(item)
    return redact(item, masked=key in _VALUES)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None
