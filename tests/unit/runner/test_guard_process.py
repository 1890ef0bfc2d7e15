"""The guard in a whole run: real processes, the real botocore, a small server that knows ListJobs."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner.harness import end_line, environment, lines, run, start
from tests.unit.runner.list_jobs_server import ListJobsServer, job_environment, serve

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def batch() -> Iterator[ListJobsServer]:
    with serve() as server:
        yield server


def _env(batch: ListJobsServer, job_id: str = "me", **more: str) -> dict[str, str]:
    return environment(**(job_environment(batch.endpoint, job_id) | more))


def test_it_runs_when_no_other_is_there(batch: ListJobsServer) -> None:
    # GIVEN this job, and one that finished
    batch.add("old", created_at=1, status="SUCCEEDED")
    batch.add("me", created_at=2)
    # WHEN it starts
    result = run("echo", "ran", env=_env(batch))
    # THEN its command runs, after one call for its own queue
    assert (result.returncode, result.stdout) == (0, b"ran\n")
    assert (batch.calls, batch.queues) == (1, {"default"})
    assert end_line(result.stderr)["skipped"] is False


def test_it_gives_way_and_names_the_job(batch: ListJobsServer) -> None:
    # GIVEN an earlier run
    batch.add("first", created_at=1)
    batch.add("me", created_at=2)
    # WHEN this one starts
    result = run("echo", "ran", env=_env(batch))
    # THEN it is no failure, nothing ran, and the line names the other
    assert (result.returncode, result.stdout) == (0, b"")
    line = end_line(result.stderr)
    assert (line["skipped"], line["gave_way_to"], line["exit_code"]) == (True, "first", 0)
    assert "gave way to job first (RUNNING)" in line["reason"]


def test_the_exit_code_of_giving_way_can_be_chosen(batch: ListJobsServer) -> None:
    # GIVEN an earlier run, and a job that wants to see it in its exit code
    batch.add("first", created_at=1)
    batch.add("me", created_at=2)
    # WHEN this one starts
    result = run("echo", "ran", env=_env(batch, BATCHTAB_SKIP_EXIT_CODE="42"))
    # THEN it does
    assert (result.returncode, result.stdout) == (42, b"")


def test_the_running_one_is_found_behind_5000_finished(batch: ListJobsServer) -> None:
    # GIVEN a long run, and 5,000 that finished after it
    batch.add("long", created_at=1)
    for number in range(5000):
        batch.add(f"done-{number}", created_at=10 + number, status="SUCCEEDED")
    batch.add("me", created_at=9999)
    # WHEN the next one starts
    result = run("echo", "ran", env=_env(batch))
    # THEN all 51 pages are read, and it gives way
    assert end_line(result.stderr)["gave_way_to"] == "long"
    assert batch.calls == 51


def test_a_busy_batch_is_asked_again(batch: ListJobsServer) -> None:
    # GIVEN a Batch that throttles, and has an error of its own
    batch.add("me", created_at=2)
    batch.refuse = [(429, "TooManyRequestsException"), (500, "ServerException"), (400, "ThrottlingException")]
    # WHEN this one starts
    result = run("echo", "ran", env=_env(batch))
    # THEN it waits, and runs
    assert result.stdout == b"ran\n"
    assert batch.calls == 4


def test_a_check_without_permission_refuses_the_run(batch: ListJobsServer) -> None:
    # GIVEN a role without batch:ListJobs
    batch.refuse = [(403, "AccessDeniedException")] * 9
    # WHEN the job starts
    result = run("echo", "ran", env=_env(batch))
    # THEN it is refused, with one line that says why
    assert (result.returncode, result.stdout) == (75, b"")
    line = end_line(result.stderr)
    assert "AccessDeniedException" in line["reason"]
    assert line["skipped"] is False
    assert len(result.stderr.splitlines()) == 2


def test_a_check_that_fails_can_let_the_run_go_on(batch: ListJobsServer) -> None:
    # GIVEN a job that would rather run twice than not at all
    batch.refuse = [(403, "AccessDeniedException")] * 9
    # WHEN the check fails
    result = run("echo", "ran", env=_env(batch, BATCHTAB_ON_CHECK_ERROR="run"))
    # THEN it runs, and a warning says so
    assert (result.returncode, result.stdout) == (0, b"ran\n")
    assert [line["batchtab"] for line in lines(result.stderr)] == ["start", "warning", "end"]


@pytest.mark.parametrize("delay_seconds", [0.0, 120.0])
def test_the_check_ends_in_its_time(batch: ListJobsServer, delay_seconds: float) -> None:
    # GIVEN a Batch that throttles for ever, or does not answer
    batch.refuse = [(429, "TooManyRequestsException")] * 999
    batch.delay_seconds = delay_seconds
    # WHEN the job starts
    started = time.monotonic()
    process = start("echo", "ran", env=_env(batch, BATCHTAB_CHECK_TIMEOUT_SECONDS="2"))
    stdout, stderr = process.communicate(timeout=100)
    # THEN it is refused when the time is over
    assert (process.returncode, stdout) == (75, b"")
    assert time.monotonic() - started < 100
    assert ("no answer in 2 s" if delay_seconds else "2 s") in end_line(stderr)["reason"]


def test_no_batch_at_all_refuses_the_run() -> None:
    # GIVEN an address where nobody listens
    env = environment(**job_environment("http://127.0.0.1:9", "me"), BATCHTAB_CHECK_TIMEOUT_SECONDS="1")
    # WHEN the job starts
    result = run("echo", "ran", env=env)
    # THEN it is refused
    assert result.returncode == 75
    assert "could not check" in end_line(result.stderr)["reason"]


def test_outside_batch_there_is_nothing_to_check() -> None:
    # GIVEN a developer who runs the image with the job's own variables
    env = environment(BATCHTAB_CONCURRENCY_POLICY="forbid", BATCHTAB_JOB_NAME="nightly")
    # WHEN it starts without Batch
    result = run("echo", "ran", env=env)
    # THEN it runs, and says that it did not check
    assert result.stdout == b"ran\n"
    assert [line["batchtab"] for line in lines(result.stderr)] == ["start", "warning", "end"]


def test_a_stop_during_the_check_ends_the_run_before_it_began(batch: ListJobsServer) -> None:
    # GIVEN a check that takes long
    batch.add("me", created_at=2)
    batch.delay_seconds = 120
    process = start("echo", "ran", env=_env(batch))
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(0.3)
    # WHEN the job is stopped
    stopped = time.monotonic()
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=100)
    # THEN it ends at once, and the command never ran
    assert (process.returncode, stdout) == (143, b"")
    assert time.monotonic() - stopped < 50  # the check itself may take a minute
    assert "before the command was started" in end_line(stderr)["reason"]


def test_the_guards_memory_is_gone_while_the_command_runs(batch: ListJobsServer) -> None:
    # GIVEN a job that checks with boto3
    batch.add("me", created_at=2)
    # WHEN its command looks at the runner's size
    result = run("sh", "-c", "grep VmRSS /proc/$PPID/status", env=_env(batch))
    # THEN boto3 is not in it
    assert int(result.stdout.split()[1]) < 20_000


def test_the_region_comes_from_the_containers_metadata_where_no_variable_has_it(batch: ListJobsServer) -> None:
    # GIVEN a job on EC2 capacity, where nobody sets a region
    batch.add("me", created_at=2)
    env = _env(batch, ECS_CONTAINER_METADATA_URI_V4=f"{batch.endpoint}/v4/id")
    del env["AWS_REGION"]
    # WHEN it starts
    result = run("echo", "ran", env=env)
    # THEN it asks the Batch of its own region
    assert result.stdout == b"ran\n", result.stderr
    assert batch.regions == {"ap-northeast-2"}


def test_without_any_region_the_run_is_refused_and_told_why(batch: ListJobsServer) -> None:
    # GIVEN a container that says nothing of its region
    env = _env(batch)
    del env["AWS_REGION"]
    # WHEN the job starts
    result = run("echo", "ran", env=env)
    # THEN it is refused, with the reason
    assert (result.returncode, result.stdout) == (75, b"")
    assert "region" in end_line(result.stderr)["reason"]
