"""Containers that outlive their local AWS."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tests.engines import FakeEngine

from batchtab.local_aws import guard
from batchtab.local_aws.containers import leftovers
from batchtab.local_aws.containers.engine import ContainerEngine


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine.install(tmp_path / "bin")


@pytest.fixture
def engine(fake: FakeEngine) -> ContainerEngine:
    return ContainerEngine(fake.name, fake.program, fake.environment)


def create(engine: ContainerEngine, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of the local AWS that has a folder."""
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        labels = leftovers.flags("job")
    engine.create(name, labels, ["image"], {})


def test_those_of_a_local_aws_that_is_no_more_are_removed(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN one that lives, one whose folder was left without its lock being held, one whose folder is gone
    for name in ("lives", "dead"):
        (tmp_path / name).mkdir()
    leftovers.lock(tmp_path / "dead").close()
    with leftovers.lock(tmp_path / "lives"):
        for name in ("lives", "dead", "gone"):
            create(engine, name, tmp_path / name, monkeypatch)
        engine.create("foreign", ["--label", "a=b"], ["image"], {})
        # WHEN leftovers are removed
        removed = leftovers.remove(engine)
    # THEN those of the last two are gone
    assert removed == 2
    assert fake.containers() == ["foreign", "lives"]


def test_those_of_another_machine_are_left(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a container that another machine has put on a shared engine
    with monkeypatch.context() as patch:
        patch.setattr(leftovers.platform, "node", lambda: "elsewhere")
        create(engine, "theirs", tmp_path / "none", patch)
    assert leftovers.remove(engine) == 0
    assert fake.containers() == ["theirs"]


def test_the_guard_removes_those_with_its_folders_label(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a container of this local AWS and one of another
    own = tmp_path / "own"
    create(engine, "mine", own, monkeypatch)
    create(engine, "other", tmp_path / "other", monkeypatch)
    # WHEN local AWS has ended
    guard.main(str(own), [f"engine {fake.program}\n"])
    # THEN only the first is gone
    assert fake.containers() == ["other"]
