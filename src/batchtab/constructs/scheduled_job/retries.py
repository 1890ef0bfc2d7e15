"""A job definition's retry strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.aws import (
    BatchJobDefinitionRetryStrategy,
    BatchJobDefinitionRetryStrategyEvaluateOnExit,
)
from batchtab.constructs._terraform.expressions import Expression, as_number, hcl, is_expression
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, dynamic, local

_CATCH_ALL = dict(limits.CATCH_ALL_EXIT)


def strategy(attempts: Any, evaluate_on_exit: Any) -> dict[str, Any]:
    """The `retry_strategy` argument, with the known rules; `add_rules` adds what only Terraform knows.

    Rules end with one that exits whatever happened, because Batch retries when none matches.
    """
    rules = None if is_expression(evaluate_on_exit) else [_rule(rule) for rule in _closed(evaluate_on_exit)]
    return {
        "retry_strategy": BatchJobDefinitionRetryStrategy(attempts=as_number(attempts), evaluate_on_exit=rules or None)
    }


def add_rules(scope: BatchtabConstruct, job_definition: ResourceRef, evaluate_on_exit: Any) -> None:
    """Adds rules that are an expression, as dynamic blocks."""
    if not is_expression(evaluate_on_exit):
        return
    rules = hcl(evaluate_on_exit)
    fields = ("action", *limits.EVALUATE_ON_EXIT_CONDITIONS)
    catch_all = hcl({field: _CATCH_ALL.get(field) for field in fields})
    last = f"[for rule in [element({rules}, length({rules}) - 1)] : {catches_all('rule')}][0]"
    done = local(scope, "catches_all", Expression.of(f"try({last}, false)"))
    missing = f"length({rules}) > 0 && !{hcl(done)}"
    dynamic(
        job_definition.element,
        "retry_strategy.evaluate_on_exit",
        Expression.of(f"concat({rules}, [for rule in [{catch_all}] : rule if {missing}])"),
        {field: Expression.of(f"evaluate_on_exit.value.{field}") for field in fields if field != "action"}
        | {"action": Expression.of("lower(evaluate_on_exit.value.action)")},
    )


def _closed(rules: Any) -> list[Mapping[str, str]]:
    closed = list(rules)
    if closed and not limits.catches_all(closed[-1]):
        closed.append(_CATCH_ALL)
    return closed


def _rule(rule: Mapping[str, str]) -> BatchJobDefinitionRetryStrategyEvaluateOnExit:
    given = {key: rule[key] for key in limits.EVALUATE_ON_EXIT_CONDITIONS if rule.get(key) is not None}
    return BatchJobDefinitionRetryStrategyEvaluateOnExit(action=rule["action"].lower(), **given)


def catches_all(rule: str) -> str:
    """What `limits.catches_all` says, of a rule that is an expression."""
    reasons = f"compact([{rule}.on_reason, {rule}.on_status_reason])"
    return f'({rule}.on_exit_code == null && length({reasons}) > 0 && alltrue([for text in {reasons} : text == "*"]))'
