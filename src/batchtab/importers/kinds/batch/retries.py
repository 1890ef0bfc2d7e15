"""Retries of a job definition, whose unmatched failures Batch retries; and references to parameters in a command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from batchtab import limits
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch.node import BatchNode, put, whole

_CATCH_ALL = {"action": "RETRY", "on_reason": "*"}
_REFERENCE = re.compile(r"Ref::([A-Za-z_][A-Za-z0-9_]*)")
_RULES = "evaluate_on_exit"
_KEPT = "retried as Batch does where no rule matches"


def read(node: BatchNode, settings: dict[str, Any]) -> None:
    """`RetryStrategy`."""
    put(settings, node, "attempts", "attempts", whole)
    if names_in(node.raw("attempts")):
        node.leave("evaluateOnExit", "attempts are not known", "write attempts, and evaluate_on_exit with these rules")
        node.rest()
        return
    if settings.get("attempts", 1) == 1:
        node.leave("evaluateOnExit", "has no effect with one attempt")
        node.rest()
        return
    rules = []
    for each in node.children("evaluateOnExit"):
        rule: dict[str, str] = {}
        for key, to in (("onExitCode", "on_exit_code"), ("onReason", "on_reason")):
            put(rule, each, key, to, str, within=_RULES)
        put(rule, each, "onStatusReason", "on_status_reason", str, within=_RULES)
        put(rule, each, "action", "action", lambda value: str(value).upper(), within=_RULES)
        each.rest()
        rules.append({"action": rule.pop("action", "RETRY"), **rule})
    node.rest()
    if rules:
        settings[_RULES] = _completed(rules, node)


def references(command: Sequence[str]) -> list[str]:
    """The parameters that a command takes."""
    return list(dict.fromkeys(name for word in command for name in _REFERENCE.findall(word)))


def _completed(rules: list[dict[str, str]], node: BatchNode) -> list[dict[str, str]]:
    """The rules with one for what they do not match: Batch retries that, and jobs.yaml ends with EXIT by itself."""
    if limits.catches_all(rules[-1]):
        return rules
    name = node.name("evaluateOnExit")
    if len(rules) < limits.EVALUATE_ON_EXIT_RULES_MAX:
        node.recorder.changed(
            name, "(end of the rules)", f"evaluate_on_exit has one rule more: other failures are {_KEPT}"
        )
        return [*rules, _CATCH_ALL]
    *kept, last = rules
    if last["action"] == "RETRY":
        node.recorder.changed(name, last, f"the last rule is for all other failures: they are {_KEPT}")
    else:
        why = f"there is no room for it: the last of five rules is for all other failures, {_KEPT}"
        node.recorder.not_carried(name, last, why, "do with four rules")
    return [*kept, _CATCH_ALL]
