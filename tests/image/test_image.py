"""Both images, really built and really run. Skipped, by name of what is missing, where no builder is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.image.store import Store, missing, temporary_store
from tests.projects import PROJECT
from tests.unit.runner.list_jobs_server import job_environment, serve

from batchtab.runner_image.context import base

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
RUNNER = "localhost/batchtab-runner:test"
SERVICE = "localhost/my-service:test"
RUNNER_FILE = PROJECT / "jobs" / "Dockerfile"
SERVICE_FILE = ROOT / "examples" / "my-service" / "Dockerfile.runner"

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.skipif(missing() is not None, reason=missing() or "")]


def _runner_base() -> tuple[str, str]:
    """The name of the runner's base, and its tag without the digest, which only the real one has."""
    found = base(RUNNER_FILE.read_text())
    assert found is not None
    return found[0], found[1].partition("@")[0]


def _base_of(file: Path) -> str:
    found = dict(re.findall(r"^ARG (BASE_\w+)=(\S+)$", file.read_text(), re.MULTILINE))
    return f"{found['BASE_IMAGE']}:{found['BASE_TAG']}"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A store with both images, on a base of Debian's own Python and Node under the names of the real bases."""
    with temporary_store() as store:
        image, tag = _runner_base()
        store.make_base(f"{image}:{tag}", _base_of(SERVICE_FILE))
        build = [sys.executable, "-m", "batchtab.runner_image", "--builder=buildah", "--no-pull", f"--base-tag={tag}"]
        subprocess.run([*build, f"--tag={RUNNER}", "--version=1.2.3"], cwd=PROJECT, env=store.environment, check=True)
        context = str(SERVICE_FILE.parent)
        store.buildah(
            *("build", "--pull-never", "--format=docker", "--file", str(SERVICE_FILE), "--tag", SERVICE),
            *("--build-arg", f"RUNNER_IMAGE={RUNNER}", context),
        )
        yield store


def _run(store: Store, image: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = store.command(image, *arguments, **environment)
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)


def _lines(stderr: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines() if line.startswith(b'{"batchtab"')]


def test_the_image_says_what_it_is(store: Store) -> None:
    # WHEN the image is looked at
    config = store.config(RUNNER)
    # THEN its user is no root, its entrypoint the runner, and its labels say which build it is
    assert config.user == "10001:10001"
    assert config.entrypoint == ["/usr/local/bin/python", "-IS", "/opt/batchtab/runner/entrypoint.py"]
    assert config.labels["org.opencontainers.image.version"] == "1.2.3"
    assert re.fullmatch(r"[0-9a-f]{12}", config.labels["org.opencontainers.image.revision"])
    print(store.buildah("images"))


def test_a_job_runs_as_process_1_without_root_and_without_a_writable_file_system(store: Store) -> None:
    # WHEN a job of this repository is run as Batch would
    result = _run(store, RUNNER, "python", "-m", "jobs.examples.hello", "image", AWS_BATCH_JOB_ID="a-1")
    # THEN it did its work, between the runner's lines
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode().splitlines() == ["Hello, image!", "AWS_BATCH_JOB_ID=a-1", "Done."]
    assert [line["batchtab"] for line in _lines(result.stderr)] == ["start", "end"]
    # AND as who, and where it could not write
    result = _run(store, RUNNER, "sh", "-c", "id -u; id -g; echo $PPID; touch /x || touch /app/x || touch /opt/x")
    assert result.stdout.split() == [b"10001", b"10001", b"1"]
    assert result.stderr.count(b"Read-only file system") == 3


def test_it_runs_with_buildah_run_as_well(store: Store) -> None:
    # GIVEN a container of the image, and its entrypoint
    container = store.buildah("from", "--pull-never", RUNNER)
    # WHEN buildah runs it
    entrypoint = store.config(RUNNER).entrypoint
    output = store.buildah("run", container, "--", *entrypoint, "python", "-m", "jobs.examples.hello")
    # THEN the job has said hello
    assert "Hello, world!" in output


def test_without_a_command_it_explains_itself(store: Store) -> None:
    # WHEN the image is run as it is
    result = _run(store, RUNNER)
    # THEN it prints its help
    assert result.returncode == 0
    assert b"--concurrency-policy" in result.stdout


def test_exit_codes_come_through(store: Store) -> None:
    # WHEN jobs end in several ways
    # THEN process 1 ends in the same way
    assert _run(store, RUNNER, "python", "-m", "jobs.examples.fail").returncode == 3
    assert _run(store, RUNNER, "no-such-program").returncode == 127
    assert _run(store, RUNNER, "sh", "-c", "kill -TERM $$").returncode == 143


def test_boto3_is_there_for_jobs_and_for_the_runner_by_module(store: Store) -> None:
    # WHEN a job uses boto3, and another calls the runner as a module
    program = "import boto3, sys; print(boto3.__version__); print(sys.modules['boto3'].__file__)"
    result = _run(store, RUNNER, "python", "-m", "batchtab.runner", "--", "python", "-c", program)
    # THEN both are found where the image has them
    assert result.returncode == 0, result.stderr
    version, file = result.stdout.decode().split()
    assert f"boto3=={version} " in (ROOT / "src" / "batchtab" / "runner_image" / "requirements.txt").read_text()
    assert file.startswith("/opt/batchtab/lib/")


def test_a_stop_reaches_the_command_of_process_1(store: Store) -> None:
    # GIVEN a job that needs a moment to stop
    program = "trap 'echo stopped; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    command = store.command(RUNNER, "sh", "-c", program)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    # WHEN its process 1 is told to stop, as Batch does
    os.kill(_process_1(process.pid), signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=120)
    # THEN it could, and its code came through
    assert (stdout, process.returncode) == (b"stopped\n", 7)
    assert _lines(stderr)[-1]["stopped_by"] == "SIGTERM"


def _process_1(pid: int) -> int:
    """The child of `unshare`: process 1 of its own namespace."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
    raise AssertionError("no process 1")


def test_process_1_reaps_orphans(store: Store) -> None:
    # GIVEN a job whose grandchildren end as orphans
    program = (
        "for i in 1 2 3 4 5; do (sh -c 'sleep 0.05' &) ; done; sleep 0.5;"
        " for i in $(seq 100); do cat /proc/[0-9]*/stat | cut -d' ' -f3 | grep -q Z || { echo none; exit; };"
        " sleep 0.1; done; exit 1"
    )
    # WHEN it looks for zombies
    result = _run(store, RUNNER, "sh", "-c", program)
    # THEN there are none
    assert result.stdout == b"none\n"


def test_the_guard_in_the_image_asks_batch_with_the_pinned_boto3(store: Store) -> None:
    # GIVEN an earlier run in the queue
    with serve() as batch:
        batch.add("first", created_at=1)
        batch.add("me", created_at=2)
        # WHEN a job that wants no overlap starts in the image
        result = _run(store, RUNNER, "echo", "ran", **job_environment(batch.endpoint, "me"))
    # THEN it gave way
    assert (result.returncode, result.stdout) == (0, b""), result.stderr
    assert _lines(result.stderr)[-1]["gave_way_to"] == "first"


def test_no_left_overs_of_package_managers(store: Store) -> None:
    # WHEN the files of both images are looked at
    for image in (RUNNER, SERVICE):
        root = store.root_of(image)
        # THEN there is no cache, no list and no build folder
        for path in ("root/.cache", "var/lib/apt/lists", "build", "opt/batchtab/lib/bin", "tmp"):
            folder = root / path
            found = [entry for entry in folder.rglob("*") if entry.is_file()] if folder.exists() else []
            assert found == [], (image, path)
        assert not (root / "etc/pip.conf").exists()
    # AND of this repository only the jobs and the runner
    assert sorted(entry.name for entry in (store.root_of(RUNNER) / "app").iterdir()) == ["jobs"]
    names = {entry.name for entry in (store.root_of(RUNNER) / "app" / "jobs").rglob("*") if entry.is_file()}
    assert names.isdisjoint({"spec.py", "limits.py", "jobs.yaml", "Dockerfile", "build_image.py"})


def test_the_user_owns_nothing_of_the_image(store: Store) -> None:
    # WHEN the owner and the rights of what runs are looked at
    root = store.root_of(RUNNER)
    # THEN a job could not change it, were the file system writable
    for folder in ("opt/batchtab", "app"):
        for path in (root / folder).rglob("*"):
            status = path.lstat()
            assert status.st_uid == 0, path
            assert path.is_symlink() or not status.st_mode & 0o022, path


def test_a_job_of_the_node_service_runs_under_the_runner(store: Store) -> None:
    # GIVEN the example service, whose image has taken the runner over
    assert store.config(SERVICE).user == "1000:1000"
    # WHEN its jobs are run, with the same commands as without the runner
    for job in ("do-something", "do-often"):
        result = _run(store, SERVICE, "node", f"app/jobs/{job}", AWS_BATCH_JOB_ID="b-2")
        # THEN each did its work, between the runner's lines
        assert result.returncode == 0, result.stderr
        assert job in result.stdout.decode()
        start, end = _lines(result.stderr)
        assert (start["command"], end["exit_code"], end["job_id"]) == (["node", f"app/jobs/{job}"], 0, "b-2")


def test_the_guard_works_in_the_node_image_too(store: Store) -> None:
    # GIVEN an earlier run of a Node job
    with serve() as batch:
        batch.add("first", created_at=1)
        batch.add("me", created_at=2)
        # WHEN the next one starts, with the Python of that image
        result = _run(store, SERVICE, "node", "app/jobs/do-often", **job_environment(batch.endpoint, "me"))
    # THEN it gave way
    assert (result.returncode, result.stdout) == (0, b""), result.stderr
    assert _lines(result.stderr)[-1]["gave_way_to"] == "first"
