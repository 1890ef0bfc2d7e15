"""All jobs with their next and last run, success rate and duration; and `status`, which has most of it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.cli.listing_aws import NOW, NOW_MS, Clock, FakeAws, job_id

from batchtab.aws import run_statistics
from batchtab.aws.run_statistics import RunStatistics, gathered
from batchtab.cli.jobs import jobs, status
from batchtab.cli.jobs.short_times import near, span
from batchtab.cli.main import main
from batchtab.declarations.named_jobs import all_jobs
from batchtab.plan_review.revisions import Mismatch, Revisions
from batchtab.terraform.session import Session

HOUR = 3_600_000
JOB = "my-service-do-something"
TOO_BIG = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - too big"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws()
    for module in (jobs, status):
        monkeypatch.setattr(module, "connect", lambda _: made)
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(status, "look_up", lambda *_: Revisions())
    return made


def ended(aws: FakeAws, number: int, ago_ms: int, seconds: int, name: str = JOB, status: str = "SUCCEEDED") -> None:
    created = NOW_MS - ago_ms
    aws.add(number, name, status, createdAt=created, startedAt=created, stoppedAt=created + seconds * 1000)


def summaries(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["jobs", "-o", "json"]) == 0
    return {each["job"]: each for each in json.loads(capsys.readouterr().out)}


# --- jobs


def test_a_job_has_its_next_run_its_last_and_how_it_does(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN ten runs, of which one failed, of 10 to 100 s
    for number in range(1, 11):
        ended(aws, number, (12 - number) * HOUR, number * 10, status="FAILED" if number == 3 else "SUCCEEDED")
    aws.add(11, "examples-report", "RUNNING", createdAt=NOW_MS - 60_000, startedAt=NOW_MS - 30_000)
    assert main(["jobs"]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    # THEN its line says so, on the stage's wall clock
    assert output.err == "Times of Asia/Seoul.\n"
    assert lines[0].split() == ["job", "next", "last", "status", "ok", "p50", "p95", "paused"]
    by_job = {line.split()[0]: line for line in lines[1:]}
    assert by_job[JOB].split() == [JOB, "Tue", "09:00", "10:01", "SUCCEEDED", "90%", "1m", "1m40s"]
    assert by_job["examples-report"].split()[3:6] == ["11:59", "RUNNING", "-"]
    assert by_job["examples-hello"].split() == ["examples-hello", "manual", "-", "-", "-", "-", "-"]
    assert by_job["examples-load"].split()[1] == "after"


@pytest.mark.parametrize("command", ["jobs", "status"])
def test_on_a_terminal_the_zone_is_above_the_table(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    ended(aws, 1, HOUR, 60)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main([command]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Times of Asia/Seoul."


def test_only_the_last_thirty_that_ended_count(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN 20 failures, then 29 runs that succeeded and a failure, and one that runs
    for number in range(1, 51):
        is_failure = number <= 20 or number == 50
        ended(aws, number, (60 - number) * HOUR, 10, status="FAILED" if is_failure else "SUCCEEDED")
    aws.add(51, JOB, "RUNNING", createdAt=NOW_MS - 1000, startedAt=NOW_MS)
    found = summaries(capsys)[JOB]
    assert (found["ended_runs"], found["succeeded_runs"], found["success_rate"]) == (30, 29, 0.9667)
    assert (found["last_status"], found["last_job_id"]) == ("RUNNING", job_id(51))


def test_what_is_older_than_a_week_does_not_count(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ended(aws, 1, 8 * 24 * HOUR, 10)
    assert summaries(capsys)[JOB]["last_status"] is None


@pytest.mark.parametrize(
    ("seconds", "p50", "p95"),
    [((), None, None), ((5.0,), 5.0, 5.0), (tuple(map(float, range(1, 101))), 50.0, 95.0), ((1.0, 9.0), 1.0, 9.0)],
)
def test_percentiles_are_times_that_runs_took(seconds: tuple[float, ...], p50: float | None, p95: float | None) -> None:
    found = RunStatistics(seconds=seconds)
    assert (found.percentile(50), found.percentile(95)) == (p50, p95)


def test_a_paused_and_a_suspended_job_have_no_next_run_and_say_why(
    aws: FakeAws, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "jobs/my-service/jobs.yaml"
    path.write_text(path.read_text().replace("schedule: cron(7", "suspend: true\n    schedule: cron(7"))
    aws.rules["batchtab-local-examples-tick"] = "DISABLED"
    found = summaries(capsys)
    assert (found["examples-tick"]["next_run"], found["examples-tick"]["paused"]) == (
        None,
        "its rule was disabled manually",
    )
    assert (found["my-service-do-often"]["next_run"], found["my-service-do-often"]["suspended"]) == (None, True)
    assert main(["jobs"]) == 0
    by_job = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert by_job["examples-tick"].split()[1] == "paused"
    assert by_job["examples-tick"].endswith("paused: its rule was disabled manually")
    assert by_job["my-service-do-often"].split()[1] == "suspended"


def test_a_queue_with_too_many_runs_says_from_when_they_count(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a queue of which fewer runs are listed than there are, and a job whose run is not among them
    ended(aws, 1, 100 * HOUR, 33, name="examples-report")
    for number in range(2, 2100):
        ended(aws, number, 90 * HOUR - number, 10)
    # WHEN the jobs with few runs may be asked for by their names THEN all is exact
    found = summaries(capsys)
    assert found["examples-report"]["p50_seconds"] == 33.0
    assert aws.called["batch.ListJobs"] == 20 + 1 + 8  # of the full queue, of the other, and by name
    # WHEN there are too many of them THEN it is said from when on runs count, and which jobs were not read
    monkeypatch.setattr(run_statistics, "_ASKED_FOR", 2)
    assert main(["jobs"]) == 0
    output = capsys.readouterr()
    assert "queue default: only runs since Thu 18:00 count, there are too many" in output.err
    assert "the last runs of 6 jobs were not read ('?')" in output.err
    assert " ? " in output.out


def test_a_thousand_jobs_take_a_bounded_number_of_calls(aws: FakeAws) -> None:
    # GIVEN 1,000 jobs in one queue with 20 runs each
    names = [f"s-{number}" for number in range(1000)]
    for number in range(20_000):
        ended(aws, number + 1, (20_001 - number) * 1000, 5, name=names[number % 1000])
    found = gathered(aws, dict.fromkeys(names, "batchtab-local-default"), NOW - timedelta(days=7))
    # THEN each has its last run, from 20 calls
    assert len(found.of_jobs) == 1000
    assert {each.ended for each in found.of_jobs.values()} == {2}
    assert dict(aws.called) == {"batch.ListJobs": 20}
    assert list(found.begins) == ["batchtab-local-default"]


def test_a_terminal_of_80_columns_is_enough(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 40):
        ended(aws, number, number * HOUR, 86_000 + number * 1000)
    for command in ("jobs", "status"):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        assert main([command]) == 0
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
        assert max(map(len, lines)) <= 80
        assert sum(line.startswith(f"{JOB} ") for line in lines) == 1


def test_names_and_explain(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "-o", "name"]) == 0
    assert capsys.readouterr().out.split() == [job.full for job in all_jobs(Session.open("local").catalog)]
    called = dict(aws.called)
    assert main(["jobs", "--explain"]) == 0
    assert '--filters \'[{"name":"AFTER_CREATED_AT"' in capsys.readouterr().out
    assert dict(aws.called) == called


# --- status


def test_status_has_a_line_for_each_job_and_names_what_is_paused_or_blocked(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a failed job, one that is paused, a queue whose first job cannot be placed, and another revision
    ended(aws, 1, 2 * HOUR, 60, status="FAILED")
    aws.add(2, "examples-nightly", "RUNNABLE", createdAt=NOW_MS - HOUR, statusReason=TOO_BIG)
    aws.fronts = {"default": [job_id(2)]}
    aws.rules["batchtab-local-examples-tick"] = "DISABLED"
    mismatches = tuple(Mismatch(name, f"batchtab-local-{name}", "r", 1, 2, (2,)) for name in (JOB, "examples-tick"))
    monkeypatch.setattr(status, "look_up", lambda *_: Revisions(mismatches))
    assert main(["status"]) == 0
    output = capsys.readouterr()
    lines = [*output.err.splitlines(), *output.out.splitlines()]
    # THEN all of it is said
    assert lines[0] == "Times of Asia/Seoul."
    assert re.split(" {2,}", lines[1]) == ["job", "last status", "last run", "next run", "queue"]
    by_job = {line.split()[0]: re.split(" {2,}", line)[1:] for line in lines[2:13]}
    assert by_job[JOB] == ["FAILED", "10:01", "Tue 09:00", "default"]
    assert by_job["examples-tick"] == ["-", "-", "paused", "continuously"]
    assert lines[13:15] == [
        "examples-tick is paused: its rule was disabled manually",
        f"queue default is blocked: examples-nightly (00000002) cannot be placed: {TOO_BIG}",
    ]
    assert [line.partition(" [hint")[0] for line in lines[15:]] == [
        f"{JOB} runs revision 2; Terraform deployed revision 1",
        "examples-tick runs revision 2; Terraform deployed revision 1",
    ]
    # AND of one job only what is its own
    assert main(["status", JOB, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["job"] for each in found["jobs"]] == [JOB]
    assert found["jobs"][0]["next_runs"][0] == "2026-12-01T00:00:00Z"
    assert list(found["blocked_queues"]) == ["default"]
    assert found["revisions"] == [{"job": JOB, "runs": 2, "deployed": 1}]


def test_a_queue_that_waits_for_capacity_only_is_not_blocked(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(1, JOB, "RUNNABLE")
    aws.fronts = {"default": [job_id(1)]}
    assert main(["status"]) == 0
    assert "blocked" not in capsys.readouterr().out
    aws.environment["state"] = "DISABLED"
    assert main(["status"]) == 0
    assert "queue default is blocked: no compute environment takes jobs: ce is DISABLED" in capsys.readouterr().out


def test_status_makes_no_call_for_each_job(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del capsys
    assert main(["status"]) == 0
    assert aws.called["batch.ListJobs"] == 2
    assert main(["status", "-o", "yaml"]) == 0


# --- short times


def test_spans_and_moments_are_short() -> None:
    zone = Session.open("local").catalog.stage.timezone
    assert [span(seconds) for seconds in (0, 45, 600, 5400, 187_200)] == ["0s", "45s", "10m", "1h30m", "2d4h"]
    moments = [NOW, NOW + timedelta(days=2), NOW - timedelta(days=9), NOW + timedelta(days=800)]
    shown = [near(moment, ZoneInfo(zone), NOW) for moment in moments]
    assert shown == ["12:00", "Wed 12:00", "21 Nov 12:00", "2029-02-07"]
