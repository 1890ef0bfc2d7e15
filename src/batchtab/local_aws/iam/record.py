from __future__ import annotations

import copy
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

    Checks that are alike in all but time are one. Beyond 20,000 different ones, new ones are no longer kept in full,
    and new resources of an action that was used count as `*`; every action that is used is known all the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, _Recorded] = {}
        self._used: dict[str, dict[str, dict[str, int]]] = {}
        self._denials: list[dict[str, Any]] = []
        self._administrator = 0

    def administrator(self) -> None:
        """Count a request of the administrator, who is not asked about."""
        self._administrator += 1

    def add(self, principal: str, check: Check, policy: ResourcePolicy | None, decision: Decision) -> None:
        """Add a check that was decided."""
        role = role_of(principal)
        asked = [role, check.shown(), policy and [policy.document, policy.required], decision.allowed]
        key = json.dumps(asked, sort_keys=True, default=str)
        with self._lock:
            is_kept = key in self._checks or len(self._checks) < _MOST_CHECKS
            if is_kept:
                self._checks.setdefault(key, _Recorded(role, check, policy, decision)).times += 1
            if decision.allowed:
                resources = self._used.setdefault(role, {}).setdefault(check.action, {})
                resource = check.resource if is_kept or check.resource in resources else "*"
                resources[resource] = resources.get(resource, 0) + 1
            else:
                self._deny({"principal": principal, **check.shown(), "why": decision.why})

    def refuse(self, principal: str, action: str, why: str, resource: str = "*", *, once: bool = False) -> None:
        """Add what was refused before any policy of the principal's was looked at.

        Args:
            principal: Who asked, as far as that is known.
            action: What is asked for; a service's name where nothing says what it is.
            why: Why it is refused.
            resource: What it is about.
            once: Whether one that is recorded already is not recorded again: services ask every moment.
        """
        denial = {"principal": principal, "action": action, "resource": resource, "context": {}, "why": why}
        with self._lock:
            if not (once and denial in self._denials):
                self._deny(denial)

    def _deny(self, denial: dict[str, Any]) -> None:
        self._denials = [*self._denials[1 - _MOST_DENIALS :], denial]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._checks.clear()
            self._used.clear()
            self._denials = []
            self._administrator = 0

    def shown(self) -> dict[str, Any]:
        """Return denials, oldest first, of each principal what it used, and `full` where not all checks are kept."""
        with self._lock:
            used = copy.deepcopy(self._used)
            content = {"administrator_requests": self._administrator, "denied": list(self._denials), "used": used}
            return content | ({"full": True} if len(self._checks) >= _MOST_CHECKS else {})

    def checks(self) -> list[dict[str, Any]]:
        """Return all checks in full, so that they can be decided again under other policies."""
        with self._lock:
            return [each.shown() for each in self._checks.values()]
