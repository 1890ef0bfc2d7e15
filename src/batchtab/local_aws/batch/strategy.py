"""Timeouts and retries: what may be asked for, and what follows from how an attempt ended."""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError

_PATTERNS = {
    "onExitCode": limits.EXIT_CODE_PATTERN,
    "onReason": limits.REASON_PATTERN,
    "onStatusReason": limits.REASON_PATTERN,
}


def check_timeout(timeout: dict[str, Any] | None) -> None:
    """Refuse a timeout below a minute."""
    seconds = (timeout or {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < limits.TIMEOUT_SECONDS_MINIMUM:
        raise ClientError(f"timeout: attemptDurationSeconds {seconds} is below {limits.TIMEOUT_SECONDS_MINIMUM}")


def check_retries(strategy: dict[str, Any] | None) -> None:
    """Refuse numbers of attempts and rules that Batch refuses."""
    if not strategy:
        return
    low, high = limits.RETRY_ATTEMPTS
    attempts = strategy.get("attempts")
    if attempts is not None and not low <= attempts <= high:
        raise ClientError(f"retryStrategy: attempts {attempts} is not from {low} to {high}")
    rules = strategy.get("evaluateOnExit") or []
    if len(rules) > limits.EVALUATE_ON_EXIT_MAXIMUM:
        raise ClientError(
            f"retryStrategy: {len(rules)} rules in evaluateOnExit, at most {limits.EVALUATE_ON_EXIT_MAXIMUM}"
        )
    if rules and attempts is None:
        raise ClientError("retryStrategy: attempts is required with evaluateOnExit")
    for rule in rules:
        conditions = [member for member in _PATTERNS if rule.get(member) is not None]
        if not conditions:
            raise ClientError("retryStrategy: a rule in evaluateOnExit needs onExitCode, onReason or onStatusReason")
        for member in conditions:
            if not _PATTERNS[member].fullmatch(rule[member]):
                raise ClientError(f"retryStrategy: {member} {rule[member]!r} is not a pattern that Batch takes")


def wants_retry(strategy: dict[str, Any], *, exit_code: int | None, reason: str, status_reason: str) -> bool:
    """Say whether a failed attempt is tried again: the first rule that matches decides, and none means yes.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """
    ended = {
        "onExitCode": None if exit_code is None else str(exit_code),
        "onReason": reason,
        "onStatusReason": status_reason,
    }
    for rule in strategy.get("evaluateOnExit") or []:
        if all(_matches(rule[member], value) for member, value in ended.items() if rule.get(member) is not None):
            return bool(rule["action"].upper() == "RETRY")
    return True


def _matches(pattern: str, value: str | None) -> bool:
    if value is None:  # an attempt that ends with its host, or before its container starts, has no exit code
        return False
    if pattern.endswith("*"):
        return value.lower().startswith(pattern[:-1].lower())
    return value.lower() == pattern.lower()
