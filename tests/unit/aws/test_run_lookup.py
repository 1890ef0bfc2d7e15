"""Which job or run a person means by an id, by its beginning, by a name, or by a name and a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.projects import copy_project

from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.declarations import catalog as catalogs
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import NotFoundError, UsageError

TICK = "examples-tick"
QUEUE = "batchtab-local-default"
FIRST, SECOND, ARRAY = (f"{number}b9a5c1e-0000-4000-8000-00000000000{number}" for number in (1, 1, 2))
SECOND = SECOND.replace("00000001", "00000009")


def detail(job_id: str, name: str = TICK, *, scheduled: str = "", minute: int = 0, queue: str = QUEUE) -> Any:
    variables = [{"name": "BATCHTAB_SCHEDULED_TIME", "value": scheduled}] if scheduled else []
    created = datetime(2026, 11, 24, 9, minute, 2, tzinfo=UTC).timestamp() * 1000
    return {
        "jobId": job_id,
        "jobName": name,
        "jobQueue": f"arn:aws:batch:ap-northeast-2:000000000000:job-queue/{queue}",
        "status": "SUCCEEDED",
        "createdAt": int(created),
        "container": {"environment": variables},
    }


class Aws:
    """Batch with jobs, and a table with records."""

    def __init__(self, *jobs: Any, records: Any = ()) -> None:
        self.jobs, self.items = {job["jobId"]: job for job in jobs}, list(records)

    def client(self, service: str, *_: Any) -> Any:
        del service
        return self

    def describe_jobs(self, jobs: list[str]) -> Any:
        return {"jobs": [self.jobs[job_id] for job_id in jobs if job_id in self.jobs]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_jobs"
        return self

    def paginate(self, jobQueue: str, filters: Any, **_: Any) -> Any:  # noqa: N803 - AWS's name
        by, (value,) = filters[0]["name"], filters[0]["values"]
        mine = [job for job in self.jobs.values() if job["jobQueue"].endswith(f"/{jobQueue}")]
        found = [job for job in mine if by != "JOB_NAME" or job["jobName"] == value]
        yield {"jobSummaryList": [job for job in found if ":" not in job["jobId"]]}

    def query(self, ExpressionAttributeValues: Any, **_: Any) -> Any:  # noqa: N803 - AWS's name
        job, since, until = (ExpressionAttributeValues[key]["S"] for key in (":job", ":since", ":until"))
        found = [each for each in self.items if each["job"]["S"] == job and since <= each["item"]["S"] <= until]
        return {"Items": sorted(found, key=lambda each: str(each["item"]["S"]), reverse=True)}


def record(scheduled: str, status: str, job_id: str = "") -> Any:
    item = {"job": TICK, "item": f"run#{scheduled}", "scheduled_time": scheduled, "status": status}
    return {key: {"S": value} for key, value in {**item, **({"job_id": job_id} if job_id else {})}.items()}


@pytest.fixture
def lookup(tmp_path: Path) -> Any:
    catalog = catalogs.load("local", copy_project(tmp_path))
    return lambda *jobs, records=(): RunLookup(catalog, Aws(*jobs, records=records), "logs")  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [FIRST, FIRST[:8], FIRST[:4]])
def test_an_id_and_its_beginning_are_the_run(lookup: Any, wanted: str) -> None:
    found = lookup(detail(FIRST), detail(ARRAY)).run(wanted)
    assert (found.job_id, found.job.full, found.record) == (FIRST, TICK, None)


def test_a_child_of_an_array_is_found_by_the_beginning_of_its_array(lookup: Any) -> None:
    found = lookup(detail(ARRAY), detail(f"{ARRAY}:3")).run(f"{ARRAY[:6]}:3")
    assert found.job_id == f"{ARRAY}:3"


def test_a_beginning_of_several_is_refused_with_all_of_them(lookup: Any) -> None:
    with pytest.raises(UsageError, match="'1b9a' is ambiguous: 2 runs begin with it") as refused:
        lookup(detail(FIRST), detail(SECOND)).run("1b9a")
    assert FIRST in refused.value.hint
    assert SECOND in refused.value.hint


def test_one_character_of_many_is_ambiguous_with_a_few_of_them(lookup: Any) -> None:
    jobs = [detail(f"8{number:07x}-0000-4000-8000-000000000001") for number in range(23)]
    with pytest.raises(UsageError, match="'8' is ambiguous: 23 runs begin with it") as refused:
        lookup(*jobs).job_or_run("8")
    assert refused.value.exit_code == 2
    assert refused.value.hint.endswith(" and 13 more")
    assert refused.value.hint.count("-4000-") == 10
    # AND of one it is enough
    assert lookup(detail(FIRST)).job_or_run("1").job_id == FIRST
    # AND of none it may be a job that was meant
    with pytest.raises(NotFoundError, match="'f' is not a job of stage local"):
        lookup(detail(FIRST)).job_or_run("f")


@pytest.mark.parametrize("wanted", ["ffff", "3b9a5c1e-0000-4000-8000-000000000001"])
def test_what_batch_does_not_know_is_not_found(lookup: Any, wanted: str) -> None:
    with pytest.raises(NotFoundError, match=wanted):
        lookup(detail(FIRST)).run(wanted)


def test_a_job_of_another_stage_is_not_found(lookup: Any) -> None:
    with pytest.raises(NotFoundError, match="not of stage local"):
        lookup(detail(FIRST, queue="batchtab-prod-default")).run(FIRST)


@pytest.mark.parametrize("wanted", [TICK, "tick", "examples/tick"])
def test_a_job_is_its_newest_run(lookup: Any, wanted: str) -> None:
    assert lookup(detail(FIRST), detail(SECOND, minute=5), detail(ARRAY, "other-job", minute=9)).run(wanted).job_id == (
        SECOND
    )


def test_a_job_that_has_not_run_is_not_found(lookup: Any) -> None:
    with pytest.raises(NotFoundError, match=f"no run of {TICK}"):
        lookup().run(TICK)


def test_a_job_is_asked_for_before_a_run(lookup: Any) -> None:
    assert isinstance(lookup(detail(FIRST)).job_or_run("tick"), NamedJob)
    assert isinstance(lookup(detail(FIRST)).job_or_run(FIRST[:8]), FoundRun)
    with pytest.raises(NotFoundError, match="did you mean 'tick'"):
        lookup(detail(FIRST)).job_or_run("tikc")


# --- by the scheduled time


@pytest.mark.parametrize("time", ["2026-11-24T09:00:00Z", "2026-11-24T18:00", "2026-11-24T18:00:00+09:00"])
def test_a_time_on_the_jobs_clock_or_with_an_offset_is_the_run(lookup: Any, time: str) -> None:
    # GIVEN a job of the time, one of another time, and the same job as the function noted it
    jobs = (detail(FIRST, scheduled="2026-11-24T09:00:00Z"), detail(SECOND, scheduled="2026-11-24T09:05:00Z", minute=5))
    noted = record("2026-11-24T09:00:00Z", "submitted", FIRST)
    # THEN both lead to it, where the function is used and where it is not
    for records in ((), (noted,)):
        found = lookup(*jobs, records=records).run(f"tick@{time}")
        assert (found.job_id, found.scheduled_time) == (FIRST, "2026-11-24T09:00:00Z")
        assert (found.record is not None) == bool(records)


def test_a_run_that_was_skipped_has_a_record_and_no_job(lookup: Any) -> None:
    found = lookup(records=[record("2026-11-24T09:00:00Z", "skipped")]).run("tick@2026-11-24T09:00:00Z")
    assert (found.job_id, found.detail, found.record.status) == ("", {}, "skipped")


def test_of_two_jobs_of_a_time_the_newer_one_is_the_run(lookup: Any) -> None:
    scheduled = "2026-11-24T09:00:00Z"
    jobs = detail(FIRST, scheduled=scheduled), detail(SECOND, scheduled=scheduled, minute=30)
    assert lookup(*jobs).run(f"tick@{scheduled}").job_id == SECOND


def test_a_time_without_a_run_is_not_found_and_one_that_is_none_is_refused(lookup: Any) -> None:
    with pytest.raises(NotFoundError, match="no run of examples-tick is known for 2026-11-24T18:00:00"):
        lookup(detail(FIRST, scheduled="2026-11-24T09:05:00Z")).run("tick@2026-11-24T09:00:00Z")
    with pytest.raises(UsageError, match="'yesterday' of 'tick@yesterday' is not allowed"):
        lookup().run("tick@yesterday")
