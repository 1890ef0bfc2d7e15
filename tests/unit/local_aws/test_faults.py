from __future__ import annotations

from typing import Any

import pytest

from batchtab.local_aws import faults as module
from batchtab.local_aws.faults import Faults


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the real clock shows; settable."""
    shown = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: shown[0])
    return shown


def test_a_fault_ends_after_its_seconds(seconds: list[float]) -> None:
    # GIVEN a service that is away for two minutes
    faults = Faults()
    faults.add({"service": "dynamodb", "seconds": 120})
    assert faults.refuses("dynamodb", "GetItem")
    # WHEN they are almost over, and over
    seconds[0] += 119
    assert faults.shown() == [
        {"service": "dynamodb", "operation": None, "refuse": True, "seconds_left": 1.0, "met": 1, "held": 0}
    ]
    seconds[0] += 1
    # THEN it is there again
    assert not faults.refuses("dynamodb", "GetItem")
    assert faults.shown() == []


def test_only_the_operation_of_the_service_is_met_in_whatever_case() -> None:
    faults = Faults()
    faults.add({"service": "batch", "operation": "SubmitJob", "hold_seconds": 20})
    assert faults.met_by("batch", "ListJobs") is None
    assert faults.met_by("events", "SubmitJob") is None
    assert faults.met_by("batch", "submitjob") is not None
    # AND what is only held is not away for those who deliver
    assert not faults.refuses("batch", "SubmitJob")


def test_clear_ends_those_that_are_being_suffered() -> None:
    faults = Faults()
    faults.add({"service": "lambda", "hang": True})
    fault = faults.met_by("lambda", "Invoke")
    assert fault is not None
    assert not fault.over
    faults.clear()
    assert fault.over
    assert not faults.any


def test_one_fault_is_ended_by_what_it_does_in_whatever_case() -> None:
    faults = Faults()
    faults.add({"service": "batch", "operation": "SubmitJob", "hold_seconds": 20, "seconds": 60})
    faults.add({"service": "batch", "hang": True})
    faults.clear({"service": "batch", "operation": "submitjob", "hold_seconds": 20})
    assert [each["hang"] for each in faults.shown()] == [True]
    with pytest.raises(ValueError, match="is not a service"):
        faults.clear({"hang": True})


def test_deliveries_are_multiplied_for_their_sender_alone() -> None:
    faults = Faults()
    faults.add({"service": "scheduler", "deliveries": 3})
    assert (faults.deliveries("scheduler"), faults.deliveries("events")) == (3, 1)
    assert faults.met_by("scheduler", "CreateSchedule") is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "service: None is not a service"),
        ({"service": "dynamodb", "second": 3}, "second: is not one of service, operation, seconds"),
        ({"service": "dynamodb", "seconds": 0}, "seconds: 0 is not a number of seconds up to 3600"),
        ({"service": "dynamodb", "seconds": "2"}, "seconds: '2' is not a number of seconds"),
        ({"service": "dynamodb", "operation": 3}, "operation: 3 is not an operation"),
        ({"service": "dynamodb", "hang": True, "hold_seconds": 3}, "hang and hold_seconds: give one of them"),
        ({"service": "dynamodb", "hold_seconds": True}, "hold_seconds: True is not a number of seconds"),
        ({"service": "dynamodb", "hang": "yes"}, "hang: 'yes' is not true or false"),
        ({"service": "dynamodb", "deliveries": 3}, "deliveries: are those of the service events or scheduler"),
        ({"service": "events", "deliveries": 11}, "deliveries: 11 is not a number from 1 to 10"),
    ],
)
def test_what_is_no_fault_is_refused(asked: dict[str, Any], told: str) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="^" + told.replace("(", r"\(")):
        faults.add(asked)
    assert faults.shown() == []
