"""Jobs of several containers and nodes: what is asked of the submit function, and what people read of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.projects import PROJECT

from batchtab.aws.batch_jobs import read
from batchtab.aws.run_requests import trigger_request
from batchtab.declarations.catalog import Catalog, load
from batchtab.declarations.job import JobSpec
from batchtab.declarations.named_jobs import NamedJob, all_jobs

AT = datetime(2026, 11, 24, tzinfo=UTC)
RUN = [{"name": "BATCHTAB_RUN_ID", "value": "reports@now"}]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load("example", PROJECT)


def asked(catalog: Catalog, **fields: Any) -> dict[str, Any]:
    """What the function is asked of a job with these fields, beside its names."""
    known = next(iter(all_jobs(catalog)))
    job = NamedJob(known.service, known.name, JobSpec.model_validate({"command": ["x"], **fields}))
    said: dict[str, Any] = trigger_request(catalog, job, AT)["job"]
    return {key: value for key, value in said.items() if key not in {"name", "job_queue", "job_definition"}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"share": "reports"}, {"share": "reports"}),
        ({"containers": {"proxy": {}}}, {"container": "main"}),
        ({"nodes": 3}, {"nodes": 3}),
    ],
)
def test_a_request_says_what_the_trigger_says(
    catalog: Catalog, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert asked(catalog, **fields) == expected


def test_people_read_of_the_jobs_own_container() -> None:
    # GIVEN a failed job with a container beside its own, and one on two nodes
    job = {"jobId": "1", "jobName": "reports", "jobQueue": "q", "status": "FAILED", "createdAt": 1}
    proxy = {"name": "proxy", "essential": False, "exitCode": 143}
    main = {"name": "main", "environment": RUN, "exitCode": 7, "reason": "OutOfMemoryError"}
    several = {**job, "container": {}, "ecsProperties": {"taskProperties": [{"containers": [proxy, main]}]}}
    nodes = {
        **job,
        "nodeProperties": {"nodeRangeProperties": [{"targetNodes": "0:", "container": {"environment": RUN}}]},
        "attempts": [{"container": {"exitCode": 7, "reason": "OutOfMemoryError"}}],
    }
    # THEN both say which run they were for, and how it has ended
    for each in (several, nodes):
        found = read(each)
        assert (found.run_id, found.reason) == ("reports@now", "OutOfMemoryError; exit code 7")
