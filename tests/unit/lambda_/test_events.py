"""Events are read, and nothing in them is believed to be there."""

from __future__ import annotations

import pytest
from tests.unit.lambda_.support import EVENTS, event, job

from job_alerts.events import Sweep, read
from job_alerts.job_event import JobEvent, UnreadableEvent, read_job

JOBS = sorted(
    path.stem for path in EVENTS.glob("*.json") if not path.stem.endswith("_dead_letter") and path.stem != "sweep"
)


@pytest.mark.parametrize("name", JOBS)
def test_every_kept_event_is_read(name: str) -> None:
    found = job(name)
    assert found.name
    assert found.queue
    assert found.account
    assert found.region


@pytest.mark.parametrize("name", JOBS)
def test_a_job_survives_being_kept(name: str) -> None:
    assert JobEvent.from_json(job(name).to_json()) == job(name)


def test_the_facts_of_a_failed_job() -> None:
    found = job("exit_code")
    assert (found.name, found.queue, found.definition) == (
        "my-service-do-something",
        "batchtab-prod-default",
        "batchtab-prod-my-service-do-something:7",
    )
    assert (found.exit_code, found.attempt, found.attempts) == (3, 1, 1)
    assert (found.log_group, found.log_stream) == (
        "/aws/batch/batchtab-prod",
        "my-service-do-something/default/0f1e2d3c4b5a",
    )
    assert found.stopped_ms is not None
    assert found.started_ms is not None
    assert found.stopped_ms - found.started_ms == 1_236_000


def test_the_first_of_several_containers_speaks() -> None:
    found = job("several_containers")
    assert (found.exit_code, found.log_stream, found.memory_mib) == (
        3,
        "my-service-do-something/default/0f1e2d3c4b5a",
        "1024",
    )


def test_of_a_task_main_speaks_and_of_nodes_the_job() -> None:
    # GIVEN the failure of a job with a container before its own
    detail = {
        "jobName": "reports-nightly",
        "jobId": "1-2",
        "status": "FAILED",
        "container": {},
        "ecsProperties": {
            "taskProperties": [
                {
                    "containers": [
                        {"name": "migrate", "image": "migrate:1", "exitCode": 0, "essential": False},
                        {
                            "name": "main",
                            "image": "app:1",
                            "environment": [{"name": "BATCHTAB_SCHEDULED_TIME", "value": "2026-03-02T00:00:00Z"}],
                        },
                    ]
                }
            ]
        },
        "attempts": [
            {
                "taskProperties": [
                    {
                        "containers": [
                            {"name": "migrate", "exitCode": 0, "logStreamName": "a"},
                            {"name": "main", "exitCode": 7, "logStreamName": "b", "reason": "OutOfMemoryError"},
                        ]
                    }
                ]
            }
        ],
    }
    found = read_job({}, detail, blocks_queue=False)
    # THEN its own container's end is told
    assert (found.image, found.exit_code, found.log_stream, found.container_reason) == (
        "app:1",
        7,
        "b",
        "OutOfMemoryError",
    )
    assert found.scheduled_at == 1_772_409_600
    assert not found.is_node
    # AND one node's end is none of a job
    assert read_job({}, {**detail, "jobId": "1-2#1"}, blocks_queue=False).is_node


def test_a_run_tells_for_which_time_it_was_submitted() -> None:
    assert job("scheduled_run").scheduled_at == 1_772_409_600
    assert job("exit_code").scheduled_at is None


def test_an_event_that_was_kept_by_a_destination_is_read() -> None:
    kept = {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event("exit_code")}
    assert read(kept) == job("exit_code")


def test_the_clock_is_known() -> None:
    assert isinstance(read(event("sweep")), Sweep)


@pytest.mark.parametrize(
    ("unreadable", "message"),
    [
        (None, "not an object"),
        ([], "not an object"),
        ({}, "not an event of aws.batch"),
        ({"source": "aws.ec2"}, "not an event of aws.batch"),
        ({"source": "aws.batch", "detail-type": "ECS Task State Change"}, "detail-type is 'ECS Task State Change'"),
        ({"source": "aws.batch", "detail-type": "Batch Job State Change"}, "detail is missing"),
        ({"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": {}}, "detail.jobName is missing"),
        ({"batchtab": "kept", "job": "{"}, "what was kept is not JSON"),
        ({"batchtab": "kept", "job": "[]"}, "what was kept is not a job"),
    ],
)
def test_another_event_is_reported_and_not_swallowed(unreadable: object, message: str) -> None:
    with pytest.raises(UnreadableEvent, match=message):
        read(unreadable)


def test_what_another_version_kept_is_read_as_far_as_it_fits() -> None:
    text = '{"name": "a", "new": 1, "attempt": "x", "exit_code": true, "depends_on": ["p", 1], "is_cancelled": 1}'
    found = JobEvent.from_json(text)
    assert (found.name, found.attempt, found.exit_code, found.depends_on, found.is_cancelled) == (
        "a",
        1,
        None,
        ("p",),
        False,
    )
