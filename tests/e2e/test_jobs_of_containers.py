"""A job with a container beside its own, under a policy, from its file to its history: deployed, run, queued, told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PREFIX = "batchtab-local"
QUEUE = f"{PREFIX}-default"
NAME = "pairs-report"
JOBS = """
service: pairs
image: {repository: my-service, tag: local}
jobs:
  report:
    command: [sh, -c, "until [ -e GATE ]; do sleep 0.2; done; echo for $BATCHTAB_SCHEDULED_TIME"]
    schedule: 0 3 1 1 *
    concurrency_policy: queue
    memory_mib: 64
    main_depends_on: {proxy: START}
    containers:
      proxy:
        command: [sh, -c, "echo up; while true; do sleep 0.2; done"]
        vcpus: 1
        memory_mib: 32
"""


@pytest.fixture(scope="module")
def checkout(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with deployed.restored(tmp_path_factory.mktemp("containers"), applies=True) as checkout:
        yield checkout


def jobs(checkout: Checkout) -> list[dict[str, Any]]:
    """All runs, in the order of their submission."""
    batch = checkout.client("batch")
    listed = batch.list_jobs(jobQueue=QUEUE, filters=[{"name": "JOB_NAME", "values": [NAME]}])["jobSummaryList"]
    ids = [job["jobId"] for job in sorted(listed, key=lambda job: job["createdAt"])]
    found: list[dict[str, Any]] = batch.describe_jobs(jobs=ids)["jobs"] if ids else []
    return sorted(found, key=lambda job: job["createdAt"])


def ask(checkout: Checkout, minute: int) -> dict[str, Any]:
    """Asks the function for a run, as the job's rule does."""
    [target] = checkout.client("events").list_targets_by_rule(Rule=f"{PREFIX}-{NAME}")["Targets"]
    text = target["InputTransformer"]["InputTemplate"].replace("<time>", f"2028-01-10T00:{minute:02}:00Z")
    answer = checkout.client("lambda").invoke(FunctionName=f"{PREFIX}-submit-run", Payload=text.encode())
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    return said


def test_runs_of_a_job_of_several_containers_wait_for_each_other(checkout: Checkout) -> None:
    # GIVEN such a job, deployed from its file
    gate = checkout.root / "gate"
    (checkout.root / "jobs" / "pairs").mkdir()
    (checkout.root / "jobs" / "pairs" / "jobs.yaml").write_text(JOBS.replace("GATE", str(gate)))
    done = checkout.run("up")
    assert done.returncode == 0, done.stderr + done.stdout
    plan = checkout.run("plan", "--all", "--fail-on-changes")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    # WHEN two runs are due, the second before the first has ended
    assert ask(checkout, 0)["outcome"] == "submitted"
    assert ask(checkout, 1)["outcome"] == "waiting"
    gate.touch()
    deadline = time.monotonic() + 240
    while [job["status"] for job in jobs(checkout)] != ["SUCCEEDED", "SUCCEEDED"]:
        assert time.monotonic() < deadline, jobs(checkout)
        time.sleep(0.5)
    # THEN the second has started after the end of the first, whose other container would have gone on for ever
    first, second = jobs(checkout)
    assert second["createdAt"] >= first["stoppedAt"]
    # AND each had its own time, in its own container alone
    for minute, job in enumerate((first, second)):
        containers = {each["name"]: each for each in job["ecsProperties"]["taskProperties"][0]["containers"]}
        found = {name: {each["name"]: each["value"] for each in c["environment"]} for name, c in containers.items()}
        assert found["main"]["BATCHTAB_SCHEDULED_TIME"] == f"2028-01-10T00:{minute:02}:00Z"
        assert found["proxy"] == {}
    # AND people see both runs
    told = checkout.run("history", NAME, "--json")
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("SUCCEEDED") == 2
    assert "2028-01-10T00:01:00Z" in told.stdout
