"""What `init` says to do next works as it is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from batchtab.project.answers import Answers
from batchtab.project.new_project import create
from batchtab.project.next_steps import next_steps

COMMIT = "git add --all && git commit"


@pytest.fixture
def steps(tmp_path: Path) -> list[str]:
    return next_steps(create(tmp_path / "jobs", Answers("jobs"), "0.2.0")).splitlines()


def test_the_first_deployment_commits_what_lock_wrote(steps: list[str], tmp_path: Path) -> None:
    # GIVEN a repository of the project, and the file that `batchtab lock` writes after the first commit
    folder, me = tmp_path / "jobs", ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    first, second = [line.strip() for line in steps if line.strip().startswith("git add") or "git commit" in line]
    assert first.startswith(COMMIT)

    def run(command: str) -> str:
        command = command.replace("git ", f"git {' '.join(me)} ")
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True, timeout=300
        )
        return done.stdout

    run("git init --quiet --initial-branch main")
    run(first)
    (folder / ".terraform.lock.hcl").write_text("provider {}\n")
    # WHEN the steps go on THEN the commit has it
    run(second)
    assert ".terraform.lock.hcl" in run("git ls-files")


def test_teams_without_an_administrator_are_shown_the_boundary(steps: list[str]) -> None:
    text = "\n".join(steps)
    assert "add --make-boundary" in text
    assert "line permissions_boundary_arn that it says into config/prod.yaml." in text
    assert all(len(line) <= 80 for line in text.partition("On AWS")[2].splitlines())
