from __future__ import annotations

from typing import Any

import pytest

from batchtab.local_aws.batch import strategy
from batchtab.local_aws.batch.errors import ClientError

ENDED = {"exit_code": 137, "reason": "OutOfMemoryError: killed", "status_reason": "Essential container in task exited"}


@pytest.mark.parametrize(
    ("rules", "retried"),
    [
        ([], True),
        ([{"onExitCode": "137", "action": "EXIT"}], False),
        ([{"onExitCode": "13*", "action": "EXIT"}], False),
        ([{"onExitCode": "1", "action": "EXIT"}], True),
        ([{"onReason": "OutOfMemory*", "action": "RETRY"}, {"onExitCode": "*", "action": "EXIT"}], True),
        ([{"onReason": "Cannot*", "action": "RETRY"}, {"onExitCode": "*", "action": "EXIT"}], False),
        ([{"onReason": "OutOfMemory*", "onExitCode": "1", "action": "EXIT"}], True),
        ([{"onStatusReason": "essential container*", "action": "exit"}], False),
        ([{"onStatusReason": "Host EC2*", "action": "exit"}], True),
    ],
)
def test_first_rule_that_matches_decides(rules: list[dict[str, Any]], retried: bool) -> None:
    assert strategy.wants_retry({"evaluateOnExit": rules}, **ENDED) is retried


def test_attempt_that_never_ran_has_no_exit_code_to_match() -> None:
    rules = [{"onExitCode": "0", "action": "EXIT"}]
    assert strategy.wants_retry({"evaluateOnExit": rules}, exit_code=None, reason="CannotPull", status_reason="x")


@pytest.mark.parametrize(
    "given",
    [
        {"attempts": 0},
        {"attempts": 11},
        {"evaluateOnExit": [{"onExitCode": "1", "action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "one", "action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"onReason": "a*b", "action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"onReason": "a", "action": "EXIT"}] * 6},
        *(
            {"attempts": 2, "evaluateOnExit": [{"onStatusReason": f"a{letter}", "action": "EXIT"}]}
            for letter in "()'/[]<>,-_"
        ),
        {"attempts": 2, "evaluateOnExit": [{"onReason": "a" * 513, "action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"onReason": "", "action": "EXIT"}]},
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "-1", "action": "EXIT"}]},
    ],
)
def test_retry_strategies_that_batch_refuses(given: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="retryStrategy"):
        strategy.check_retries(given)


@pytest.mark.parametrize(
    "rule",
    [
        {"onReason": "Host EC2: a.b\tc*"},
        {"onStatusReason": "a" * 511 + "*"},
        {"onReason": "*"},
        {"onExitCode": "1*"},
        {"onExitCode": "*"},
    ],
)
def test_patterns_that_batch_takes(rule: dict[str, str]) -> None:
    strategy.check_retries({"attempts": 2, "evaluateOnExit": [{**rule, "action": "EXIT"}]})


def test_timeout_is_a_minute_at_least() -> None:
    strategy.check_timeout({"attemptDurationSeconds": 60})
    strategy.check_timeout(None)
    with pytest.raises(ClientError, match="59"):
        strategy.check_timeout({"attemptDurationSeconds": 59})


def test_all_exit_codes_are_not_those_of_an_attempt_without_one() -> None:
    # GIVEN a rule on whatever exit code there is, and a host that went away with its attempt
    rules = [{"action": "EXIT", "onExitCode": "*"}]
    # THEN it does not match, and what no rule matches is tried again
    assert strategy.wants_retry(
        {"evaluateOnExit": rules}, exit_code=None, reason="", status_reason="Host EC2 (instance i-1) terminated."
    )
    assert not strategy.wants_retry({"evaluateOnExit": rules}, exit_code=0, reason="", status_reason="")
