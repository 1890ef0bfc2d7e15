"""A stage of many jobs and runs: commands make a bounded number of calls, and say what they don't show for that."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.listing_aws import NOW, NOW_MS, Clock, FakeAws, job_id

from batchtab.aws import run_lookup
from batchtab.aws.run_lookup import RunLookup
from batchtab.cli.jobs import cost, history, jobs, ps, retry, stop, why
from batchtab.cli.main import main
from batchtab.declarations import catalog as catalogs
from batchtab.errors import NotFoundError
from batchtab.schedules.timestamps import utc_text

JOBS = 300
FIRST, LAST = "many-job-000", f"many-job-{JOBS - 1:03}"


@pytest.fixture
def aws(project: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """Jobs that run at each full hour, one at a time; `nobody` starts the last one."""
    for path in (project / "jobs").glob("*/jobs.yaml"):
        path.unlink()
    lines = ["service: many", "image: {repository: my-service, tag: v1}", "jobs:"]
    lines += [
        f"  job-{n:03}: {{command: [run], concurrency_policy: forbid, schedule: cron(0 * * * ? *)}}"
        for n in range(JOBS - 1)
    ]
    lines.append(f"  job-{JOBS - 1:03}: {{command: [run], concurrency_policy: forbid}}")
    (project / "jobs" / "many").mkdir()
    (project / "jobs" / "many" / "jobs.yaml").write_text("\n".join(lines) + "\n")
    made = FakeAws()
    for module in (cost, history, jobs, ps, retry, stop, why):
        monkeypatch.setattr(module, "connect", lambda _: made)
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(run_lookup, "datetime", Clock)
    return made


def run_each_hour(aws: FakeAws, hours: int) -> None:
    """A run of each job that has a schedule for each of the last hours, the submit function's records of them too."""
    number = 0
    for hour in range(hours, 0, -1):
        at = NOW - timedelta(hours=hour)
        for job in range(JOBS - 1):
            number += 1
            name, time = f"many-job-{job:03}", utc_text(at)
            variables = {"BATCHTAB_SCHEDULED_TIME": time, "BATCHTAB_RUN_ID": f"{name}@{time}"}
            created = int(at.timestamp() * 1000) + job
            made = aws.add(number, name, "SUCCEEDED", createdAt=created, environment=variables)
            note(aws, name, at, "submitted", job_id=made, noted_at=utc_text(at + timedelta(minutes=5)))


def note(aws: FakeAws, job: str, at: datetime, status: str, **others: str) -> None:
    time = utc_text(at)
    aws.records.append({"job": job, "item": f"run#{time}", "status": status, "scheduled_time": time, **others})


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, Any]], str]:
    capsys.readouterr()
    assert main(["history", "--json", *arguments]) == 0
    output = capsys.readouterr()
    return [json.loads(line) for line in output.out.splitlines()], output.err


# --- history


def test_the_history_of_many_jobs_takes_few_calls_and_has_what_never_got_to_batch(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN many jobs and runs, and now at noon one was skipped, of a job that is not among the first ones
    run_each_hour(aws, hours=10)
    note(aws, "many-job-280", NOW, "skipped", reason="the run of 11:00 has not ended")
    # WHEN the last runs are shown
    found, said = shown(capsys)
    # THEN the skipped one is the first
    assert [(each["job"], each["status"]) for each in found[:2]] == [
        ("many-job-280", "skipped"),
        ("many-job-298", "SUCCEEDED"),
    ]
    # AND none is said to be forgotten that Batch knows
    assert [each["status"] for each in found[1:]] == ["SUCCEEDED"] * 19
    # AND a line says what may be missing
    assert said == (
        "batchtab: of 100 jobs, runs that never got to Batch are shown from 11:00 on, and only those at times of their"
        " schedules: batchtab history JOB\n"
    )
    # AND the calls do not grow with the runs: one describes a page, one those of the same hour that it did not have
    assert dict(aws.called) == {
        "batch.ListJobs": 2,
        "batch.DescribeJobs": 1 + 1,
        "dynamodb.Query": 200,
        "dynamodb.BatchGetItem": 3 + 2,
        "events.ListRules": 1,
        "scheduler.ListSchedules": 1,
    }


def test_the_times_that_are_asked_for_have_a_bound_and_the_line_says_from_when_on(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN jobs of which none has got to Batch for days
    for hour in (1, 100):
        note(aws, "many-job-280", NOW - timedelta(hours=hour), "skipped")
    # WHEN all of that time is asked for
    found, said = shown(capsys, "--since", "6d")
    # THEN the last 2,000 times of the jobs that are not asked for one by one are looked at
    assert [each["scheduled_time"] for each in found] == [utc_text(NOW - timedelta(hours=1))]
    assert aws.called["dynamodb.BatchGetItem"] == 3 + 20
    assert "shown from Sun 17:00 on" in said
    # AND of one job all is shown
    assert len(shown(capsys, "job-280")[0]) == 2


def test_a_job_whose_times_nobody_knows_is_asked_for_before_others(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    note(aws, LAST, NOW - timedelta(minutes=7), "skipped")
    assert [each["job"] for each in shown(capsys)[0]] == [LAST]


def test_records_whose_jobs_were_not_listed_are_described_as_far_as_they_are_shown(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN runs in a queue that the stage has no longer, of which the table has all
    run_each_hour(aws, hours=10)
    for job in aws.jobs.values():
        job["jobQueue"] = f"{job['jobQueue']}-old"
    # THEN those that are shown are described, and no others
    assert {each["status"] for each in shown(capsys)[0]} == {"SUCCEEDED"}
    assert aws.called["batch.DescribeJobs"] == 1


# --- the others


def test_what_runs_and_waits_takes_few_calls_however_many_wait(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3000):
        aws.add(number, f"many-job-{number % JOBS:03}", "RUNNABLE")
    assert main(["ps"]) == 0
    output = capsys.readouterr()
    assert output.out.count("RUNNABLE") == ps.MOST
    assert output.err == "batchtab: queue default: more than 500 jobs of a status; not all are shown\n"
    assert dict(aws.called) == {
        "batch.ListJobs": 10 + 5,
        "batch.DescribeJobs": 5,
        "batch.GetJobQueueSnapshot": 1,
        "batch.DescribeJobQueues": 1,
        "batch.DescribeComputeEnvironments": 1,
        "dynamodb.BatchGetItem": 3,
    }


def test_the_jobs_take_no_call_for_each_run(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    run_each_hour(aws, hours=10)
    assert main(["jobs"]) == 0
    assert "queue default: only runs since" in capsys.readouterr().err
    assert dict(aws.called) == {
        "batch.ListJobs": 20 + 1,
        "dynamodb.BatchGetItem": 3,
        "events.ListRules": 1,
        "scheduler.ListSchedules": 1,
    }


@pytest.fixture
def minutes(aws: FakeAws) -> FakeAws:
    """One job with a run of each of the last 1,500 minutes."""
    for number in range(1500, 0, -1):
        at = NOW - timedelta(minutes=number)
        variables = {"BATCHTAB_SCHEDULED_TIME": utc_text(at)}
        aws.add(number, FIRST, "SUCCEEDED", createdAt=int(at.timestamp() * 1000) + 1, environment=variables)
    return aws


@pytest.mark.parametrize(("number", "calls"), [(1, 1), (100, 1), (101, 2), (1490, 15)])
def test_the_run_of_a_time_is_looked_for_from_the_newest_on_until_it_is_found(
    minutes: FakeAws, project: Path, number: int, calls: int
) -> None:
    lookup = RunLookup(catalogs.load("local", project), minutes, "logs")
    assert lookup.run(f"{FIRST}@{utc_text(NOW - timedelta(minutes=number))}").job_id == job_id(number)
    assert minutes.called["batch.DescribeJobs"] == calls
    assert minutes.called["batch.ListJobs"] == 15 + 1


def test_the_story_of_a_run_takes_few_calls_however_many_runs_there_are(
    minutes: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", job_id(700)]) == 0
    assert "SUCCEEDED" in capsys.readouterr().out
    assert sum(minutes.called.values()) <= 10, minutes.called


def test_what_is_stopped_has_a_bound_and_says_so(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(10_100):
        aws.add(number, FIRST, "RUNNABLE")
    assert main(["stop", "--all", "--dry-run", "-o", "name"]) == 0
    output = capsys.readouterr()
    assert output.out.count("\n") == 10_000
    assert output.err == "stop: queue default: the newest 10,000 jobs of a status; run it again for the others\n"
    assert aws.called["batch.ListJobs"] == 100 + 11


@pytest.fixture
def failures(aws: FakeAws) -> FakeAws:
    """A failed run each half minute of the last day, of two jobs in turn."""
    for number in range(2100, 0, -1):
        at = NOW - timedelta(seconds=30 * number)
        variables = {"BATCHTAB_SCHEDULED_TIME": utc_text(at)}
        created = int(at.timestamp() * 1000) + 1
        aws.add(number, (FIRST, LAST)[number % 2], "FAILED", createdAt=created, environment=variables)
    return aws


@pytest.mark.parametrize(
    ("arguments", "listed", "described", "runs", "said"),
    [
        ([], 20 + 1, 20, 120, "retry: queue default: only the newest 2,000 jobs were looked at: batchtab retry JOB"),
        ([FIRST], 11 + 1, 11, 60, ""),
    ],
)
def test_what_failed_is_looked_for_with_a_bound_that_is_said_and_of_one_job_by_its_name(
    failures: FakeAws,
    arguments: list[str],
    listed: int,
    described: int,
    runs: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["retry", *arguments, "--failed", "--since", "1h", "--dry-run", "-o", "json"])
    output = capsys.readouterr()
    assert len(json.loads(output.out)) == runs
    assert output.err.startswith(said)
    assert bool(output.err) == bool(said)
    assert failures.called["batch.ListJobs"] == listed
    assert failures.called["batch.DescribeJobs"] == described
    # AND a definition is described once, however many runs had it
    assert failures.called["batch.DescribeJobDefinitions"] == len({FIRST, *([] if arguments else [LAST])})


def test_of_many_jobs_the_memory_of_the_dearest_is_read_and_the_others_are_counted(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 201):
        minutes = {"startedAt": NOW_MS - 3_600_000, "stoppedAt": NOW_MS - 3_600_000 + number * 60_000}
        job = aws.add(number, f"many-job-{number:03}", "SUCCEEDED", createdAt=NOW_MS - 3_700_000, **minutes)
        aws.jobs[job]["container"]["logStreamName"] = job
    assert main(["cost"]) == 0
    assert "Memory was not read of the 160 cheapest jobs: name a JOB." in capsys.readouterr().out
    assert dict(aws.called) == {
        "batch.ListJobs": 2 + 1,
        "batch.DescribeJobs": 2,
        "dynamodb.Query": 200,
        "dynamodb.BatchGetItem": 20,
        "logs.GetLogEvents": 40,
    }


# --- what is not found is not said to be forgotten


@pytest.mark.parametrize("wanted", ["abcdef", f"{FIRST}@2026-11-24T09:00:00Z"])
def test_a_run_that_was_not_looked_for_among_all_is_not_said_to_be_forgotten(
    aws: FakeAws, project: Path, wanted: str
) -> None:
    lookup = RunLookup(catalogs.load("local", project), aws, "logs")
    with pytest.raises(NotFoundError) as refused:
        lookup.run(wanted)
    assert "forgets" in refused.value.hint
    for number in range(2100):
        aws.add(number, FIRST, "SUCCEEDED", createdAt=int(NOW.timestamp() * 1000) + number)
    with pytest.raises(NotFoundError) as refused:
        lookup.run(wanted)
    assert (
        refused.value.hint == "the newest 2,000 jobs of a queue were looked at, and there are more: give the whole id"
    )
