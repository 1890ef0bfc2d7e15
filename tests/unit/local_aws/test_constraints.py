"""What EventBridge and Scheduler refuse by their models."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.local_aws.constraints import refusal

TARGET = {"Id": "1", "Arn": "arn:aws:sqs:eu-west-1:123456789012:queue"}
SCHEDULE: dict[str, Any] = {
    "Name": "a",
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": TARGET["Arn"], "RoleArn": "arn:aws:iam::123456789012:role/path/role", "Input": "{}"},
}


def test_request_within_the_model_is_not_refused() -> None:
    targets = [{**TARGET, "Input": "x" * 8192}]
    assert refusal("events", "PutTargets", {"Rule": "a", "Targets": targets}) is None
    assert refusal("scheduler", "CreateSchedule", SCHEDULE) is None


def test_input_of_a_target_has_at_most_8192_characters() -> None:
    message = refusal("events", "PutTargets", {"Rule": "a", "Targets": [TARGET, {**TARGET, "Input": "x" * 8193}]})
    assert message is not None
    assert message.startswith("1 validation error detected: Value 'xxx")
    assert message.endswith(
        "at 'targets.2.member.input' failed to satisfy constraint: Member must have length less than or equal to 8192"
    )


@pytest.mark.parametrize(
    ("operation", "request_", "where"),
    [
        ("PutRule", {"Name": "a b"}, "name"),
        ("PutRule", {"Name": "a" * 65}, "name"),
        ("PutRule", {"Name": "a", "State": "ON"}, "state"),
        ("PutRule", {"Name": "a", "Description": "x" * 513}, "description"),
        ("PutTargets", {"Rule": "a", "Targets": []}, "targets"),
        ("PutTargets", {"Rule": "a", "Targets": [{**TARGET, "Id": "a/b"}]}, "targets.1.member.id"),
    ],
)
def test_member_that_eventbridge_does_not_take(operation: str, request_: dict[str, Any], where: str) -> None:
    message = refusal("events", operation, request_)
    assert message is not None
    assert f"at '{where}' failed to satisfy constraint" in message


@pytest.mark.parametrize(
    "change",
    [{"Name": "a b"}, {"Target": {**SCHEDULE["Target"], "RoleArn": "role"}}, {"ScheduleExpression": "x" * 257}],
)
def test_member_that_scheduler_does_not_take(change: dict[str, Any]) -> None:
    assert refusal("scheduler", "CreateSchedule", {**SCHEDULE, **change}) is not None
