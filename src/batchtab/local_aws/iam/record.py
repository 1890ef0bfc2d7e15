from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import Decision, ResourcePolicy, role_of

_MOST_CHECKS = 20_000
_MOST_DENIALS = 1_000


@dataclass
class _Recorded:
    """A check that was decided, and how often."""

    principal: str
    check: Check
    policy: ResourcePolicy | None
    decision: Decision
    times: int = 0

    def shown(self) -> dict[str, Any]:
        """Return it as JSON, with all that decides it but the principal's own policies."""
        content = {"principal": self.principal, **self.check.shown(), "allowed": self.decision.allowed}
        if self.policy is not None:
            content["resource_policy"] = {"document": self.policy.document, "required": self.policy.required}
        return content | {"times": self.times}


class Record:
    """What IAM was asked and what it said, by principal: a role for all of its sessions.

    Checks that are alike in all but time are one. Beyond 20,000 different ones, only those are counted that are known.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, _Recorded] = {}
        self._denials: list[dict[str, Any]] = []
        self._administrator = 0

    def administrator(self) -> None:
        """Count a request of the administrator, who is not asked about."""
        self._administrator += 1

    def add(self, principal: str, check: Check, policy: ResourcePolicy | None, decision: Decision) -> None:
        """Add a check that was decided."""
        role = role_of(principal)
        told = [role, check.shown(), policy and [policy.document, policy.required], decision.allowed]
        key = json.dumps(told, sort_keys=True, default=str)
        with self._lock:
            if key in self._checks or len(self._checks) < _MOST_CHECKS:
                self._checks.setdefault(key, _Recorded(role, check, policy, decision)).times += 1
            if not decision.allowed:
                denial = {"principal": principal, **check.shown(), "why": decision.why}
                self._denials = [*self._denials[1 - _MOST_DENIALS :], denial]

    def hear(self, principal: str, check: Check, *, allowed: bool) -> None:
        """Add what a service of AWS asked by itself: EventBridge, where it delivers, in a role's name or in its own."""
        if principal.startswith("arn:"):  # a service has no policies that could be too wide
            why = "" if allowed else f"because no policy of the role allows the {check.action} action"
            self.add(principal, check, None, Decision(allowed, why))

    def refuse(self, principal: str, request: str, why: str) -> None:
        """Add a request that was refused because nothing says what it needs."""
        denial = {"principal": principal, "action": request, "resource": "*", "context": {}, "why": why}
        with self._lock:
            self._denials = [*self._denials[1 - _MOST_DENIALS :], denial]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._checks.clear()
            self._denials = []
            self._administrator = 0

    def shown(self) -> dict[str, Any]:
        """Return denials, oldest first, and of each principal what it used."""
        used: dict[str, dict[str, dict[str, int]]] = {}
        with self._lock:
            for each in self._checks.values():
                if each.decision.allowed:
                    resources = used.setdefault(each.principal, {}).setdefault(each.check.action, {})
                    resources[each.check.resource] = resources.get(each.check.resource, 0) + each.times
            return {"administrator_requests": self._administrator, "denied": list(self._denials), "used": used}

    def checks(self) -> list[dict[str, Any]]:
        """Return all checks in full, so that they can be decided again under other policies."""
        with self._lock:
            return [each.shown() for each in self._checks.values()]
