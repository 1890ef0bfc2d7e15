"""The runner image in the engine that runs jobs: when it is built, and what is said; the engine is a small script."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.projects import copy_project

from batchtab.runner_image import in_engine
from batchtab.runner_image.context import source_hash
from batchtab.terraform.session import Session

NAME = "000000000000.dkr.ecr.ap-northeast-2.amazonaws.com/batchtab-runner:local"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    project = copy_project(tmp_path / "project")
    (project / ".batchtab").mkdir(exist_ok=True)
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Session.open("local")


def engine(folder: Path, *, has: dict[str, str] | None, builds: bool = True) -> Path:
    """An engine that has an image with some labels, or none; returns where it notes what it is asked."""
    calls = folder / "calls"
    image = json.dumps([{"Config": {"Labels": has}}]) if has is not None else ""
    (folder / "image.json").write_text(image)
    build = f"echo '{image or json.dumps([{'Config': {}}])}' >{folder}/image.json" if builds else "echo broken; exit 1"
    (folder / "podman").write_text(
        f'#!/bin/sh\necho "$@" >>{calls}\ncase $1 in inspect) cat {folder}/image.json; test -s {folder}/image.json;;\n'
        f"build) {build};; esac\n"
    )
    (folder / "podman").chmod(0o755)
    return calls


def test_it_is_built_under_the_name_that_job_definitions_give_it(session: Session, tmp_path: Path) -> None:
    # GIVEN an engine without the image
    calls = engine(tmp_path, has=None)
    # WHEN it is to be there
    said = in_engine.provide(session, "podman")
    # THEN it is built, and knows of which files
    assert said == "built with podman; its jobs run as containers"
    [build] = [line for line in calls.read_text().splitlines() if line.startswith("build")]
    assert f"--tag {NAME} " in build
    assert f"--label batchtab.source={source_hash(session.root)} " in build


def test_it_is_not_built_again_of_the_same_files(session: Session, tmp_path: Path) -> None:
    calls = engine(tmp_path, has={"batchtab.source": source_hash(session.root)})
    assert in_engine.provide(session, "podman") == "podman has it, of these files; its jobs run as containers"
    assert "build" not in calls.read_text()


@pytest.mark.parametrize(
    ("has", "instead"), [(None, "as processes"), ({"batchtab.source": "older"}, "in the image that was built before")]
)
def test_that_it_cannot_be_built_is_no_error(
    session: Session, tmp_path: Path, has: dict[str, str] | None, instead: str
) -> None:
    # GIVEN an engine whose build fails
    engine(tmp_path, has=has, builds=False)
    # WHEN the image is to be there
    said = in_engine.provide(session, "podman")
    # THEN one line says what becomes of its jobs, and where the builder's output is
    log = session.state / "runner-image.log"
    assert said.startswith(f"not built, so its jobs run {instead}: podman could not build ")
    assert said.endswith(f"exit code 1, see {log}")
    assert log.read_text() == "broken\n"


def test_a_project_without_a_dockerfile_has_no_image(session: Session, tmp_path: Path) -> None:
    calls = engine(tmp_path, has=None)
    (session.root / "jobs" / "Dockerfile").unlink()
    assert in_engine.provide(session, "podman") == "not built: the project has no jobs/Dockerfile"
    assert not calls.exists()
    assert shutil.which("podman") == str(tmp_path / "podman")
