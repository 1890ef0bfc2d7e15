"""What a merged pull request's own plan left behind is fetched, and nothing that another one left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.github.fake_github import FakeGitHub

from batchtab.cli.main import main


def left(fake: FakeGitHub, run: int, pull_request: int = 7) -> None:
    fake.add_artifact(run, f"reviewed-prod-{pull_request}", reviewed_json=f'{{"run": {run}}}'.encode())


def fetch(out: Path) -> int:
    return main(["ci", "reviewed", "--stage", "prod", "--out", str(out)])


@pytest.fixture
def merged(fake: FakeGitHub) -> FakeGitHub:
    """A merged pull request whose plan left something."""
    fake.add_pull(7, "abc123")
    fake.add_run(5)
    left(fake, 5)
    return fake


def test_what_was_reviewed_is_fetched_by_the_merged_commit(merged: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    # GIVEN a merged pull request, which its runs no longer name, one that is open, and a second run
    merged.add_pull(8, head={"sha": "beef", "ref": "other", "repo": {"full_name": "my-company/jobs"}})
    merged.add_run(6)
    left(merged, 6)
    out = tmp_path / "sub" / "reviewed.json"
    assert fetch(out) == 0
    # THEN it is the last run's
    assert json.loads(out.read_text()) == {"run": 6}
    assert "reviewed in #7" in capsys.readouterr().out
    # AND the host that keeps the file did not see the token
    assert [token for host, token in merged.tokens if host.startswith("localhost")] == [None]


@pytest.mark.parametrize("named", [7, 2])
def test_a_second_pull_request_of_the_same_commit_supplies_nothing(
    merged: FakeGitHub, tmp_path: Path, capsys: Any, named: int
) -> None:
    # GIVEN another pull request of the same branch and commit, into a base whose workflow writes what it likes
    merged.add_pull(2, base="evil", created_at="2026-11-24T09:10:00Z", closed_at="2026-11-24T09:20:00Z")
    merged.add_run(11, pull_requests=[{"number": 2, "base": {"ref": "evil"}}])
    left(merged, 11, named)
    # WHEN the reviewed plan is fetched, though the other was closed at once THEN neither run counts
    assert fetch(tmp_path / "x") == 3
    assert "#2 was open too, with the branch feature of #7, when its plan was made" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_run_of_another_branch_with_the_same_commit_does_not_count(merged: FakeGitHub, tmp_path: Path) -> None:
    # GIVEN the same commit on another branch, with a pull request of its own into another base
    merged.add_pull(2, base="evil", head={"sha": "f00d", "ref": "copy", "repo": {"full_name": "my-company/jobs"}})
    merged.add_run(11, head_branch="copy")
    left(merged, 11)
    # WHEN the reviewed plan is fetched THEN it is the run of the merged pull request's own branch
    assert fetch(tmp_path / "x") == 0
    assert json.loads((tmp_path / "x").read_text()) == {"run": 5}


def test_an_earlier_pull_request_of_the_same_branch_does_not_matter(merged: FakeGitHub, tmp_path: Path) -> None:
    # GIVEN a branch that is used again and again
    merged.add_pull(3, "before", created_at="2026-11-20T09:00:00Z", closed_at="2026-11-20T10:00:00Z")
    merged.add_pull(9, created_at="2026-11-25T09:00:00Z")
    assert fetch(tmp_path / "x") == 0


@pytest.mark.parametrize("event", ["base_ref_changed", "automatic_base_change_succeeded"])
def test_a_plan_from_before_the_base_was_changed_does_not_count(
    merged: FakeGitHub, tmp_path: Path, capsys: Any, event: str
) -> None:
    # GIVEN a pull request that was planned into another base, and then got the right one
    merged.events[7] = [{"event": "labeled"}, {"event": event, "created_at": "2026-11-24T09:45:00Z"}]
    assert fetch(tmp_path / "x") == 3
    assert "#7 got another base after its plan was made" in capsys.readouterr().err
    # WHEN it is planned again THEN that counts
    merged.add_run(6, created_at="2026-11-24T10:05:00Z")
    left(merged, 6)
    assert fetch(tmp_path / "x") == 0
    assert json.loads((tmp_path / "x").read_text()) == {"run": 6}


def test_what_was_merged_elsewhere_does_not_count(fake: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    fake.add_pull(7, "abc123", base="evil")
    fake.add_run(5)
    left(fake, 5)
    assert fetch(tmp_path / "x") == 3
    assert "#7 was merged to evil, not to main" in capsys.readouterr().err


def test_a_fork_left_nothing_that_counts(fake: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    # GIVEN a merged pull request of a fork, and a run that says it is ours
    fake.add_pull(7, "abc123", head={"sha": "f00d", "ref": "feature", "repo": {"full_name": "mallory/jobs"}})
    fake.add_run(5)
    left(fake, 5)
    assert fetch(tmp_path / "x") == 3
    assert "#7 came from a fork, whose plans do not count" in capsys.readouterr().err


def test_a_run_in_a_fork_does_not_count(fake: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    fake.add_pull(7, "abc123")
    fake.add_run(5, repository="mallory/jobs")
    left(fake, 5)
    assert fetch(tmp_path / "x") == 3
    assert "#7 left no artifact reviewed-prod-7 behind" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("fake")
def test_a_commit_without_a_pull_request_was_not_reviewed(tmp_path: Path, capsys: Any) -> None:
    assert fetch(tmp_path / "x") == 3
    error = capsys.readouterr().err
    assert "it came by no pull request" in error
    assert "start the workflow deploy yourself" in error
    assert len(error.splitlines()) == 1


def test_an_artifact_that_is_no_zip_is_refused(merged: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    merged.artifacts[5][0]["zip"] = b"no"
    assert fetch(tmp_path / "x") == 2
    assert "is not a zip that contains reviewed.json" in capsys.readouterr().err
