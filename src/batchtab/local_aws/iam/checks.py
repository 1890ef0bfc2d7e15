from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = str | list[str]


@dataclass(frozen=True)
class Check:
    """One question to IAM: may somebody do this to that.

    Attributes:
        action: Such as `lambda:GetFunction`.
        resource: An ARN, or `*` where AWS knows no resource of the action.
        context: Condition keys, as the action supports them, and their values; a key that is absent is absent on AWS.
    """

    action: str
    resource: str
    context: Mapping[str, Value] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return it as JSON; `Check(**shown)` is the same check."""
        return {"action": self.action, "resource": self.resource, "context": dict(self.context)}
