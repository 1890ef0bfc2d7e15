"""At most one job of a name runs: real runners as jobs of local AWS, which lists jobs as Batch does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import ROOT, Batch, LocalAws, make_batch, make_role, running, unique, wait_until
from tests.examples import rounds

pytestmark = pytest.mark.e2e

ROUNDS = rounds("GUARD_ROUNDS", 2, in_ci=20)
RUNNERS = 20
# Says that it runs and as which process's child, and runs until it is released.
HOLD = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / os.environ["AWS_BATCH_JOB_ID"]).write_text(str(os.getppid()))
while not (folder / "release").exists():
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with running(tmp_path_factory.mktemp("guard"), images={"guard": str(ROOT)}) as started:
        yield started


@pytest.fixture
def batch(local: LocalAws) -> Batch:
    return make_batch(local, vcpus=RUNNERS + 1)


class Job:
    """A job that holds until it is released, and gives way to another of its name."""

    def __init__(self, batch: Batch, folder: Path) -> None:
        self.batch = batch
        self.folder = folder
        self.name = unique("guarded")
        listing = make_role(batch.local, ("batch:ListJobs",), services=("ecs-tasks",))
        properties = {
            "image": "guard:latest",
            "jobRoleArn": listing,
            "environment": [
                {"name": "BATCHTAB_JOB_NAME", "value": self.name},
                {"name": "BATCHTAB_CONCURRENCY_POLICY", "value": "forbid"},
                {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            ],
        }
        runner = ("python", "-m", "batchtab.runner", "--")
        self._definition = batch.define(*runner, "python", "-c", HOLD, str(folder), properties=properties)

    def submit(self) -> str:
        return self.batch.submit(self._definition, jobName=self.name)

    def ran(self) -> set[str]:
        """The ids of the jobs whose command was started."""
        return {entry.name for entry in self.folder.iterdir()} - {"release"}

    def release(self) -> None:
        (self.folder / "release").touch()

    def hold_again(self) -> None:
        for entry in self.folder.iterdir():
            entry.unlink()

    def ended(self, job_ids: list[str]) -> list[dict[str, Any]]:
        found = self.batch.api.describe_jobs(jobs=job_ids)["jobs"]
        return [job for job in found if job["status"] in ("SUCCEEDED", "FAILED")]


def _at_once(count: int, call: Callable[[], str]) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]


@pytest.mark.slow
def test_of_20_that_start_together_exactly_one_runs_in_every_round(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a job that wants no overlap
    job = Job(batch, tmp_path)
    for number in range(ROUNDS):
        job.hold_again()
        # WHEN twenty of it are submitted at the same instant, and the one that runs goes on while the others check
        submitted = _at_once(RUNNERS, job.submit)
        wait_until(lambda ids=submitted: len(job.ended(ids)) >= RUNNERS - 1, "nineteen to give way", seconds=600)
        # THEN exactly one runs: the earliest, whose command may only just have started
        wait_until(lambda ids=submitted: job.ran() or len(job.ended(ids)) == RUNNERS, "one to run", seconds=120)
        ran = job.ran()
        assert len(ran) == 1, f"round {number}: {ran}"
        found = batch.api.describe_jobs(jobs=submitted)["jobs"]
        first = min(found, key=lambda entry: (entry["createdAt"], entry["jobId"]))
        assert ran == {first["jobId"]}, f"round {number}"
        # AND the others are no failures
        others = [entry for entry in found if entry["jobId"] not in ran]
        assert {(entry["status"], entry["container"]["exitCode"]) for entry in others} == {("SUCCEEDED", 0)}
        job.release()
        batch.wait(first["jobId"], "SUCCEEDED")


def test_the_others_name_the_job_they_gave_way_to(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a job that runs
    job = Job(batch, tmp_path)
    first = job.submit()
    wait_until(job.ran, "the first to run")
    # WHEN the next one starts
    second = batch.wait(job.submit(), "SUCCEEDED")
    # THEN its log says to whom it gave way
    assert any(first in line and '"skipped": true' in line for line in batch.output(second))
    assert job.ran() == {first}
    job.release()
    batch.wait(first, "SUCCEEDED")


def test_after_kill_9_of_the_one_that_runs_the_next_one_runs(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a job that runs, and one that gave way to it
    job = Job(batch, tmp_path)
    first = job.submit()
    wait_until(job.ran, "the first to run")
    batch.wait(job.submit(), "SUCCEEDED")
    assert job.ran() == {first}
    # WHEN the runner that runs is killed without a chance to clean up
    wait_until((tmp_path / first).read_text, "the runner's process id")
    os.kill(int((tmp_path / first).read_text()), signal.SIGKILL)
    assert batch.wait(first, "FAILED")["container"]["exitCode"] == 137
    # THEN nothing of it is left that could keep the next one out
    third = job.submit()
    wait_until(lambda: third in job.ran(), "the next one to run")
    job.release()
    batch.wait(third, "SUCCEEDED")


@pytest.mark.slow
def test_the_running_one_is_found_behind_5000_finished(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a job that runs
    job = Job(batch, tmp_path)
    first = job.submit()
    wait_until(job.ran, "the first to run")
    # AND 5,000 of its name that were submitted later and have ended: each waited for a job that was called off
    blocker = batch.submit(batch.define("import time; time.sleep(1700)"), jobName=unique("blocker"))
    waiting = batch.define("pass")

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        submitted = [
            pool.submit(batch.submit, waiting, jobName=job.name, dependsOn=[{"jobId": blocker}]) for _ in range(5000)
        ]
    for each in submitted:
        each.result()
    batch.api.terminate_job(jobId=blocker, reason="for a test")
    wait_until(lambda: _count(batch, job.name) == (1, 5000), "5,000 to have ended", seconds=1200)
    print(f"made 5,000 finished jobs in {time.monotonic() - started:.0f} s")
    # WHEN the next one starts
    second = batch.wait(job.submit(), "SUCCEEDED", seconds=200)
    # THEN it finds the running one on the last page
    assert any(first in line and '"skipped": true' in line for line in batch.output(second))
    assert job.ran() == {first}
    job.release()
    batch.wait(first, "SUCCEEDED")


def _count(batch: Batch, name: str) -> tuple[int, int]:
    """How many jobs of a name have not ended, and how many have."""
    pages = batch.api.get_paginator("list_jobs").paginate(
        jobQueue=batch.queue, filters=[{"name": "JOB_NAME", "values": [name]}]
    )
    statuses = [entry["status"] for page in pages for entry in page["jobSummaryList"]]
    ended = sum(status in ("SUCCEEDED", "FAILED") for status in statuses)
    return len(statuses) - ended, ended
