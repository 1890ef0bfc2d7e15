"""The policy of failed pods, as Batch's rules on an attempt's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from batchtab import limits
from batchtab.importers.findings import Fate
from batchtab.importers.kinds.kubernetes.draft import Draft, listed, whole
from batchtab.importers.node import Node

_RETRY, _EXIT = "RETRY", "EXIT"
_ACTIONS = {"FailJob": _EXIT, "FailIndex": _EXIT, "Count": _RETRY, "Ignore": _RETRY}
_DISRUPTION = "DisruptionTarget"
_RECLAIMED = {"action": _RETRY, "on_status_reason": "Host EC2*"}
#: What Kubernetes does with all other failures, while Batchtab would add a rule that exits.
_ALL_ELSE = {"action": _RETRY, "on_reason": "*"}
_DECIDE = "write evaluate_on_exit"


@dataclass(slots=True)
class _Rules:
    """Rules in their order.

    Attributes:
        found: As jobs.yaml has them.
        codes: Exit codes that a rule decides.
        all_codes: Whether a rule decides all of them.
        pending: Exit codes that a rule left to those after it, though all others are decided.
        all_else: What Kubernetes does with the failures that no rule decides.
    """

    found: list[dict[str, str]] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    all_codes: dict[str, str] | None = None
    pending: set[int] | None = None
    all_else: str = _RETRY

    def decide(self, codes: list[int], action: str) -> None:
        """Those of the codes that no rule before decides."""
        for code in codes:
            if code not in self.codes and (self.pending is None or code in self.pending):
                self.codes.add(code)
                self.found.append({"action": action, "on_exit_code": str(code)})

    def decide_others(self, codes: list[int], action: str) -> None:
        """All codes but these, which later rules decide."""
        if self.pending is None:
            self.pending = set(codes)
            self.all_codes = {"action": action, "on_exit_code": "*"}
        else:
            self.decide(sorted(self.pending - set(codes)), action)
            self.pending &= set(codes)

    def all(self) -> list[dict[str, str]]:
        """The rules, with those for all else at the end."""
        if self.all_codes is None:
            return [*self.found, *self._last()] if self.found else []
        self.decide(sorted(self.pending or ()), self.all_else)
        return [*self.found, self.all_codes, *self._last()]

    def _last(self) -> list[dict[str, str]]:
        return [_ALL_ELSE] if self.all_else == _RETRY else []


def policy(spec: Node, draft: Draft, main: str, attempts: int) -> int:
    """`podFailurePolicy`: Kubernetes' rules one by one.

    Kubernetes does not count a failure that a rule ignores, and repeats it also with `backoffLimit: 0`.

    Args:
        spec: The Job's.
        draft: The job.
        main: The container whose exit code Batch looks at.
        attempts: How often Kubernetes starts it when no rule ignores a failure.

    Returns:
        How often Batch may start it.
    """
    found = spec.child("podFailurePolicy")
    is_once = attempts == 1
    rules = _Rules(all_else=_EXIT if is_once else _RETRY)
    ignores = any(
        isinstance(each, Mapping) and each.get("action") == "Ignore" for each in listed(found.data.get("rules"))
    )
    before = len(draft.recorder.findings.all)
    for rule in found.children("rules"):
        if is_once and not ignores:
            rule.rest("one attempt is never repeated, so no rule has an effect", "")
        else:
            _rule(rule, rules, draft, main)
    found.rest()
    result = rules.all()
    if len(result) > limits.EVALUATE_ON_EXIT_RULES_MAX:
        why = f"would be {len(result)} rules, and Batch takes {limits.EVALUATE_ON_EXIT_RULES_MAX}"
        _correct(draft, before, why)
        todo = "write attempts and evaluate_on_exit" if is_once else _DECIDE
        spec.recorder.not_carried(spec.name("podFailurePolicy"), f"{len(result)} rules", why, todo)
    elif not is_once or any(each["action"] == _RETRY for each in result):
        if result:
            draft.settings["evaluate_on_exit"] = result
        return limits.ATTEMPTS.maximum if is_once else attempts
    elif ignores:
        # Attempts without such a rule would repeat failures that Kubernetes does not repeat.
        _correct(draft, before, "jobs.yaml has no rule that repeats a failure, so there is one attempt")
    return attempts


def _correct(draft: Draft, before: int, why: str) -> None:
    """Correct the findings of the rules, which jobs.yaml does not have."""
    findings = draft.recorder.findings.all
    for index, each in enumerate(findings[before:], before):
        if each.job == draft.name and "podFailurePolicy" in each.field and each.fate is not Fate.NOT_CARRIED:
            findings[index] = replace(each, fate=Fate.NOT_CARRIED, note=why, to="")


def _rule(rule: Node, rules: _Rules, draft: Draft, main: str) -> None:
    name = str(rule.take("action"))
    action = _ACTIONS.get(name) if name != "Count" else rules.all_else
    if action is None:
        rule.rest("its action is none of FailJob, FailIndex, Ignore and Count", _DECIDE)
        return
    notes = {
        "Ignore": f"evaluate_on_exit: {action}. The attempt counts, which Kubernetes' Ignore does not",
        "FailJob": f"evaluate_on_exit: {action}",
        "FailIndex": f"evaluate_on_exit: {action} of the child",
        "Count": f"evaluate_on_exit: {action}",
    }
    note = notes[name]
    if name == "FailJob" and draft.settings.get("array_size"):
        note += " of the child; the others go on"
    rule.change("action", note)
    if "onExitCodes" in rule:
        _on_codes(rule.child("onExitCodes"), rules, main, action)
    for condition in rule.children("onPodConditions"):
        _on_condition(condition, rules, action)


def _on_codes(codes: Node, rules: _Rules, main: str, action: str) -> None:
    container = codes.take("containerName")
    if container not in {None, main}:
        codes.rest(f"Batch looks at the exit code of the first container, {main}, alone", _DECIDE)
        return
    codes.carry("containerName", "the container main, whose exit code counts")
    values = [whole(each) for each in listed(codes.take("values"))]
    numbers = [each for each in values if each is not None]
    operator = codes.take("operator")
    if operator not in {"In", "NotIn"} or not numbers or None in values:
        codes.rest("is not a rule on exit codes", _DECIDE)
        codes.leave("operator", "is not a rule on exit codes", _DECIDE)
        codes.leave("values", "is not a rule on exit codes", _DECIDE)
        return
    if operator == "In":
        rules.decide(numbers, action)
        codes.carry("operator", "a rule for each code")
    else:
        rules.decide_others(numbers, action)
        codes.change("operator", "on_exit_code: '*' after rules for the codes in values")
    codes.change("values", "on_exit_code, one in each rule")
    codes.rest()


def _on_condition(condition: Node, rules: _Rules, action: str) -> None:
    kind, status = condition.take("type"), str(condition.take("status", "True"))
    if kind != _DISRUPTION or status.lower() != "true" or action == _EXIT:
        why = "has no match in Batch, whose reasons are those of ECS"
        condition.leave("type", why, _DECIDE)
        condition.leave("status", why)
        return
    if _RECLAIMED not in rules.found:
        rules.found.append(_RECLAIMED)
    condition.change("type", "on_status_reason: Host EC2*, of an instance that was reclaimed or ended")
    condition.carry("status", "the rule matches when it happens")
    condition.rest()
