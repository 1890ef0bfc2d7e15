"""What an engine answers, and what is no answer."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tests.engines import FakeEngine

from batchtab.local_aws import guard
from batchtab.local_aws.batch.run import FollowError
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.containers import client, leftovers
from batchtab.local_aws.containers import engine as engines
from batchtab.local_aws.containers.client import EngineError
from batchtab.local_aws.containers.engine import ContainerEngine
from batchtab.local_aws.containers.run import ContainerRun

pytestmark = pytest.mark.slow

AWAY = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PAUSES", (0.05, 0.1, 0.2, 0.4))


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine.install(tmp_path / "bin", "docker", "job:1")


@pytest.fixture
def engine(fake: FakeEngine) -> ContainerEngine:
    return ContainerEngine(fake.name, fake.program, fake.environment, cgroups="v2")


def replace(fake: FakeEngine, script: str) -> None:
    """Have the engine's client do something else from now on."""
    Path(fake.program).write_text(f"#!/bin/sh\n{script}\n")


@pytest.mark.parametrize(
    "said",
    [
        "Error response from daemon: No such container: job-1",
        "Error: no such container job-1",
        'Error: no container with name or ID "job-1" found: no such container',
        'time="2026-01-01T00:00:00Z" level=fatal msg="1 errors:\nno such container: job-1"',
        "Error: No such object: job-1",
    ],
)
def test_a_container_that_is_not_there_is_an_answer(fake: FakeEngine, engine: ContainerEngine, said: str) -> None:
    fake.refuse("inspect", said)
    assert engine.state("job-1") is None
    assert len(fake.calls("container")) == 1


@pytest.mark.parametrize(
    "said",
    [
        "Error response from daemon: No such image: job:2",
        "Error: inspecting object: job:2: image not known",
        "invalid reference format: repository name must be lowercase",
    ],
)
def test_an_image_that_is_not_there_is_an_answer(fake: FakeEngine, engine: ContainerEngine, said: str) -> None:
    fake.refuse("inspect", said)
    assert not engine.has_image("job:2")
    assert len(fake.calls("image")) == 1


def test_no_answer_is_asked_for_again_and_then_an_error(
    fake: FakeEngine, engine: ContainerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an engine that is away WHEN each question is asked THEN none is taken for answered
    monkeypatch.setattr(engines, "_IMAGES_KNOWN_SECONDS", 600)
    fake.refuse("", AWAY)
    for question in (
        lambda: engine.state("job-1"),
        lambda: engine.signal("job-1", "SIGKILL"),
        lambda: engine.remove("job-1"),
        lambda: engine.labelled("a=b"),
        lambda: engine.has_image("job:1"),
    ):
        before = len(fake.calls())
        with pytest.raises(EngineError, match="Cannot connect to the Docker daemon"):
            question()
        assert len(fake.calls()) - before == 5
    # AND who asks for the image right afterwards does not wait as long once more
    before = len(fake.calls())
    with pytest.raises(EngineError, match="Cannot connect"):
        engine.has_image("job:1")
    assert len(fake.calls()) == before


def test_an_engine_that_says_nothing_in_time_is_none_that_has_no_image(
    fake: FakeEngine, engine: ContainerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a client that hangs, with a child that has its output open
    monkeypatch.setattr(client, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(client, "_PAUSES", (0.05,))
    replace(fake, "/bin/sleep 20 & exec /bin/sleep 20")
    with pytest.raises(EngineError, match=r"^docker did not answer within 0.2 s$"):
        engine.has_image("job:1")
    with pytest.raises(EngineError, match=r"^docker did not answer within 0.2 s$"):
        engine.state("job-1")


def test_an_engine_whose_program_is_gone_is_an_error_of_the_engine(fake: FakeEngine, engine: ContainerEngine) -> None:
    Path(fake.program).unlink()
    with pytest.raises(EngineError, match="docker can't be called"):
        engine.state("job-1")


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_container_is_followed_over_a_gap_of_its_engine(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, comes_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a container that runs, whose client for its log has ended
    children = ChildProcesses(tmp_path / "own", {"PATH": "/usr/bin:/bin"})
    run = ContainerRun(engine, "job-1", [], ["job:1", "/bin/sh", "-c", "sleep 1; exit 3"], {}, children)
    run.start()
    raised: list[BaseException] = []
    if comes_back:
        monkeypatch.setattr(client, "_PAUSES", (0.1,) * 100)

    def follow() -> None:
        try:
            run.follow(lambda _: None)
        except FollowError as error:
            raised.append(error)

    # WHEN the engine does not answer for a moment, or any more
    fake.refuse("", AWAY)
    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    if comes_back:
        wait_for(lambda: fake.calls("container"))
        fake.accept()
    reader.join(timeout=120)
    assert not reader.is_alive()
    fake.accept()
    run.close()
    children.close()
    # THEN its own code is had, or none and the reason
    if comes_back:
        assert (raised, run.exit_code) == ([], 3)
    else:
        assert str(raised[0]).startswith("CannotInspectContainerError: Cannot connect to the Docker daemon")
        assert run.exit_code is None
    assert fake.containers() == []


def test_a_container_that_cannot_be_removed_is_told(
    fake: FakeEngine, engine: ContainerEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.create("job-1", [], ["job:1"], {})
    fake.refuse("rm", AWAY)
    ContainerRun(engine, "job-1", [], [], {}, cast(Any, None)).close()
    assert "container job-1 is not removed yet: Cannot connect to the Docker daemon" in caplog.text


def test_leftovers_of_an_engine_that_does_not_answer_end_nothing(
    fake: FakeEngine, engine: ContainerEngine, caplog: pytest.LogCaptureFixture
) -> None:
    fake.refuse("ps", AWAY)
    assert leftovers.remove(engine) == 0
    assert "may be left: Cannot connect" in caplog.text


def test_nothing_marks_a_client_for_the_guard(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN local AWS's temporary folder, and a client at work: what it leaves running inherits its environment
    own = tmp_path / "own"
    own.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(own))
        made = ContainerEngine(fake.name, fake.program, fake.environment)
        made.create("job-1", [], ["job:1", "true"], {"PATH": "/bin"})
        fake.delay("start")
        starter = threading.Thread(target=made.start, args=("job-1",), daemon=True)
        starter.start()
        wait_for(lambda: fake.calls("start"))
        # WHEN the guard looks for what it ends THEN it finds none
        assert guard.marked(str(own)) == []
        fake.go_on()
        starter.join(timeout=120)
    engine.remove("job-1")


def test_the_guard_ends_a_client_that_would_make_a_container_afterwards(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an engine that takes its time to create one
    children = ChildProcesses(tmp_path / "own", {"PATH": "/usr/bin:/bin"})
    fake.delay("create")
    raised: list[str] = []
    is_known = threading.Event()
    started = children.group_started

    def group_started(group: int) -> None:
        started(group)
        is_known.set()

    monkeypatch.setattr(children, "group_started", group_started)

    def create() -> None:
        try:
            engine.create("job-1", [], ["job:1", "true"], {}, children)
        except EngineError as error:
            raised.append(str(error))

    maker = threading.Thread(target=create, daemon=True)
    maker.start()
    wait_for(lambda: fake.calls("create") and is_known.is_set())
    # WHEN local AWS ends
    children.close()
    maker.join(timeout=60)
    fake.go_on()
    # THEN its client did too
    assert raised == ["docker ended with -9"]
    assert fake.containers() == []


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
