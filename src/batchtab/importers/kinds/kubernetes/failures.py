"""The policy of failed pods, as Batch's rules on an attempt's end."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchtab import limits
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
    """

    found: list[dict[str, str]] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    all_codes: dict[str, str] | None = None
    pending: set[int] | None = None

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
            return [*self.found, _ALL_ELSE] if self.found else []
        self.decide(sorted(self.pending or ()), _RETRY)
        return [*self.found, self.all_codes, _ALL_ELSE]


def policy(spec: Node, draft: Draft, main: str, attempts: int) -> None:
    """`podFailurePolicy`: Kubernetes' rules one by one."""
    found = spec.child("podFailurePolicy")
    rules = _Rules()
    for rule in found.children("rules"):
        _rule(rule, rules, draft, main, attempts)
        rule.rest()
    found.rest()
    result = rules.all()
    if not result or attempts == 1:
        return
    if len(result) > limits.EVALUATE_ON_EXIT_RULES_MAX:
        why = f"would be {len(result)} rules, and Batch takes {limits.EVALUATE_ON_EXIT_RULES_MAX}"
        spec.recorder.not_carried(spec.name("podFailurePolicy"), f"{len(result)} rules", why, _DECIDE)
        return
    draft.settings["evaluate_on_exit"] = result


def _rule(rule: Node, rules: _Rules, draft: Draft, main: str, attempts: int) -> None:
    name = str(rule.take("action"))
    action = _ACTIONS.get(name)
    if action is None:
        rule.rest("its action is none of FailJob, FailIndex, Ignore and Count", _DECIDE)
        return
    if attempts == 1:
        rule.rest("one attempt is never repeated, so no rule has an effect", "")
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
