"""A Batchtab of another version than the project's is noticed before it plans or deploys."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import copy_project

from batchtab.aws.states import States
from batchtab.cli.deployment import plan as plan_command
from batchtab.cli.main import main
from batchtab.errors import UsageError
from batchtab.project import manifest, version_note

OLD, NEW = "0.2.0", "0.3.0"


@pytest.fixture
def deployable(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of version 0.2.0 whose files have no faults."""
    folder = copy_project(tmp_path / "deployable")
    (project / manifest.FILE_NAME).rename(folder / manifest.FILE_NAME)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(States, "require_bucket", lambda _: None)
    return folder


def runs(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets another version be the one that runs."""
    monkeypatch.setattr(version_note, "installed", lambda: version)


def test_the_projects_own_version_is_not_worth_a_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the version that made the project THEN there is no note
    runs(OLD, monkeypatch)
    assert version_note.version_note(project) is None
    # AND none where there is no manifest, as in the repository of Batchtab itself
    (project / manifest.FILE_NAME).unlink()
    runs(NEW, monkeypatch)
    assert version_note.version_note(project) is None


@pytest.mark.parametrize(
    ("version", "ways"),
    [
        (NEW, "`pip install .` installs the project's version, `batchtab upgrade` brings the project to 0.3.0"),
        ("0.1.0", "`pip install .` installs the project's version"),  # `upgrade` refuses to go back
    ],
)
def test_another_version_is_one_line_with_the_ways_out(
    version: str, ways: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(version, monkeypatch)
    note = f"this is Batchtab {version}, and the project is of version 0.2.0: {ways}"
    assert version_note.version_note(project) == note


def stop(*_: object) -> None:
    raise UsageError("planned")


@pytest.mark.usefixtures("deployable")
def test_deploy_refuses_another_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a newer Batchtab
    runs(NEW, monkeypatch)
    monkeypatch.setattr("batchtab.cli.deployment.deploy.Stacks", stop)
    # WHEN it is to deploy THEN it does not even plan
    assert main(["deploy", "--stage", "local", "--unreviewed"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("batchtab: deploy: this is Batchtab 0.3.0, and the project is of version 0.2.0: ")
    assert "`pip install .`" in error
    assert "`batchtab upgrade`" in error
    assert len(error.splitlines()) == 1
    # AND one of the same version goes on
    runs(OLD, monkeypatch)
    assert main(["deploy", "--stage", "local", "--unreviewed"]) == 2
    assert capsys.readouterr().err == "batchtab: planned\n"


@pytest.mark.usefixtures("deployable")
def test_plan_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a newer Batchtab
    runs(NEW, monkeypatch)
    monkeypatch.setattr(plan_command, "Stacks", stop)
    # WHEN it plans THEN a line on stderr says so, and it plans
    main(["plan", "--stage", "local"])
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert first.startswith("batchtab plan: this is Batchtab 0.3.0, and the project is of version 0.2.0: ")
    assert second == "batchtab: planned"
    assert said.out == ""
    # AND nothing is said by the project's own version
    runs(OLD, monkeypatch)
    main(["plan", "--stage", "local"])
    assert capsys.readouterr().err == "batchtab: planned\n"
