"""The whole story of `batchtab up` with a container engine: it builds the runner image, and runs the jobs in it.

The stage is deployed already; what `up` deploys has nothing to do with engines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed
from tests.image import podman as podmans
from tests.image.podman import Podman, temporary_podman
from tests.image.store import missing, temporary_store
from tests.projects import PROJECT

from batchtab.runner_image.context import base

_MISSING = missing() or podmans.missing()
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.skipif(_MISSING is not None, reason=_MISSING or "")]
QUEUE = "batchtab-local-default"
SECONDS = 120


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """A Podman whose base image was made without a registry."""
    with temporary_podman():  # skips where it runs no container
        pass
    with temporary_store() as store:
        found = base((PROJECT / "jobs" / "Dockerfile").read_text())
        assert found is not None
        store.make_base(f"{found[0]}:{found[1].partition('@')[0]}")
        podman = Podman(store.folder)
        try:
            yield podman
        finally:
            podman.close()


@pytest.fixture(scope="module")
def checkout(podman: Podman, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Checkout]:
    """The project, in which `up` has run on a machine with an engine, and what it said."""
    deployed = Deployed.get(tmp_path_factory, worker_id)
    root, local = tmp_path_factory.mktemp("containers") / "project", {"container_engine": "podman"}
    with deployed.restored(root, variables=podman.environment, local=local) as checkout:
        file = root / "jobs" / "Dockerfile"
        file.write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", file.read_text()))  # which only the real base has
        done = checkout.run("up", env=podman.environment)
        assert done.returncode == 0, done.stderr + done.stdout
        (root / "said").write_text(done.stderr)
        yield checkout
    assert podman.containers() == []


def test_up_builds_the_image_and_runs_the_example_jobs_in_it(checkout: Checkout) -> None:
    # GIVEN what the first `up` said
    said = (checkout.root / "said").read_text()
    # THEN it has said which engine runs jobs, and that it has built the image
    assert re.search(r"Jobs run as containers of podman \d\S+ where it has their image", said), said
    assert "Runner image: built with podman; its jobs run as containers" in said
    # AND the example jobs did in containers what they do as processes
    assert "Job examples-hello: SUCCEEDED, exit code 0" in said
    assert "Job examples-fail: FAILED, exit code 3" in said
    assert "SUCCEEDED, SUCCEEDED, SUCCEEDED: each started at the end of the one before" in said
    assert "one ran; the other gave way to it and exited with 0" in said
    assert "Slack message: arrived" in said


def test_a_job_runs_as_the_images_user_with_its_definitions_root(checkout: Checkout) -> None:
    # WHEN a job prints who and where it is
    job = _run(
        checkout,
        "sh",
        "-c",
        "exec 2>&1; id -u; pwd; cat /proc/1/cmdline | tr '\\0' ' '; echo; touch /app/x || touch /opt/x",
    )
    # THEN it is what the image says, under the runner as process 1
    said = _log(checkout, job)
    # The runner's own lines are on the other stream: they may come before or after.
    user, folder, first = [line for line in said if not line.startswith(("{", "touch: "))]
    assert (user, folder) == ("10001", "/app"), said
    assert first.startswith("/usr/local/bin/python -IS /opt/batchtab/runner/entrypoint.py"), said
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 1)


def test_a_job_that_needs_more_memory_than_it_has_ends_as_on_batch(checkout: Checkout) -> None:
    program = "x = [bytearray(2**20) for _ in range(1000)]"
    job = _run(checkout, "python", "-c", program, memory="64")
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_second_up_builds_nothing(checkout: Checkout, podman: Podman) -> None:
    done = checkout.run("up", env=podman.environment)
    assert done.returncode == 0, done.stderr
    assert "Runner image: podman has it, of these files; its jobs run as containers" in done.stderr
    assert "nothing has changed since the last" in done.stderr


def _run(checkout: Checkout, *command: str, memory: str = "512") -> dict[str, Any]:
    batch = checkout.client("batch")
    overrides = {"command": list(command), "resourceRequirements": [{"type": "MEMORY", "value": memory}]}
    definition = "batchtab-local-examples-hello"
    job_id = batch.submit_job(jobName="asked", jobQueue=QUEUE, jobDefinition=definition, containerOverrides=overrides)[
        "jobId"
    ]
    deadline = time.monotonic() + SECONDS
    while True:
        job: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


def _log(checkout: Checkout, job: dict[str, Any]) -> list[str]:
    group = job["container"]["logConfiguration"]["options"]["awslogs-group"]
    events = checkout.client("logs").get_log_events(
        logGroupName=group, logStreamName=job["container"]["logStreamName"], startFromHead=True
    )
    return [event["message"] for event in events["events"]]
