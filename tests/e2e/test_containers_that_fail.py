"""Jobs as containers of an engine that fails, or takes its time; a stand-in for one, so that it does when it is to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.local_helpers import Batch, LocalAws, make_batch, running, wait_until
from tests.engines import FakeEngine

pytestmark = pytest.mark.e2e

AWAY = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
FOREVER = "while :; do sleep 0.05; done"


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine.install(tmp_path / "bin", "docker", "worker:latest")


@pytest.fixture
def local(fake: FakeEngine, tmp_path: Path) -> Iterator[LocalAws]:
    with running(tmp_path, container_engine="docker", first_on_path=fake.folder) as local:
        yield local
        fake.accept()
        fake.go_on()


@pytest.fixture
def batch(local: LocalAws) -> Batch:
    return make_batch(local)


def test_a_job_whose_engine_does_not_answer_does_not_become_a_process(
    batch: Batch, fake: FakeEngine, tmp_path: Path
) -> None:
    # GIVEN an image for which there is a folder as well, and an engine that is away
    fake.refuse("image", AWAY)
    # WHEN a job is to start
    job = batch.wait(batch.submit(batch.define("sh", "-c", f"touch {tmp_path}/ran")), seconds=120)
    # THEN it fails in words, and has not run
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"] == f"CannotInspectContainerError: {AWAY}"
    assert not (tmp_path / "ran").exists()


def test_a_job_whose_engine_goes_away_fails_in_words(batch: Batch, fake: FakeEngine) -> None:
    # GIVEN a job that runs, whose client for its log has ended
    job_id = batch.submit(batch.define("sh", "-c", f"seq 3; {FOREVER}"))
    wait_until(lambda: fake.calls("wait"), "its end to be waited for")
    # WHEN its engine does not answer any more
    fake.refuse("", AWAY)
    job = batch.wait(job_id, seconds=120)
    # THEN no exit code is made up for it
    assert (job["status"], job["statusReason"]) == ("FAILED", "Local AWS could not follow the job to its end")
    assert job["container"]["reason"] == f"CannotInspectContainerError: {AWAY}"
    assert "exitCode" not in job["container"]


def test_a_reset_ends_a_container_that_is_being_created(batch: Batch, fake: FakeEngine, local: LocalAws) -> None:
    # GIVEN a clock that does not move, and a job whose container is being created
    local.post("clock", speed=0)
    fake.delay("create")
    batch.submit(batch.define("sh", "-c", FOREVER))
    wait_until(lambda: fake.calls("create"), "the container to be asked for")
    # WHEN local AWS is reset, and then the engine goes on
    local.post("reset")
    fake.go_on()
    # THEN the container is gone without having run
    wait_until(lambda: fake.calls("rm") and not fake.containers(), "the container to be removed", seconds=120)
    assert fake.calls("start") == []
