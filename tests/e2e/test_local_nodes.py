"""Multi-node jobs on local AWS: what each node sees, who ends whom, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import Batch, LocalAws, refusal, running, sizes, unique, wait_until

pytestmark = pytest.mark.e2e

# A main node that goes on until a test has seen of the others what it waits for, for each attempt anew.
UNTIL_RELEASED = (
    "import os,time\nwhile not os.path.exists('{}' + os.environ['AWS_BATCH_JOB_ATTEMPT']): time.sleep(0.02)"
)
FOREVER = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.05)"


def node(target: str, code: str, **more: Any) -> dict[str, Any]:
    properties = {
        "image": "worker",
        "command": ["python", "-c", code],
        "resourceRequirements": sizes(memory="32"),
        **more,
    }
    return {"targetNodes": target, "container": properties}


def define(batch: Batch, *ranges: dict[str, Any], number: int = 2, main: int = 0, **more: Any) -> str:
    name = unique("definition")
    properties = {"numNodes": number, "mainNode": main, "nodeRangeProperties": list(ranges)}
    batch.api.register_job_definition(jobDefinitionName=name, type="multinode", nodeProperties=properties, **more)
    return name


def nodes(batch: Batch, job_id: str, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = batch.api.describe_jobs(jobs=[f"{job_id}#{index}" for index in range(number)])["jobs"]
    return found


def states(batch: Batch, job_id: str, number: int) -> list[str]:
    return [each["status"] for each in nodes(batch, job_id, number)]


def test_each_node_sees_its_place_and_the_main_one_decides(batch: Batch, tmp_path: Path) -> None:
    # GIVEN three nodes that print what Batch gives them, the second being the main one, which ends last
    code = "import json,os; print(json.dumps({k: v for k, v in os.environ.items() if 'NODE' in k}), flush=True)"
    main_code = f"{code}\n{UNTIL_RELEASED.format(tmp_path / 'attempt-')}"
    ranges = [node("0:", "import sys; sys.exit(7)"), node("1:1", main_code), node("2:", code)]
    name = define(batch, *ranges, number=3, main=1)
    # WHEN the job runs
    job_id = batch.submit(name)
    wait_until(lambda: states(batch, job_id, 3) == ["FAILED", "RUNNING", "SUCCEEDED"], "the others to end")
    (tmp_path / "attempt-1").touch()
    job = batch.wait(job_id)
    # THEN its end is the main node's, whatever another one's is
    first, main, last = nodes(batch, job["jobId"], 3)
    assert (job["status"], job["statusReason"]) == ("SUCCEEDED", "Essential container in task exited")
    assert job["attempts"][0]["container"]["exitCode"] == 0
    assert (first["status"], first["container"]["exitCode"]) == ("FAILED", 7)
    assert [each["nodeDetails"] for each in (first, main)] == [
        {"nodeIndex": 0, "isMainNode": False},
        {"nodeIndex": 1, "isMainNode": True},
    ]
    common = {"AWS_BATCH_JOB_NUM_NODES": "3", "AWS_BATCH_JOB_MAIN_NODE_INDEX": "1"}
    assert json.loads(batch.output(main)[0]) == {**common, "AWS_BATCH_JOB_NODE_INDEX": "1"}
    assert json.loads(batch.output(last)[0]) == {
        **common,
        "AWS_BATCH_JOB_NODE_INDEX": "2",
        "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.1",
    }
    # AND it is listed once, with its nodes below it
    filters = [{"name": "JOB_DEFINITION", "values": [name]}]
    [listed] = batch.api.list_jobs(jobQueue=batch.queue, filters=filters)["jobSummaryList"]
    assert (listed["jobId"], listed["nodeProperties"]) == (job["jobId"], {"numNodes": 3})
    below = batch.api.list_jobs(multiNodeJobId=job["jobId"], jobStatus="FAILED")["jobSummaryList"]
    assert [each["nodeProperties"] for each in below] == [{"isMainNode": False, "numNodes": 3, "nodeIndex": 0}]


def test_when_the_main_node_ends_the_others_are_stopped(batch: Batch, tmp_path: Path) -> None:
    main = node("0", UNTIL_RELEASED.format(tmp_path / "attempt-"))
    job_id = batch.submit(define(batch, main, node("1:", FOREVER), number=3))
    wait_until(lambda: states(batch, job_id, 3) == ["RUNNING"] * 3, "all nodes to run")
    (tmp_path / "attempt-1").touch()
    job = batch.wait(job_id)
    _, *others = nodes(batch, job["jobId"], 3)
    assert job["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in others] == [143, 143]
    assert {each["statusReason"] for each in others} == {"The main node of the job has ended"}


def test_a_main_node_that_fails_is_tried_again_with_all_nodes(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a job whose main node fails at the first attempt
    released = UNTIL_RELEASED.format(tmp_path / "attempt-")
    code = f"{released}\nraise SystemExit(0 if os.environ['AWS_BATCH_JOB_ATTEMPT'] == '2' else 1)"
    name = define(batch, node("0", code), node("1:", FOREVER), retryStrategy={"attempts": 3})
    # WHEN it runs
    job_id = batch.submit(name)
    for attempt in (1, 2):

        def all_run(attempt: int = attempt) -> bool:
            found = nodes(batch, job_id, 2)
            return all(each["status"] == "RUNNING" and len(each["attempts"]) == attempt - 1 for each in found)

        wait_until(all_run, "both nodes to run")
        (tmp_path / f"attempt-{attempt}").touch()
    job = batch.wait(job_id)
    # THEN all nodes have had two attempts
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 2)
    assert [len(each["attempts"]) for each in nodes(batch, job["jobId"], 2)] == [2, 2]


def test_terminating_a_node_ends_the_job(batch: Batch) -> None:
    job_id = batch.submit(define(batch, node("0:", FOREVER)))
    wait_until(lambda: states(batch, job_id, 2) == ["RUNNING"] * 2, "both nodes to run")
    batch.api.terminate_job(jobId=f"{job_id}#1", reason="enough")
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert states(batch, job_id, 2) == ["FAILED", "FAILED"]


def test_the_timeout_is_the_whole_jobs(batch: Batch, local: LocalAws) -> None:
    job_id = batch.submit(define(batch, node("0:", FOREVER), timeout={"attemptDurationSeconds": 60}))
    wait_until(lambda: states(batch, job_id, 2) == ["RUNNING"] * 2, "both nodes to run")
    local.post("clock", advance_seconds=61)
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")


def test_submission_changes_number_and_properties_of_nodes(batch: Batch, tmp_path: Path) -> None:
    code = f"import os\nprint(os.environ.get('A'), flush=True)\n{UNTIL_RELEASED.format(tmp_path / 'attempt-')}"
    name = define(batch, node("0:", code), number=2)
    overrides = [{"targetNodes": "0:", "containerOverrides": {"environment": [{"name": "A", "value": "x"}]}}]
    job_id = batch.submit(name, nodeOverrides={"numNodes": 3, "nodePropertyOverrides": overrides})
    wait_until(lambda: states(batch, job_id, 3) == ["RUNNING"] * 3, "all nodes to run")
    main, *_, last = nodes(batch, job_id, 3)
    wait_until(lambda: batch.output(main) == batch.output(last) == ["x"], "what they print")
    (tmp_path / "attempt-1").touch()
    assert batch.wait(job_id)["nodeProperties"]["numNodes"] == 3
    # AND what can't be is refused
    fixed = define(batch, node("0:1", code), number=2)
    request = {"jobName": "j", "jobQueue": batch.queue}
    assert "open at its end" in refusal(
        batch.api.submit_job, **request, jobDefinition=fixed, nodeOverrides={"numNodes": 3}
    )
    assert "array" in refusal(batch.api.submit_job, **request, jobDefinition=name, arrayProperties={"size": 2})


def test_a_snapshot_keeps_nodes_with_their_job(batch: Batch, tmp_path: Path) -> None:
    job = batch.wait(batch.submit(define(batch, node("0:", "print('ran')"))))
    file = batch.local.snapshot(tmp_path / "snapshot.json")
    with running(tmp_path, snapshot=file) as later:
        below = later.client("batch").list_jobs(multiNodeJobId=job["jobId"], jobStatus="SUCCEEDED")["jobSummaryList"]
        assert f"{job['jobId']}#0" in [each["jobId"] for each in below]
        listed = later.client("batch").list_jobs(jobQueue=batch.queue, jobStatus="SUCCEEDED")["jobSummaryList"]
        assert [each["jobId"] for each in listed] == [job["jobId"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"numNodes": 0}, "Number of nodes must be between 1 and 1000."),
        ({"mainNode": 2}, "Main node index is out of range"),
        ({"nodeRangeProperties": [node("0", "")]}, "no range has node 1"),
        ({"nodeRangeProperties": [node("0:2", "")]}, "not within the job's nodes"),
        ({"nodeRangeProperties": [node("a:b", "")]}, "only digits"),
        ({"nodeRangeProperties": [node("0:", "")] * 6}, "5"),
        ({"nodeRangeProperties": [{"targetNodes": "0:"}]}, "Must specify container for node range 0:"),
        ({"nodeRangeProperties": [{**node("0:", ""), "instanceTypes": ["m5.large"]}]}, "ecsProperties jobs"),
        ({"nodeRangeProperties": [node("0:", "", networkConfiguration={"assignPublicIp": "ENABLED"})]}, "EC2"),
    ],
)
def test_nodes_that_batch_refuses(batch: Batch, change: dict[str, Any], words: str) -> None:
    properties = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [node("0:", "")], **change}
    request = {"jobDefinitionName": unique("definition"), "type": "multinode", "nodeProperties": properties}
    assert words in refusal(batch.api.register_job_definition, **request)


def test_nodes_are_for_ec2_alone(batch: Batch) -> None:
    properties = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [node("0:", "")]}
    request = {"jobDefinitionName": unique("definition"), "type": "multinode", "nodeProperties": properties}
    assert "EC2" in refusal(batch.api.register_job_definition, **request, platformCapabilities=["FARGATE"])
