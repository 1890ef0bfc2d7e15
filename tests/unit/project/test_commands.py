"""`batchtab init` and `batchtab upgrade` as a person runs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from batchtab.cli.setup import init as init_command
from batchtab.cli.setup import setup as setup_command
from batchtab.cli.setup import upgrade as upgrade_command
from batchtab.errors import UsageError
from batchtab.project import changelog

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one of the two commands in a folder of its own; `version` is the one that is installed."""
    app = typer.Typer()
    app.command()(init_command.init)
    app.command()(upgrade_command.upgrade)
    app.command()(setup_command.setup)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, version: str = "0.2.0") -> Result:
        for module in (init_command, upgrade_command):
            monkeypatch.setattr(module, "installed", lambda: version)
        return CliRunner().invoke(app, arguments)

    return call


def test_init_says_what_comes_next_within_eighty_columns(run: Run, tmp_path: Path) -> None:
    done = run("init", "my-jobs", "--stage", "prod", "--stage", "staging", "--github", "my-company/jobs")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[:2] == ["my-jobs: created 19 files.", "Names in AWS begin with my-jobs-prod."]
    assert max(map(len, lines)) <= 80
    # THEN the answers are in the commands
    assert "  cd my-jobs" in lines
    assert "     gh repo create my-company/jobs --private --source . --push" in lines
    assert "     batchtab ci roles --stage staging --repository my-company/jobs" in lines
    assert """     gh variable set BATCHTAB_STAGES --body '["prod", "staging"]'""" in lines
    assert (tmp_path / "my-jobs" / "config" / "staging.yaml").exists()


def test_init_in_this_folder_needs_no_cd(run: Run) -> None:
    done = run("init", ".", "--service", "billing")
    assert "created 18 files" in done.output
    assert " cd " not in done.output
    assert "OWNER/REPO" in done.output
    # AND a second time there is nothing to write
    assert run("init", ".", "--service", "billing").output.startswith(".: all 18 files are there already.\n")


def test_init_in_a_repository_does_not_make_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    done = run("init", ".")
    assert "git init" not in done.output
    assert "gh repo create" not in done.output
    assert "another Git repository" not in done.output


def test_init_in_a_subfolder_of_a_repository_says_that_github_does_not_look_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # as in a worktree
    done = run("init", "batch")
    assert "This folder is part of another Git repository. GitHub runs workflows only from\n" in done.output
    assert not (tmp_path / ".github").exists()
    assert (tmp_path / "batch" / ".github" / "workflows" / "plan.yml").exists()


def test_a_users_error_is_left_to_the_command_line(run: Run) -> None:
    assert isinstance(run("init", "x", "--service", "No").exception, UsageError)
    assert isinstance(run("upgrade").exception, UsageError)


def test_upgrade_says_what_it_did_and_what_changed(
    run: Run, old_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"## 0.3.0\n\n- {'New. ' * 30}\n\n## 0.2.0\n\n- Old.\n"
    monkeypatch.setattr(changelog, "read", lambda: text)
    monkeypatch.chdir(old_project)
    (old_project / "main.py").write_text("print('mine')\n")
    (old_project / ".gitignore").unlink()
    # WHEN nothing is to be written
    tried = run("upgrade", "--dry-run", version="0.3.0")
    assert "cdktf.json: would be written (it was not changed)\n" in tried.output
    assert json.loads((old_project / "batchtab-project.json").read_text())["version"] == "0.2.0"
    # AND then it is
    done = run("upgrade", version="0.3.0")
    assert done.output.startswith("This project went from version 0.2.0 to 0.3.0.\n")
    assert "main.py: left (it was changed)\n" in done.output
    assert ".gitignore: left out (was deleted, and stays so)\n" in done.output
    assert "\n-print('mine')\n" in done.output
    assert "- New. New." in done.output
    assert "Old." not in done.output
    assert "  batchtab plan --stage prod\n" in done.output
    # THEN there is nothing left to do
    assert run("upgrade", version="0.3.0").output == "batchtab: nothing to do: this project is of version 0.3.0\n"


def test_a_version_that_changes_no_file_but_its_own_pin_is_noted(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (project / "pyproject.toml").unlink()
    done = run("upgrade", version="0.2.1")
    assert re.findall(r"^(\S+): ", done.output, re.MULTILINE) == [".github/batchtab.txt"]
    assert (project / ".github" / "batchtab.txt").read_text().endswith("\nbatchtab==0.2.1\n")
    assert json.loads((project / "batchtab-project.json").read_text())["version"] == "0.2.1"


def test_upgrade_in_a_folder_of_a_project_names_the_project(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a project WHEN it is upgraded from one of its folders THEN the hint leads to it, and to no second one
    monkeypatch.chdir(project / "config")
    error = run("upgrade").exception
    assert isinstance(error, UsageError)
    assert error.message == "this folder is not a project: batchtab-project.json is missing"
    assert error.hint == f"the project is above this folder: cd {project}"
    # AND where there is none, it says how to make one
    monkeypatch.chdir(project.parent)
    error = run("upgrade").exception
    assert isinstance(error, UsageError)
    assert error.hint == "batchtab init DIR"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that set-up was asked to prepare; nothing is installed."""
    folders: list[Path] = []
    monkeypatch.setattr(setup_command, "prepare", lambda folder, *_, **__: folders.append(folder.absolute()))
    monkeypatch.setattr(setup_command, "write_schemas", lambda _folder: [])
    return folders


def test_setup_prepares_a_fresh_project_and_this_repository(
    run: Run, project: Path, prepared: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a project of `init`, and the top of this repository, which has no manifest
    repository = Path(__file__).resolve().parents[3]
    for folder in (project, repository):
        monkeypatch.chdir(folder)
        assert run("setup").exit_code == 0
    # THEN both are prepared
    assert prepared == [project, repository]


@pytest.mark.parametrize("place", ["config", "jobs/hello", ".."])
def test_setup_elsewhere_installs_nothing_and_names_the_project(
    run: Run, project: Path, prepared: list[Path], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    # GIVEN a folder that is not a project WHEN it is set up
    folder = (project / place).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    error = run("setup").exception
    # THEN one line says so, and where the project is, if there is one above
    assert isinstance(error, UsageError)
    assert error.message == f"setup: '{folder}' is not a project: cdktf.json and config/ are not both in it"
    above = f"cd {project} && batchtab setup"
    assert error.hint == ("batchtab init DIR makes a project" if place == ".." else above)
    assert prepared == []
    assert not (folder / ".batchtab").exists()
