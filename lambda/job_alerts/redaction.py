"""What may stand in a log: an event without the values that a job was given."""

from __future__ import annotations

from typing import Any

from .text import MASK, mask

# Lists of name and value in containers, overrides, nodes, ECS and EKS properties, and the maps beside them.
_VALUES = frozenset({"environment", "env", "parameters"})


def redact(value: Any, *, masked: bool = False) -> Any:
    """A copy in which values of environment variables and parameters are masked; their names stay.

    In commands and all other text only what looks like a secret is masked. References to secrets (`valueFrom`) are not
    secret.
    """
    if isinstance(value, dict):
        if masked and "name" in value:
            return {key: item if key == "name" else MASK for key, item in value.items()}
        return {key: MASK if masked else redact(item, masked=key in _VALUES) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, masked=masked) for item in value]
    if masked:
        return MASK
    return mask(value) if isinstance(value, str) else value
