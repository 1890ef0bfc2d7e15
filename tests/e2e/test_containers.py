"""Jobs as containers for real: local AWS on a Podman of its own. Skipped, with what is missing, where that can't be."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import Batch, LocalAws, alive, make_batch, running, sizes, wait_until
from tests.image.podman import TINY, Podman, missing, temporary_podman

from batchtab.local_aws import guard

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.skipif(missing() is not None, reason=missing() or "")]

SECONDS = 120.0
FOREVER = "echo up; while :; do sleep 0.1; done"
TMP = {"tmpfs": [{"containerPath": "/tmp", "size": 8}]}
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with temporary_podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def local(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("containers")
    with running(folder, container_engine="podman", variables=podman.environment) as local:
        yield local


@pytest.fixture(scope="module")
def batch(local: LocalAws) -> Batch:
    return make_batch(local, vcpus=64)


@pytest.fixture(autouse=True)
def leaves_nothing(podman: Podman) -> Iterator[None]:
    """Whatever a test does, none of its containers is there afterwards, nor a volume."""
    yield
    wait_until(lambda: podman.containers() == [], "the containers to be removed", seconds=120)
    assert podman.call("volume", "ls", "--quiet").stdout == ""


def define(batch: Batch, script: str, memory: str = "64", **properties: Any) -> str:
    asked = {"image": TINY, "resourceRequirements": sizes(memory=memory), **properties}
    return batch.define("sh", "-c", script, properties=asked)


def run(batch: Batch, script: str, memory: str = "64", **properties: Any) -> dict[str, Any]:
    return batch.wait(batch.submit(define(batch, script, memory, **properties)), seconds=SECONDS)


def begin(batch: Batch, script: str = FOREVER, **more: Any) -> str:
    """Submit a job, and wait until it says that it is up."""
    job_id = batch.submit(define(batch, script), **more)
    job = batch.wait(job_id, "RUNNING", seconds=SECONDS)
    wait_until(lambda: "up" in batch.output(job), "the job to be up", seconds=SECONDS)
    return job_id


def test_it_says_which_engine_it_uses(local: LocalAws) -> None:
    said = local.get("containers")
    assert said["engine"]["name"] == "podman"
    assert said["said"].startswith(f"Jobs run as containers of podman {said['engine']['version']}")


@pytest.mark.parametrize("code", [0, 5, 255])
def test_exit_codes_come_through(batch: Batch, code: int) -> None:
    job = run(batch, f"exit {code}")
    assert job["status"] == ("FAILED" if code else "SUCCEEDED")
    assert job["container"]["exitCode"] == code
    assert job["statusReason"] == "Essential container in task exited"


def test_no_line_of_its_output_is_lost(batch: Batch) -> None:
    # GIVEN a job that writes five thousand lines to both streams, and ends right after the last; Podman reads each by
    # itself, so that only a pause puts what is on one before what is on the other
    job = run(batch, "seq 1 2500; sleep 5; seq 2501 5000 >&2; printf 'the last' >&2")
    # WHEN its log is read
    events: list[str] = []
    request = {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]}
    token: dict[str, str] = {}
    while True:
        page = batch.local.client("logs").get_log_events(**request, startFromHead=True, **token)
        events += [event["message"] for event in page["events"]]
        if not page["events"] or page["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": page["nextForwardToken"]}
    # THEN all are there, once and in order
    assert events == [*(str(number) for number in range(1, 5001)), "the last"]


def test_what_the_definition_asks_for_is_applied(batch: Batch, tmp_path: Path) -> None:
    # GIVEN a user, a read-only root with a writable /tmp, limits, shared memory and a folder of the machine
    tmp_path.chmod(0o755)
    (tmp_path / "greeting").write_text("hello\n")
    # One stream: touch writes a line in four pieces, between which Podman may put what is on the other.
    script = (
        "exec 2>&1; id; touch /x; touch /tmp/y && echo tmp; ulimit -n; cat /data/greeting; touch /data/z; touch"
        " /scratch/a && echo scratch; cat /proc/mounts; cat /proc/1/cmdline"
    )
    job = run(
        batch,
        script,
        user="10001:10002",
        readonlyRootFilesystem=True,
        linuxParameters={**TMP, "sharedMemorySize": 16, "initProcessEnabled": shutil.which("tini-static") is not None},
        ulimits=[{"name": name, "softLimit": 100, "hardLimit": 200} for name in ("nofile", "nproc")],
        volumes=[{"name": "data", "host": {"sourcePath": str(tmp_path)}}, {"name": "scratch"}],
        mountPoints=[
            {"sourceVolume": "data", "containerPath": "/data", "readOnly": True},
            {"sourceVolume": "scratch", "containerPath": "/scratch"},
        ],
    )
    said = batch.output(job)
    text = "\n".join(said)
    # THEN each has its effect
    assert said[0].startswith("uid=10001"), text
    assert "gid=10002" in said[0]
    assert "'/x': Read-only file system" in text
    assert {"tmp", "100", "hello"} <= set(said), text
    assert "'/data/z': Read-only file system" in text
    assert "/dev/shm" in text
    assert "size=16384k" in text
    [tmp] = [line for line in said if " /tmp tmpfs " in line]
    assert "size=8192k" in tmp
    if shutil.which("tini-static"):
        assert "init" in said[-1].partition("\0")[0]


def test_without_a_tmpfs_a_read_only_root_has_no_writable_tmp(batch: Batch) -> None:
    job = run(batch, "touch /tmp/y", readonlyRootFilesystem=True)
    assert job["status"] == "FAILED"
    assert "Read-only file system" in batch.output(job)[0]


def test_the_images_own_command_is_run_where_the_definition_has_none(batch: Batch) -> None:
    job = batch.wait(batch.submit(batch.define(properties={"image": TINY, "command": []})), seconds=SECONDS)
    assert batch.output(job) == ["the images own"]


def test_too_little_memory_is_137_with_batchs_reason(batch: Batch) -> None:
    job = run(batch, "x=a; while :; do x=$x$x; done", memory="16")
    assert (job["status"], job["container"]["exitCode"], job["container"]["reason"]) == ("FAILED", 137, OUT_OF_MEMORY)
    assert job["attempts"][0]["container"]["reason"] == OUT_OF_MEMORY


def test_a_program_that_is_not_in_the_image_is_told(batch: Batch) -> None:
    definition = batch.define("no-such-program", "x", properties={"image": TINY})
    job = batch.wait(batch.submit(definition), seconds=SECONDS)
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")
    assert "no-such-program" in job["container"]["reason"]


def test_a_timeout_stops_it_and_its_grace_is_thirty_seconds_of_the_clock(batch: Batch, local: LocalAws) -> None:
    # GIVEN a job with a timeout that does not mind SIGTERM
    job_id = begin(batch, f"trap 'echo asked' TERM; {FOREVER}", timeout={"attemptDurationSeconds": 60})
    # WHEN a minute and the grace have passed
    local.post("clock", speed=0)  # so that looking takes none of the grace
    try:
        local.post("clock", advance_seconds=61)
        wait_until(lambda: "asked" in batch.output(batch.job(job_id)), "SIGTERM to arrive", seconds=120)
        assert batch.job(job_id)["status"] == "RUNNING"
        local.post("clock", advance_seconds=31)
        job = batch.wait(job_id, seconds=SECONDS)
    finally:
        local.post("clock", speed=1)
    # THEN it was killed
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert "reason" not in job["container"]


def test_a_job_that_is_terminated_can_end_by_itself(batch: Batch) -> None:
    job_id = begin(batch, f"trap 'echo stopped; exit 7' TERM; {FOREVER}")
    batch.api.terminate_job(jobId=job_id, reason="enough")
    job = batch.wait(job_id, seconds=SECONDS)
    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("FAILED", "enough", 7)
    assert batch.output(job)[-1] == "stopped"


def test_variables_and_secrets_reach_it_and_no_command_line(batch: Batch, local: LocalAws) -> None:
    # GIVEN a secret, and variables: with line breaks, and with a name that means something to the engine's client
    secret = f"secret-{uuid.uuid4().hex}"  # no other test's process, of which the machine has many, shows it
    local.client("ssm").put_parameter(Name="/token", Value=f"{secret}-of-ssm", Type="SecureString")
    role = batch.role
    properties = {
        "environment": [
            {"name": "LINES", "value": "one\ntwo"},
            {"name": "DOCKER_HOST", "value": f"tcp://{secret}-in-a-file"},
            {"name": "PATH", "value": "/bin"},
        ],
        "secrets": [{"name": "TOKEN", "valueFrom": "/token"}],
        "executionRoleArn": role,
    }
    job_id = batch.submit(define(batch, f"env; trap 'exit 0' TERM; {FOREVER}", **properties))
    # WHEN the machine's processes are looked at until it is up
    seen: set[str] = set()
    deadline = time.monotonic() + SECONDS
    while "up" not in _output(batch, job_id):
        assert time.monotonic() < deadline
        for _ in range(20):  # the engine's client lives for a moment
            seen |= set(_command_lines())
    said = _output(batch, job_id)
    batch.api.terminate_job(jobId=job_id, reason="seen")
    batch.wait(job_id, seconds=SECONDS)
    # THEN the job has all of them, and finds local AWS
    own = {f"TOKEN={secret}-of-ssm", f"DOCKER_HOST=tcp://{secret}-in-a-file"}
    assert own | {"LINES=one", "two", "PATH=/bin"} <= set(said)
    assert f"AWS_ENDPOINT_URL={local.endpoint}" in said
    assert f"AWS_BATCH_JOB_ID={job_id}" in said
    # AND no command line has shown a value
    assert any("podman create" in line for line in seen)
    assert [line for line in seen if secret in line] == []


def test_twenty_at_once_all_end_well(batch: Batch, podman: Podman) -> None:
    # GIVEN twenty jobs that wait for each other's start
    definition = define(batch, "echo up; sleep 30; exit $AWS_BATCH_JOB_ARRAY_INDEX", memory="32")
    job_id = batch.submit(definition, arrayProperties={"size": 20})
    # WHEN all have ended
    most = 0
    deadline = time.monotonic() + 400
    while batch.job(job_id)["status"] not in ("SUCCEEDED", "FAILED"):
        assert time.monotonic() < deadline
        most = max(most, len(podman.containers())) if most <= 10 else most
        time.sleep(0.2)
    # THEN each has its own code and its own line
    for index in range(20):
        child = batch.job(f"{job_id}:{index}")
        assert child["container"]["exitCode"] == index
        assert batch.output(child) == ["up"]
    assert most > 10


def test_killing_local_aws_outright_leaves_no_container(podman: Podman, tmp_path: Path) -> None:
    # GIVEN local AWS with jobs in containers
    with running(tmp_path, container_engine="podman", variables=podman.environment) as local:
        batch = make_batch(local)
        for _ in range(2):
            begin(batch)
        batch.submit(define(batch, FOREVER))  # may be anywhere between created and running
        assert len(podman.containers()) >= 2
        # AND nothing of Podman's own among what the guard ends outright: another's containers may need it
        [folder, *_] = json.loads(podman.call("inspect", *podman.containers()).stdout)
        marked = guard.marked(folder["Config"]["Labels"]["batchtab.local-aws"])
        names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in marked if alive(pid)]
        assert [name for name in names if "podman" in name or "conmon" in name] == []
        # WHEN it is killed
        local.process.kill()
        local.process.wait(timeout=60)
        local.killed = True
        # THEN its guard removes all of them
        wait_until(lambda: podman.containers() == [], "the containers to be removed", seconds=120)


def test_stopping_local_aws_leaves_no_container(podman: Podman, tmp_path: Path) -> None:
    with running(tmp_path, container_engine="podman", variables=podman.environment) as local:
        begin(make_batch(local), f"trap '' TERM; {FOREVER}")
        assert local.stop() == 0
    wait_until(lambda: podman.containers() == [], "the containers to be removed", seconds=120)


def test_what_a_local_aws_left_that_died_with_its_guard_goes_at_the_next_start(podman: Podman, tmp_path: Path) -> None:
    # GIVEN a container of a local AWS that was killed together with its guard
    with running(tmp_path, container_engine="podman", variables=podman.environment) as local:
        begin(make_batch(local))
        pid = local.process.pid
        guard_pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        folder = json.loads(podman.call("inspect", *podman.containers()).stdout)[0]["Config"]["Labels"]
        for one in (guard_pid, pid):
            os.kill(one, 9)
        local.process.wait(timeout=60)
        local.killed = True
    assert len(podman.containers()) == 1
    # WHEN another is started
    with running(tmp_path / "next", container_engine="podman", variables=podman.environment):
        # THEN it has removed it
        wait_until(lambda: podman.containers() == [], "the leftover to be removed", seconds=120)
    shutil.rmtree(folder["batchtab.local-aws"])


@pytest.mark.skipif(shutil.which("docker") is None, reason="not installed: docker's client")
def test_dockers_client_does_as_well_where_its_own_exit_code_is_wrong(podman: Podman, tmp_path: Path) -> None:
    # GIVEN Docker's client on Podman's service: `docker run --rm` ends with 0 there, whatever the container did
    with (
        podman.service() as variables,
        running(tmp_path, container_engine="docker", variables=variables) as local,
    ):
        batch = make_batch(local)
        # WHEN a job fails, and another is stopped
        job = run(batch, "seq 1 100; seq 101 200 >&2; exit 5", user="10001", readonlyRootFilesystem=True)
        stopped = begin(batch, f"trap 'exit 7' TERM; {FOREVER}")
        batch.api.terminate_job(jobId=stopped, reason="enough")
        # THEN code and log are right
        assert job["container"]["exitCode"] == 5
        assert sorted(batch.output(job), key=int) == [str(number) for number in range(1, 201)]
        assert batch.wait(stopped, seconds=SECONDS)["container"]["exitCode"] == 7


def _output(batch: Batch, job_id: str) -> list[str]:
    job = batch.job(job_id)
    return batch.output(job) if "logStreamName" in job["container"] else []


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
