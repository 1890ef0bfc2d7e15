from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.projects import PROJECT

from batchtab.declarations.service import load_services

JOBS = {name: job for s in load_services(PROJECT / "jobs") if s.service == "examples" for name, job in s.jobs.items()}


def run(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a job as its declaration says, with this interpreter for `python`."""
    program, *arguments = JOBS[name].command
    assert program == "python"
    return subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("name", "status"), [("hello", 0), ("fail", 3), ("tick", 0)])
def test_an_example_ends_as_it_promises(name: str, status: int) -> None:
    assert run(name).returncode == status


def test_hello_shows_what_batch_tells_it() -> None:
    output = run("hello", AWS_BATCH_JOB_ID="1234", AWS_BATCH_JQ_NAME="default").stdout

    assert output.splitlines() == ["Hello, world!", "AWS_BATCH_JOB_ID=1234", "AWS_BATCH_JQ_NAME=default", "Done."]


def test_fail_says_why_on_stderr() -> None:
    assert run("fail").stderr.startswith("error: ")


def test_tick_says_the_time() -> None:
    assert re.fullmatch(r"tick \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", run("tick").stdout)


def test_the_steps_come_one_after_another_and_nightly_stays_alone() -> None:
    assert {name: job.after for name, job in JOBS.items() if job.after} == {
        "transform": ("extract",),
        "load": ("transform",),
    }
    assert [name for name, job in JOBS.items() if job.concurrency_policy == "forbid"] == ["nightly"]


def test_a_step_names_the_job_before_it() -> None:
    assert run("transform", BATCHTAB_UPSTREAM_JOB_ID="1234").stdout.splitlines() == [
        "transform: begins after job 1234",
        "transform: done",
    ]


@pytest.mark.slow
def test_a_step_names_the_time_for_which_it_runs() -> None:
    assert run("sync", BATCHTAB_SCHEDULED_TIME="2026-11-24T06:00:00Z").stdout.splitlines() == [
        "sync: begins for 2026-11-24T06:00:00Z",
        "sync: done",
    ]


def test_only_tick_is_due_often_and_all_use_the_shared_runner_image() -> None:
    assert {name: job.schedule for name, job in JOBS.items() if job.schedule} == {
        "tick": "rate(1 minute)",
        "report": "0 9 * * 1-5",
        "sync": "0 */6 * * *",
    }
    assert all(job.image is None for job in JOBS.values())
