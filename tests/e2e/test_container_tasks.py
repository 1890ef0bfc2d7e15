"""Tasks of several containers, and file systems, on a Podman of its own. Skipped where that can't be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.local_helpers import Batch, make_batch, running, sizes, unique, wait_until
from tests.image.podman import TINY, Podman, missing, temporary_podman

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.skipif(missing() is not None, reason=missing() or "")]

SECONDS = 120.0
SYSTEM = "fs-0123456789abcdef0"


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with temporary_podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def batch(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    folder = tmp_path_factory.mktemp("tasks")
    with running(folder, container_engine="podman", variables=podman.environment) as local:
        yield make_batch(local)


@pytest.fixture(autouse=True)
def leaves_nothing(podman: Podman) -> Iterator[None]:
    """Whatever a test does, none of its containers is there afterwards, nor a volume."""
    yield
    wait_until(lambda: podman.containers() == [], "the containers to be removed", seconds=120)
    assert podman.call("volume", "ls", "--quiet").stdout == ""


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": TINY,
        "command": ["sh", "-c", script],
        "resourceRequirements": sizes(memory="32"),
        **more,
    }


def mount(volume: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"mountPoints": [{"sourceVolume": volume, "containerPath": path, "readOnly": read_only}]}


def test_containers_of_a_task_share_a_volume_and_end_together(batch: Batch) -> None:
    # GIVEN a container that writes for another user's, which waits for it, and a third that runs for ever
    waits = [{"containerName": "fetch", "condition": "SUCCESS"}]
    containers = [
        container("main", "cat /in/data; cat /proc/mounts", user="10001", dependsOn=waits, **mount("data", "/in")),
        container("fetch", "echo hello >/out/data", essential=False, **mount("data", "/out")),
        container("proxy", "trap 'echo asked; exit 0' TERM; while :; do sleep 0.1; done", essential=False),
    ]
    name = unique("definition")
    task = {"containers": containers, "volumes": [{"name": "data"}]}
    batch.api.register_job_definition(
        jobDefinitionName=name, type="container", ecsProperties={"taskProperties": [task]}
    )
    # WHEN the job runs
    job = batch.wait(batch.submit(name), seconds=SECONDS)
    # THEN what the one has written the other reads, and the third one ends with the essential one
    found = {each["name"]: each for each in job["ecsProperties"]["taskProperties"][0]["containers"]}
    assert (job["status"], {name: each["exitCode"] for name, each in found.items()}) == (
        "SUCCEEDED",
        {"main": 0, "fetch": 0, "proxy": 0},
    )
    logs = batch.local.client("logs")
    stream = found["main"]["logStreamName"]
    events = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)["events"]
    assert events[0]["message"] == "hello"
    # AND the volume is gone with the job
    path = next(line.split()[1] for line in (each["message"] for each in events) if " /in " in line)
    assert path == "/in"


def test_a_file_system_keeps_what_jobs_write(batch: Batch) -> None:
    # GIVEN a job that writes below a folder of a file system
    def run(script: str, *, root: str | None, read_only: bool = False) -> dict[str, Any]:
        configuration = {"fileSystemId": SYSTEM, **({"rootDirectory": root} if root else {})}
        properties = {
            "image": TINY,
            "resourceRequirements": sizes(memory="32"),
            "volumes": [{"name": "shared", "efsVolumeConfiguration": configuration}],
            **mount("shared", "/shared", read_only=read_only),
        }
        return batch.wait(batch.submit(batch.define("sh", "-c", script, properties=properties)), seconds=SECONDS)

    assert run("echo kept >/shared/file", root="/team")["status"] == "SUCCEEDED"
    # WHEN another one mounts the whole file system, read-only
    job = run("exec 2>&1; cat /shared/team/file; touch /shared/x", root=None, read_only=True)
    # THEN it is there, and nothing else can be written
    lines = batch.output(job)
    assert lines[0] == "kept"
    assert "Read-only file system" in lines[1]


def test_nodes_reach_the_main_one_by_its_address(batch: Batch) -> None:
    script = "echo $AWS_BATCH_JOB_NODE_INDEX $AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS; sleep 15"
    properties = {"image": TINY, "command": ["sh", "-c", script], "resourceRequirements": sizes(memory="32")}
    ranges = [{"targetNodes": "0:", "container": properties}]
    name = unique("definition")
    batch.api.register_job_definition(
        jobDefinitionName=name,
        type="multinode",
        nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges},
    )
    job = batch.wait(batch.submit(name), seconds=SECONDS)
    main, other = batch.api.describe_jobs(jobs=[f"{job['jobId']}#0", f"{job['jobId']}#1"])["jobs"]
    assert job["status"] == "SUCCEEDED"
    assert batch.output(main) == ["0"]
    assert batch.output(other) == ["1 127.0.0.1"]
