"""What ministack's EventBridge lacks of its API: what is too long, and that a rule with targets is not deleted.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from batchtab.local_aws import constraints

Record = dict[str, Any]
Handler = Callable[[Record], Any]


def install() -> None:
    """Have ministack's EventBridge refuse it."""
    eventbridge._put_rule = _checked("PutRule", eventbridge._put_rule)
    eventbridge._put_targets = _checked("PutTargets", eventbridge._put_targets)
    delete = eventbridge._delete_rule

    def delete_rule(given: Record) -> Any:
        key = eventbridge._rule_key(given.get("Name"), given.get("EventBusName", "default"))
        if eventbridge._targets.get(key):
            return _refusal("Rule can't be deleted since it has targets.")
        return delete(given)

    eventbridge._delete_rule = delete_rule


def _checked(operation: str, serve: Handler) -> Handler:
    def served(given: Record) -> Any:
        refused = constraints.refusal("events", operation, given)
        return _refusal(refused) if refused else serve(given)

    return served


def _refusal(message: str) -> Any:
    return error_response_json("ValidationException", message, 400)
