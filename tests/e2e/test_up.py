"""What a newcomer gets from `make up`, on a deployment made by Terraform."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import Any

import pytest
from tests.e2e.conftest import Deployment

from batchtab.declarations import catalog

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("deployment")]


def test_the_failed_jobs_message_is_shown_as_in_the_original_system(deployment: Deployment) -> None:
    # GIVEN a stage that `up` deployed, with a job that it let fail
    # THEN the message's fields are printed, and its text begins as it always did
    shown = [line.strip(" │") for line in deployment.up.stdout.splitlines() if "│" in line]
    assert [line.split(None, 1) for line in shown[:5]] == [
        ["channel", "#cron-error"],
        ["username", "AWS Batch Job Failed Alert"],
        ["icon_emoji", ":cloud:"],
        ["color", "danger"],
        ["text", "examples-fail failed by Essential container in task exited"],
    ]


def test_the_table_names_every_job_with_its_next_runs(deployment: Deployment) -> None:
    # GIVEN the output of `up`
    rows = {line.split()[0]: line for line in deployment.up.stdout.splitlines() if line.startswith(("exam", "my-s"))}
    # THEN each job has a row
    services = catalog.load("local", deployment.checkout.root).services
    assert set(rows) == {f"{service.service}-{name}" for service in services for name in service.jobs}
    # AND the daily job runs at 00:00 UTC, 09:00 in Seoul, three times
    assert rows["my-service-do-something"].count(" 00:00") == 3
    assert rows["my-service-do-something"].count(" 09:00") == 3
    assert "SUCCEEDED" in rows["examples-hello"]
    assert "FAILED" in rows["examples-fail"]


def test_a_chain_runs_in_order_and_an_overlap_gives_way(deployment: Deployment) -> None:
    # GIVEN the three steps and the two runs of one job that `up` started
    batch = deployment.checkout.client("batch")
    queue = "batchtab-local-default"

    def runs(name: str) -> list[dict[str, Any]]:
        filters = [{"name": "JOB_NAME", "values": [name]}]
        found = batch.list_jobs(jobQueue=queue, filters=filters)["jobSummaryList"]
        return list(batch.describe_jobs(jobs=[run["jobId"] for run in found])["jobs"])

    # THEN each step began when the one before had ended, and knows its id
    extract, transform, load = (runs(f"examples-{name}")[0] for name in ("extract", "transform", "load"))
    assert extract["stoppedAt"] <= transform["createdAt"] <= transform["stoppedAt"] <= load["createdAt"]
    for before, after in ((extract, transform), (transform, load)):
        variables = {pair["name"]: pair["value"] for pair in after["container"]["environment"]}
        assert variables["BATCHTAB_UPSTREAM_JOB_ID"] == before["jobId"]
    # AND one of the two runs gave way
    assert "one ran; the other gave way to it and exited with 0" in deployment.up.stderr


def test_a_rule_made_by_terraform_started_a_job_by_itself(deployment: Deployment) -> None:
    # GIVEN a job that nobody submits
    batch = deployment.checkout.client("batch")
    # WHEN two minutes have passed at most
    deadline = time.monotonic() + 120
    names: set[str] = set()
    while "examples-tick" not in names and time.monotonic() < deadline:
        runs = batch.list_jobs(jobQueue="batchtab-local-continuously", jobStatus="SUCCEEDED")["jobSummaryList"]
        names = {run["jobName"] for run in runs}
        time.sleep(0.5)
    # THEN it has run, under its own name
    assert "examples-tick" in names


def test_a_second_up_changes_nothing_and_takes_seconds(deployment: Deployment) -> None:
    # GIVEN a deployed stage
    began = time.monotonic()
    # WHEN `up` runs again
    done = deployment.checkout.run("up")
    # THEN nothing is deployed, and it is quick even on a busy machine
    assert done.returncode == 0, done.stderr
    assert "nothing has changed since the last" in done.stderr
    assert "Deployment of" not in done.stderr
    assert time.monotonic() - began < 30


@pytest.fixture
def by_hand(deployment: Deployment) -> dict[str, str]:
    """The variables that `batchtab env` prints, as a shell would take them."""
    printed = deployment.checkout.run("env").stdout
    script = f"{printed}\nenv -0"
    found = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env=deployment.checkout.environment
    ).stdout
    return dict(item.split("=", 1) for item in found.split("\0") if "=" in item)


def test_cdktf_deploys_a_stack_by_hand_and_changes_nothing(deployment: Deployment, by_hand: dict[str, str]) -> None:
    # GIVEN the variables that the README names
    # WHEN one stack is deployed by hand
    done = subprocess.run(
        ["cdktf", "deploy", "--skip-provider-lock", "--auto-approve", "environment"],
        cwd=deployment.checkout.root,
        env=by_hand,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # THEN Terraform finds nothing to change
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Resources: 0 added, 0 changed, 0 destroyed" in done.stdout


def test_a_second_plan_of_every_stack_is_empty(deployment: Deployment) -> None:
    # WHEN all stacks are planned
    done = deployment.checkout.run("plan", "--fail-on-changes")
    # THEN nothing would change
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("No changes.") == 4, done.stdout


def test_state_lies_in_s3_and_no_lock_is_left(deployment: Deployment) -> None:
    # GIVEN the state bucket
    s3 = deployment.checkout.client("s3")
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="batchtab-local-state")["Contents"]}
    # THEN it holds a state for each stack, and nothing else
    assert keys == {
        f"local/{stack}.tfstate" for stack in ("network", "environment", "jobs-examples", "jobs-my-service")
    }
    # AND the bucket keeps versions
    assert s3.get_bucket_versioning(Bucket="batchtab-local-state")["Status"] == "Enabled"


def test_no_state_holds_a_path_of_this_machine(deployment: Deployment) -> None:
    s3 = deployment.checkout.client("s3")
    for stack in ("network", "environment", "jobs-examples", "jobs-my-service"):
        # GIVEN a stack's state
        state = s3.get_object(Bucket="batchtab-local-state", Key=f"local/{stack}.tfstate")["Body"].read().decode()
        # THEN no path of this machine is in it
        assert str(deployment.checkout.root) not in state
        assert json.loads(state)["resources"]


def test_a_state_that_somebody_holds_is_not_touched(deployment: Deployment) -> None:
    # GIVEN a lock of another person
    s3 = deployment.checkout.client("s3")
    key = "local/network.tfstate.tflock"
    lock = {"ID": "1-2-3", "Operation": "OperationTypeApply", "Who": "ann@elsewhere", "Created": "2026-11-24T06:00:00Z"}
    s3.put_object(Bucket="batchtab-local-state", Key=key, Body=json.dumps(lock).encode())
    deployed = deployment.checkout.root / ".batchtab" / "deployed-local.json"
    record = deployed.read_text()
    deployed.unlink()
    # WHEN `up` would deploy
    done = deployment.checkout.run("up")
    # THEN it says who holds the state and which command clears it, and leaves it alone
    assert done.returncode == 2
    assert "ann@elsewhere" in done.stderr
    assert "batchtab unlock network --stage local" in done.stderr
    assert s3.head_object(Bucket="batchtab-local-state", Key=key)
    # AND that command clears it
    cleared = deployment.checkout.run("unlock", "network", "--yes")
    assert cleared.returncode == 0, cleared.stderr
    assert "network: unlocked" in cleared.stdout
    assert "Contents" not in s3.list_objects_v2(Bucket="batchtab-local-state", Prefix=key)
    deployed.write_text(record)  # for whichever test comes next


def test_bootstrap_twice_does_no_harm(deployment: Deployment) -> None:
    # GIVEN a bucket that is complete
    # WHEN bootstrap runs again
    done = deployment.checkout.run("bootstrap")
    # THEN it says of every part that it is there, and changes none
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[-1] for line in done.stdout.splitlines()[1:]] == ["there already"] + ["on already"] * 4


def test_synth_and_check_refuse_alike(deployment: Deployment) -> None:
    # GIVEN a job file with faults
    root = deployment.checkout.root
    path = root / "jobs" / "broken" / "jobs.yaml"
    path.parent.mkdir()
    path.write_text("service: broken\njobs:\n  a: {command: [x], timeout_seconds: 59, quue: default}\n")
    try:
        # WHEN it is checked, and synthesized
        checked = deployment.checkout.run("check", "--stage", "local")
        python = root / ".batchtab" / "bin" / "python"
        synthesized = subprocess.run(
            [python, "main.py"],
            cwd=root,
            env=deployment.checkout.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(path.parent)
    # THEN both exit with 2 and say the same lines
    assert (checked.returncode, synthesized.returncode) == (2, 2)
    assert len(checked.stderr.splitlines()) == 2
    relative = synthesized.stderr.replace(f"{root}/", "")
    assert relative == checked.stderr
