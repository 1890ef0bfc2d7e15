from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.errors import UsageError
from batchtab.limits import BUCKET_NAME, NAMESPACE
from batchtab.project.answers import Answers, name_of


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("jobs", "jobs"),
        ("My Company's Jobs", "my-company-s-jobs"),
        ("2nd_try.v2", "nd-try-v2"),
        ("--x--", "x"),
        ("a" * 29 + "-bc", "a" * 29),
        ("日本", "batchtab"),
        ("2026", "batchtab"),
    ],
)
def test_the_folder_names_the_project_within_the_limits(folder: str, name: str, tmp_path: Path) -> None:
    found = name_of(tmp_path / folder)
    assert found == name
    assert NAMESPACE.refusal(found) is None
    assert BUCKET_NAME.refusal(f"{found}-{'s' * 20}-state") is None


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    monkeypatch.chdir(tmp_path / "jobs")
    assert name_of(Path()) == "jobs"
    assert name_of(Path("/")) == "batchtab"


@pytest.mark.parametrize(
    ("service", "stages", "github", "said"),
    [
        ("Reports", (), None, "--service: 'Reports' is not allowed"),
        ("", (), None, "--service: '' is not allowed"),
        ("../x", (), None, "--service: '../x' is not allowed"),
        ("s" * 65, (), None, "is 65 characters long"),
        ("reports\n", (), None, "is not allowed"),
        ("reports", ("Prod",), None, "--stage: 'Prod' is not allowed"),
        ("reports", ("p" * 21,), None, "is 21 characters long"),
        ("reports", ("local",), None, "--stage: 'local' is the stage on this machine"),
        ("reports", ("prod", "prod"), None, "a stage is given twice: prod, prod"),
        ("reports", (), "jobs", "--github: 'jobs' is not a repository [hint: owner/repo]"),
        ("reports", (), "https://example.com/a/b", "is not a repository"),
        ("reports", (), "a/..", "is not a repository"),
        ("reports", (), "a/b c", "is not a repository"),
    ],
)
def test_a_bad_name_is_one_clear_line(
    service: str, stages: tuple[str, ...], github: str | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        Answers.for_folder(tmp_path / "jobs", service, stages, github)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_left_out_answers_have_defaults() -> None:
    found = Answers.for_folder(Path("jobs"))
    assert (found.service, found.stages, found.github) == ("reports", ("prod",), None)
