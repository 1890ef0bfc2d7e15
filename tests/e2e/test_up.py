"""What a newcomer gets from `make up`, on a deployment made by Terraform."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed
from tests.projects import PROJECT

from batchtab.declarations import catalog
from batchtab.terraform.local_record import PagesRecord

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def checkout(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The deployment; `batchtab down` removes it when all is done."""
    root = tmp_path_factory.mktemp("up")
    with deployed.restored(root) as checkout:
        yield checkout
        pid = checkout.local_pid()
        checkout.run("up")
        pages = PagesRecord.read(root / ".batchtab" / "web-local.json")
        assert pages is not None
        down = checkout.run("down")
        assert down.returncode == 0, down.stderr + down.stdout
        log = (root / ".batchtab" / "terraform.log").read_text(errors="replace")
        destroyed = [int(number) for number in re.findall(r"Destroy complete! Resources: (\d+) destroyed", log)]
        assert len(destroyed) == 4, destroyed
        assert sum(destroyed) > 40, destroyed
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert not pages.exists()
        assert {path.name for path in root.iterdir()} == {path.name for path in PROJECT.iterdir()} | {".batchtab"}


def test_the_failed_jobs_message_is_shown_as_in_the_original_system(deployed: Deployed) -> None:
    # GIVEN a stage that `up` deployed, with a job that it let fail
    # THEN the message's fields are printed, and its text begins as it always did
    shown = [line.strip(" │") for line in deployed.stdout.splitlines() if "│" in line]
    assert [line.split(None, 1) for line in shown[:5]] == [
        ["channel", "#cron-error"],
        ["username", "AWS Batch Job Failed Alert"],
        ["icon_emoji", ":cloud:"],
        ["color", "danger"],
        ["text", "examples-fail failed by Essential container in task exited"],
    ]


def test_the_table_names_every_job_with_its_next_run(checkout: Checkout, deployed: Deployed) -> None:
    # GIVEN the output of `up`
    rows = {line.split()[0]: line for line in deployed.stdout.splitlines() if line.startswith(("exam", "my-s"))}
    # THEN each job has a row
    services = catalog.load("local", checkout.root).services
    assert set(rows) == {f"{service.service}-{name}" for service in services for name in service.jobs}
    # AND the daily job runs next at 09:00 in Seoul
    assert rows["my-service-do-something"].count(" 09:00") == 1
    assert "SUCCEEDED" in rows["examples-hello"]
    assert "FAILED" in rows["examples-fail"]


def test_a_chain_runs_in_order_and_an_overlap_gives_way(checkout: Checkout, deployed: Deployed) -> None:
    # GIVEN the three steps and the two runs of one job that `up` started
    batch = checkout.client("batch")
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
    assert "one ran; the other gave way to it and exited with 0" in deployed.stderr


def test_a_rule_made_by_terraform_started_a_job_by_itself(checkout: Checkout) -> None:
    # GIVEN a job that nobody submits
    batch = checkout.client("batch")
    # WHEN two minutes have passed at most
    deadline = time.monotonic() + 120
    names: set[str] = set()
    while "examples-tick" not in names and time.monotonic() < deadline:
        runs = batch.list_jobs(jobQueue="batchtab-local-continuously", jobStatus="SUCCEEDED")["jobSummaryList"]
        names = {run["jobName"] for run in runs}
        time.sleep(0.5)
    # THEN it has run, under its own name
    assert "examples-tick" in names


def test_a_second_up_deploys_nothing(checkout: Checkout) -> None:
    # GIVEN a deployed stage WHEN `up` runs again
    done = checkout.run("up")
    # THEN it sees that nothing has changed, without a plan
    assert done.returncode == 0, done.stderr
    assert "nothing has changed since the last" in done.stderr
    assert "Deployment of" not in done.stderr


def test_the_page_that_up_names_shows_the_jobs_and_the_message(checkout: Checkout, deployed: Deployed) -> None:
    # GIVEN the address that `up` prints last but one
    done = checkout.run("up")
    *_, what, address, _ = done.stdout.splitlines()
    assert what == "Jobs, logs and what reached Slack, in a browser:"
    assert deployed.stdout.splitlines()[-3] == what
    # WHEN somebody opens it
    with_cookie = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with_cookie.open(address.strip(), timeout=120).close()

    def shown(path: str) -> str:
        with with_cookie.open(urljoin(address.strip(), path), timeout=300) as answer:
            return str(answer.read().decode())

    # THEN the jobs, the run that failed and the message about it are there
    jobs = shown("/")
    assert 'href="/jobs/examples-fail"' in jobs
    assert "FAILED" in jobs
    assert "examples-fail failed by Essential container in task exited" in shown("/slack")
    assert "Alerts that were not delivered</h2>\n<p>None.</p>" in shown("/alerts")
    assert 'href="/jobs/examples-hello"' in shown("/cost?since=1d")


def test_a_second_plan_of_every_stack_is_empty(checkout: Checkout) -> None:
    # WHEN all stacks are planned
    done = checkout.run("plan", "--all", "--fail-on-changes")
    # THEN nothing would change
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("No changes.") == 4, done.stdout


def test_state_lies_in_s3_and_no_lock_is_left(checkout: Checkout) -> None:
    # GIVEN the state bucket
    s3 = checkout.client("s3")
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="batchtab-local-state")["Contents"]}
    # THEN it holds for each stack a state and the record of what was applied, and nothing else
    stacks = ("network", "environment", "jobs-examples", "jobs-my-service")
    assert keys == {f"local/{stack}.{kind}" for stack in stacks for kind in ("tfstate", "applied.json")}
    # AND the bucket keeps versions
    assert s3.get_bucket_versioning(Bucket="batchtab-local-state")["Status"] == "Enabled"


def test_no_state_holds_a_path_of_this_machine(checkout: Checkout) -> None:
    s3 = checkout.client("s3")
    for stack in ("network", "environment", "jobs-examples", "jobs-my-service"):
        # GIVEN a stack's state
        state = s3.get_object(Bucket="batchtab-local-state", Key=f"local/{stack}.tfstate")["Body"].read().decode()
        # THEN no path of this machine is in it
        assert str(checkout.root) not in state
        assert json.loads(state)["resources"]


def test_a_state_that_somebody_holds_is_not_touched(checkout: Checkout, deployed: Deployed) -> None:
    # GIVEN a lock of another person
    s3 = checkout.client("s3")
    key = "local/network.tfstate.tflock"
    lock = {"ID": "1-2-3", "Operation": "OperationTypeApply", "Who": "ann@elsewhere", "Created": "2026-11-24T06:00:00Z"}
    s3.put_object(Bucket="batchtab-local-state", Key=key, Body=json.dumps(lock).encode())
    deployed = checkout.root / ".batchtab" / "deployed-local.json"
    record = deployed.read_text()
    deployed.unlink()
    # WHEN `up` would deploy
    done = checkout.run("up")
    # THEN it says who holds the state and which command clears it, and leaves it alone
    assert done.returncode == 2
    assert "ann@elsewhere" in done.stderr
    assert "batchtab unlock network --stage local" in done.stderr
    assert s3.head_object(Bucket="batchtab-local-state", Key=key)
    # AND that command clears it
    cleared = checkout.run("unlock", "network", "--yes")
    assert cleared.returncode == 0, cleared.stderr
    assert "network: unlocked" in cleared.stdout
    assert "Contents" not in s3.list_objects_v2(Bucket="batchtab-local-state", Prefix=key)
    deployed.write_text(record)  # for whichever test comes next


def test_bootstrap_twice_does_no_harm(checkout: Checkout) -> None:
    # GIVEN a bucket that is complete
    # WHEN bootstrap runs again
    done = checkout.run("bootstrap")
    # THEN it says of every part that it is there, and changes none
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[-1] for line in done.stdout.splitlines()[1:]] == ["there already"] + ["on already"] * 4


def test_synth_and_check_refuse_alike(checkout: Checkout) -> None:
    # GIVEN a job file with faults
    root = checkout.root
    path = root / "jobs" / "broken" / "jobs.yaml"
    path.parent.mkdir()
    path.write_text("service: broken\njobs:\n  a: {command: [x], timeout_seconds: 59, quue: default}\n")
    try:
        # WHEN it is checked, and synthesized
        checked = checkout.run("check", "--stage", "local")
        python = root / ".batchtab" / "bin" / "python"
        synthesized = subprocess.run(
            [python, "main.py"],
            cwd=root,
            env=checkout.environment,
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
