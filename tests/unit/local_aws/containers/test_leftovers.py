"""Containers that outlive their local AWS."""

from __future__ import annotations

import os
import subprocess
import sys
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
        patch.setattr(leftovers, "machine", lambda: "elsewhere")
        create(engine, "theirs", tmp_path / "none", patch)
    assert leftovers.remove(engine) == 0
    assert fake.containers() == ["theirs"]


@pytest.mark.skipif(sys.platform != "linux", reason="there are namespaces of mounts on Linux only")
def test_a_host_name_is_no_machine(
    fake: FakeEngine, engine: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a container of a local AWS under this host name, which has a /tmp of its own
    command = [sys.executable, "-c", "from batchtab.local_aws.containers import leftovers; print(leftovers.machine())"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    here, there = (
        subprocess.run([*before, *command], env=environment, capture_output=True, text=True, check=False)
        for before in ([], unshare)
    )
    if there.returncode:
        pytest.skip(f"no namespace can be made here: {there.stderr.strip()[-200:]}")
    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "machine", there.stdout.strip)
        create(engine, "theirs", tmp_path / "not-seen-here", patch)
    # WHEN leftovers are removed here THEN it is left
    assert here.stdout.strip() == leftovers.machine()
    assert leftovers.remove(engine) == 0
    assert fake.containers() == ["theirs"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a machine is known by its name only")
def test_another_start_of_the_system_is_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = leftovers.machine()
    (tmp_path / "boot_id").write_text("another\n")
    monkeypatch.setattr(leftovers, "_BOOT", tmp_path / "boot_id")
    assert leftovers.machine() not in (before, leftovers.platform.node())


def test_without_proc_a_machine_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_BOOT", tmp_path / "none")
    assert leftovers.machine() == leftovers.platform.node()


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
