"""What runs and waits now, and what each waits for."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.cli.listing_aws import NOW, NOW_MS, Clock, FakeAws, Refusal, job_id

from batchtab.aws import active_jobs
from batchtab.cli.jobs import ps
from batchtab.cli.main import main

TOO_BIG = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU"
SHARED = "my-service-do-something"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws()
    monkeypatch.setattr(ps, "connect", lambda _: made)
    monkeypatch.setattr(ps, "datetime", Clock)
    return made


def ago(seconds: float) -> int:
    return NOW_MS - int(seconds * 1000)


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["ps", *arguments, "-o", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def request(time: str, **others: Any) -> dict[str, Any]:
    queue = "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-default"
    job = {"name": "examples-sync", "job_queue": queue, **others}
    return {"run": f"run#{time}", "request": {"trigger": {"scheduled_time": time}, "job": job}}


def test_a_line_for_each_job_that_has_not_ended(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a job in its second attempt, an array, one that waits for another, and two that have ended
    failed = {"startedAt": ago(120), "stoppedAt": ago(110), "container": {"exitCode": 1}}
    aws.add(1, SHARED, createdAt=ago(125), startedAt=ago(100), retryStrategy={"attempts": 3}, attempts=[failed])
    children = {"SUCCEEDED": 36, "FAILED": 1, "RUNNING": 2, "RUNNABLE": 1}
    array = {"size": 40, "statusSummary": children}
    aws.add(2, "my-service-do-often", "PENDING", "continuously", createdAt=ago(60), arrayProperties=array)
    aws.add(3, "examples-load", "PENDING", createdAt=ago(30), dependsOn=[{"jobId": job_id(1)}])
    aws.add(4, "examples-hello", "SUCCEEDED")
    aws.add(5, "examples-fail", "FAILED")
    # WHEN they are listed
    assert main(["ps"]) == 0
    lines = capsys.readouterr().out.splitlines()
    # THEN each has its state, its age, its attempt, its children, and why it does not run
    assert lines == [
        "job                      run       state    for    attempt  array  place  why it waits",
        "my-service-do-something  00000001  RUNNING  1m40s  2/3      -      -",
        "my-service-do-often      00000002  PENDING  1m     -        37/40  -      1 FAILED, 2 RUNNING, 1 RUNNABLE",
        "examples-load            00000003  PENDING  30s    1/1      -      -"
        "      waits for the end of my-service-do-something (00000001)",
    ]


def test_the_place_is_that_of_the_queue_and_the_next_says_what_it_needs(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN 14 of 16 vCPUs in use by a job of another queue, and two that wait, the younger one first
    aws.add(1, "my-service-do-often", "RUNNING", "continuously", asks=(14, 2048), startedAt=1)
    aws.add(2, SHARED, "RUNNABLE", asks=(1, 1024))
    aws.add(3, "examples-report", "RUNNABLE", asks=(4, 1024))
    aws.fronts = {"default": [job_id(3), job_id(2)]}
    # THEN they are in the order of the queue
    running, first, second = rows(capsys)
    assert (running["place"], running["why"]) == (None, None)
    assert (first["job"], first["place"]) == ("examples-report", 1)
    assert first["why"] == "the next in the queue: needs 4 vCPUs; 14 of 16 are in use"
    assert (second["place"], second["why"]) == (2, "1 before it in the queue")
    # AND a child's place is its array's
    aws.jobs[job_id(2)]["arrayProperties"] = {"size": 2, "statusSummary": {"RUNNABLE": 2}}
    aws.fronts["default"][1] = f"{job_id(2)}:1"
    assert rows(capsys)[2]["place"] == 2


def test_a_job_that_cannot_be_placed_is_named_by_those_behind_it(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.add(1, "examples-nightly", "RUNNABLE", statusReason=TOO_BIG)
    aws.add(2, "examples-report", "RUNNABLE")
    aws.fronts = {"default": [job_id(1), job_id(2)]}
    first, second = rows(capsys)
    assert first["why"] == TOO_BIG
    code = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    assert second["why"] == f"behind examples-nightly (00000001), which is blocked: {code}"


@pytest.mark.parametrize(
    ("queue", "environment", "said"),
    [
        ({"status": "INVALID", "statusReason": "no role"}, {}, "the queue is INVALID (no role)"),
        ({}, {"state": "DISABLED"}, "no compute environment takes jobs: ce is DISABLED"),
        (
            {},
            {"status": "INVALID", "statusReason": "no AMI"},
            "no compute environment takes jobs: ce is INVALID (no AMI)",
        ),
    ],
)
def test_a_queue_that_starts_nothing_is_the_reason(
    aws: FakeAws, queue: dict[str, str], environment: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.add(1, SHARED, "RUNNABLE")
    aws.fronts = {"default": [job_id(1)]}
    aws.queues["batchtab-local-default"] |= queue
    aws.environment |= environment
    assert [row["why"] for row in rows(capsys)] == [said]


def test_runs_that_wait_for_their_turn_have_no_job_yet(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a job with policy queue: its run of 09:00 in Seoul runs, and two wait
    active = {**request("2026-11-30T00:00:00Z"), "job_id": job_id(9), "since": 1.0}
    waiting = [request("2026-11-30T01:00:00Z"), request("2026-11-30T02:00:00Z")]
    aws.states["examples-sync"] = {"active": active, "waiting": waiting}
    first, second = rows(capsys)
    # THEN they say whom they wait for
    assert (first["state"], first["place"], first["queue"], first["job_id"]) == ("waiting", 1, "default", None)
    assert first["run_id"] == "examples-sync@2026-11-30T01:00:00Z"
    assert first["why"] == "waits for the run of 09:00, job 00000009"
    assert (second["place"], second["why"]) == (2, "1 run of this job before it")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"active": {**request("2026-11-30T01:00:00Z"), "lease_until": NOW.timestamp() + 9}}, "is being submitted"),
        ({"active": {**request("2026-11-30T01:00:00Z"), "lease_until": NOW.timestamp() - 9}}, "was interrupted"),
        ({"waiting": [request("2026-11-30T01:00:00Z")]}, "waits for a job that no schedule started"),
        (
            {
                "waiting": [request("2026-11-30T01:00:00Z", pause_on_failure=True)],
                "paused": {"since": "2026-11-30T00:30:00Z", "reason": "job 1 failed", "job_id": "1"},
            },
            "the job is paused since 2026-11-30T00:30:00Z: job 1 failed",
        ),
        (
            {  # a job that no longer says pause_on_failure starts its runs
                "waiting": [request("2026-11-30T01:00:00Z")],
                "paused": {"since": "2026-11-30T00:30:00Z", "reason": "job 1 failed", "job_id": "1"},
            },
            "waits for a job that no schedule started",
        ),
    ],
)
def test_a_run_without_a_job_says_what_keeps_it(
    aws: FakeAws, state: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.states["examples-sync"] = state
    (row,) = rows(capsys)
    assert why in row["why"]


def test_of_one_job_only_its_own_are_shown(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(1, SHARED)
    aws.add(2, "examples-report")
    aws.states["examples-sync"] = {"waiting": [request("2026-11-30T01:00:00Z")]}
    assert [row["job"] for row in rows(capsys, "report")] == ["examples-report"]
    assert [row["job"] for row in rows(capsys, "examples/sync")] == ["examples-sync"]
    assert main(["ps", "rep0rt"]) == 3


def test_nothing_is_said_on_stderr(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    del aws
    assert main(["ps"]) == 0
    assert tuple(capsys.readouterr()) == ("", "Nothing runs or waits.\n")


def test_who_may_not_see_the_snapshot_learns_the_rest(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.add(1, SHARED, "RUNNABLE")
    aws.refusals["batch.GetJobQueueSnapshot"] = Refusal("AccessDeniedException", "not you", 403)
    assert main(["ps", "-o", "name"]) == 0
    output = capsys.readouterr()
    assert output.out == f"{job_id(1)}\n"
    assert output.err == "batchtab: queue default: the places are not known: GetJobQueueSnapshot: not you\n"


def test_a_terminal_of_80_columns_is_enough(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job with a long reason, on a terminal
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    aws.add(1, "examples-nightly", "RUNNABLE", statusReason=TOO_BIG, createdAt=ago(100_000))
    aws.add(2, SHARED, createdAt=ago(9_000_000), startedAt=ago(8_000_000))
    aws.fronts = {"default": [job_id(1)]}
    assert main(["ps"]) == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
    # THEN nothing is wider, and no name is cut
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(f"{SHARED}  00000002  RUNNING")
    assert TOO_BIG in " ".join(line.strip() for line in lines[3:])


def test_a_thousand_jobs_take_a_bounded_number_of_calls(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN 20,000 jobs that have ended, and 900 that wait, more than are looked at, the oldest in front
    for number in range(1, 901):
        aws.add(number, SHARED if number % 2 else "examples-report", "RUNNABLE")
    for number in range(1000, 21_000):
        aws.add(number, SHARED, "SUCCEEDED")
    aws.fronts = {"default": [job_id(number) for number in range(1, 101)]}
    monkeypatch.setattr(active_jobs, "MOST", 500)
    assert main(["ps", "-o", "json"]) == 0
    output = capsys.readouterr()
    found = json.loads(output.out)
    # THEN the front is among what is shown, and it is said that more are there
    assert [row["place"] for row in found[:100]] == list(range(1, 101))
    assert len(found) == 600
    assert output.err == "batchtab: queue default: more than 500 jobs of a status; not all are shown\n"
    # AND the calls are: 5 for each queue and one for 100 more jobs, one for 100 to describe, and four
    assert dict(aws.called) == {
        "batch.ListJobs": 10 + 5,
        "batch.GetJobQueueSnapshot": 1,
        "batch.DescribeJobs": 6,
        "batch.DescribeJobQueues": 1,
        "batch.DescribeComputeEnvironments": 1,
        "dynamodb.BatchGetItem": 1,
    }


def test_watch_shows_it_again_until_ctrl_c(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a job that has ended when it is looked at again, an array of which children run, and Ctrl-C then
    aws.add(1, SHARED, startedAt=ago(5))
    aws.add(2, "my-service-do-often", "PENDING", arrayProperties={"size": 2, "statusSummary": {"RUNNING": 2}})
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        aws.jobs[job_id(1)]["status"] = "SUCCEEDED"
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ps, "time", SimpleNamespace(sleep=sleep))
    assert main(["ps", "--watch"]) == 130
    output = capsys.readouterr()
    # THEN a pipe gets the lines anew each time, without a control character, and nobody stopped the job
    heads = [line.partition("  ")[2] for line in output.out.splitlines() if "waiting" in line]
    assert heads == ["2 running, 0 waiting", "1 running, 0 waiting"]
    assert "\x1b" not in output.out
    assert slept == [2.0, 2.0]
    assert not [name for name in aws.called if "Terminate" in name or "Cancel" in name]


def test_on_a_terminal_it_is_drawn_in_place_and_never_longer_than_that(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN more jobs than a terminal has lines
    for number in range(1, 31):
        aws.add(number, SHARED)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "20")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ps, "time", SimpleNamespace(sleep=sleep))
    assert main(["ps", "-w"]) == 130
    out = capsys.readouterr().out
    assert out.startswith("\x1b[2J\x1b[H")
    assert len(out.splitlines()) <= 20
    assert out.splitlines()[-1] == "… and 14 more"
    # AND a terminal that cannot do that gets lines
    monkeypatch.setenv("TERM", "dumb")
    assert main(["ps", "-w"]) == 130
    assert "\x1b[2J" not in capsys.readouterr().out


def test_explain_prints_what_the_aws_cli_would_be_asked(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ps", "--explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[4].endswith("--job-queue batchtab-local-default --job-status RUNNING")
    assert lines[5].startswith("aws batch get-job-queue-snapshot --region ap-northeast-2")
    assert not aws.called
