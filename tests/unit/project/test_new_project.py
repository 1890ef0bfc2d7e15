"""Where a new project may be written, and that nothing of a user's is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.errors import UsageError
from batchtab.project.answers import Answers
from batchtab.project.new_project import NewProject, all_files, create

Snapshot = Callable[[Path], dict[str, bytes]]
ANSWERS = Answers("jobs")
ALL = all_files(ANSWERS, "0.2.0")


def make(folder: Path) -> NewProject:
    return create(folder, ANSWERS, "0.2.0")


def test_about_ten_files_are_written_and_nothing_else(tmp_path: Path, snapshot: Snapshot) -> None:
    made = make(tmp_path / "a" / "jobs")
    assert {path: text.encode() for path, text in ALL.items()} == snapshot(tmp_path / "a" / "jobs")
    assert made.written == tuple(ALL)
    assert sorted(ALL) == sorted(
        [
            *("main.py", "cdktf.json", "pyproject.toml", "batchtab-project.json", ".gitignore", "README.md"),
            *("config/local.yaml", "config/prod.yaml", "jobs/Dockerfile"),
            *("jobs/reports/jobs.yaml", "jobs/reports/hello.py"),
            *(f".github/workflows/{name}.yml" for name in ("plan", "deploy", "drift")),
            *(f".github/{name}" for name in ("CODEOWNERS", "batchtab.txt", "dependabot.yml", "requirements.txt")),
        ]
    )


def test_twice_is_once(tmp_path: Path, snapshot: Snapshot) -> None:
    make(tmp_path)
    before = snapshot(tmp_path)
    again = make(tmp_path)
    assert (again.written, again.present) == ((), tuple(ALL))
    assert snapshot(tmp_path) == before


def test_what_is_missing_is_added_to_what_is_equal(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "main.py").unlink()
    readme = (tmp_path / "README.md").read_bytes()
    (tmp_path / "README.md").write_bytes(readme.replace(b"\n", b"\r\n"))  # as Git may check it out
    assert make(tmp_path).written == ("main.py",)


def test_files_of_others_stay_beside_it(tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "jobs" / "other").mkdir(parents=True)
    before = snapshot(tmp_path)
    made = make(tmp_path)
    assert made.repository == tmp_path.resolve()
    assert before.items() <= snapshot(tmp_path).items()


def test_foreign_content_stops_everything_and_all_of_it_is_listed(tmp_path: Path, snapshot: Snapshot) -> None:
    # GIVEN a folder with files of those names
    (tmp_path / "README.md").write_text("# Mine\n")
    (tmp_path / "main.py").mkdir()
    (tmp_path / "config").write_text("a file where a folder must be")
    (tmp_path / "cdktf.json").symlink_to(tmp_path / "nowhere")
    before = snapshot(tmp_path)
    # WHEN a project is to be made there
    with pytest.raises(UsageError) as caught:
        make(tmp_path)
    # THEN one line lists them, and nothing is written
    listed = str(caught.value)
    assert "main.py, cdktf.json, config, README.md exist with other content" in listed
    assert "\n" not in listed
    assert caught.value.exit_code == 2
    assert snapshot(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "cdktf.json", "config", "main.py"]


def test_a_project_of_another_version_is_for_upgrade(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(UsageError, match=r"batchtab upgrade"):
        create(tmp_path, ANSWERS, "0.3.0")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("")
    with pytest.raises(UsageError, match=r"jobs is not a folder$"):
        make(tmp_path / "jobs")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"link is not a folder$"):
        make(tmp_path / "link")
    with pytest.raises(UsageError, match=r"nothing is written"):
        make(tmp_path / "jobs" / "below")


@pytest.mark.parametrize("writes", range(len(ALL)))
def test_a_write_that_fails_leaves_the_folder_as_it_was(
    writes: int, tmp_path: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a folder with a file of somebody's, and a disk that is full after some files
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "notes.txt").write_text("mine")
    before, left, real = snapshot(tmp_path), [writes], os.fsync

    def full(descriptor: int) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    # WHEN a project is made THEN it is refused in one line, and nothing is left of it
    with pytest.raises(UsageError, match="No space left on device"):
        make(tmp_path)
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["jobs"]
    # AND it succeeds later
    left[0] = 100
    assert make(tmp_path).written == tuple(ALL)


@pytest.mark.parametrize("renames", range(len(ALL)))
def test_an_interruption_leaves_the_folder_as_it_was(
    renames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN Ctrl-C after some files have their names
    left, real = [renames], Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    # WHEN a project is made THEN nothing is left of it, its folder included
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "jobs")
    assert list(tmp_path.iterdir()) == []


def test_the_mode_of_new_files_is_the_users(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        make(tmp_path)
    finally:
        os.umask(previous)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o640}
