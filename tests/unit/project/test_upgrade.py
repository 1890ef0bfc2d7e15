"""An upgrade rewrites what nobody changed, leaves what is a person's, and may be stopped anywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.errors import UsageError
from batchtab.project import manifest
from batchtab.project.answers import Answers
from batchtab.project.files import write_file
from batchtab.project.manifest import Manifest
from batchtab.project.new_project import all_files
from batchtab.project.template import Owner, project_files
from batchtab.project.upgrade import Action, Upgrade, plan_upgrade

Snapshot = Callable[[Path], dict[str, bytes]]
OLD, NEW = "0.2.0", "0.3.0"
#: What every version writes: its own number.
PINS = {"pyproject.toml": Action.WRITE, ".github/batchtab.txt": Action.WRITE}
OWNED = tuple(project_files(Answers("my-jobs"), OLD, Owner.BATCHTAB))
ANSWERS = Answers("my-jobs", github="my-company/jobs")
FRESH = {path: text.encode() for path, text in all_files(ANSWERS, NEW).items()}


class Killed(BaseException):
    """The process is gone."""


def actions(upgrade: Upgrade) -> dict[str, Action]:
    return {step.path: step.action for step in upgrade.steps}


def upgraded(root: Path, version: str = NEW) -> Upgrade:
    planned = plan_upgrade(root, version)
    planned.apply()
    return planned


def edit(path: Path, text: str = "# mine\n") -> None:
    path.write_text(path.read_text() + text)


def test_an_untouched_project_becomes_as_new(old_project: Path, snapshot: Snapshot) -> None:
    (old_project / "main.py").chmod(0o755)
    done = upgraded(old_project)
    # THEN it is what `init` of the new version writes, but for the README, which is the person's
    assert actions(done) == dict.fromkeys((*OWNED, "pyproject.toml"), Action.WRITE)
    assert snapshot(old_project) == FRESH
    # AND a file keeps its mode
    assert (old_project / "main.py").stat().st_mode & 0o777 == 0o755


def test_twice_is_once(old_project: Path, snapshot: Snapshot) -> None:
    edit(old_project / "main.py")
    (old_project / "jobs" / "Dockerfile").unlink()
    assert upgraded(old_project).is_needed
    before = snapshot(old_project)
    again = upgraded(old_project)
    assert not again.is_needed
    assert snapshot(old_project) == before


def test_planning_writes_nothing(old_project: Path, snapshot: Snapshot) -> None:
    before = snapshot(old_project)
    assert plan_upgrade(old_project, NEW).is_needed
    assert snapshot(old_project) == before


def test_a_changed_file_is_shown_and_left_once(old_project: Path) -> None:
    # GIVEN a file that a person changed
    path = old_project / "jobs" / "Dockerfile"
    edit(path, "RUN true\n")
    mine = path.read_text()
    # WHEN the project is upgraded
    done = upgraded(old_project)
    # THEN the file is left, and the way to the new text is shown
    (left,) = [step for step in done.steps if step.action is Action.LEAVE]
    assert left.path == "jobs/Dockerfile"
    assert path.read_text() == mine
    lines = left.diff.splitlines()
    assert lines[:2] == ["--- jobs/Dockerfile (yours)", f"+++ jobs/Dockerfile ({NEW})"]
    assert {"-# 0.2.0", "-RUN true"} <= set(lines)
    # AND not again before the next change of it
    assert actions(upgraded(old_project, "0.4.0")) == PINS


def test_a_person_may_change_what_batchtab_does_not(project: Path) -> None:
    # GIVEN a version that changes no text, and a file that a person changed
    edit(project / ".gitignore", "/notes/\n")
    assert actions(upgraded(project)) == PINS
    assert (project / ".gitignore").read_text().endswith("/notes/\n")


def test_a_file_that_a_person_brought_up_to_date_is_no_question(old_project: Path) -> None:
    (old_project / "main.py").write_bytes(FRESH["main.py"])
    assert "main.py" not in actions(upgraded(old_project))


def test_a_deleted_file_stays_deleted(old_project: Path) -> None:
    (old_project / ".github" / "workflows" / "drift.yml").unlink()
    done = upgraded(old_project)
    assert actions(done)[".github/workflows/drift.yml"] is Action.SKIP
    assert not (old_project / ".github" / "workflows" / "drift.yml").exists()


def test_other_line_ends_are_no_change(old_project: Path) -> None:
    for name in (*OWNED, "pyproject.toml"):
        path = old_project / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert actions(upgraded(old_project)) == dict.fromkeys((*OWNED, "pyproject.toml"), Action.WRITE)
    # AND a file of a person keeps them
    content = (old_project / "pyproject.toml").read_bytes()
    assert b"batchtab[synth]==0.3.0" in content
    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_file_of_a_new_kind_is_written_unless_one_is_there(old_project: Path) -> None:
    # GIVEN a project of a version that did not have two of the files, one of which a person has
    before = Manifest.read(old_project)
    hashes = {path: value for path, value in before.hashes.items() if path not in {"cdktf.json", "main.py"}}
    (old_project / manifest.FILE_NAME).write_text(Manifest(OLD, before.answers, hashes).text())
    (old_project / "cdktf.json").unlink()
    (old_project / "main.py").write_text("print()\n")
    found = actions(upgraded(old_project))
    assert (found["cdktf.json"], found["main.py"]) == (Action.WRITE, Action.LEAVE)
    assert (old_project / "main.py").read_text() == "print()\n"


def test_a_file_that_batchtab_no_longer_uses_is_said_and_left(project: Path) -> None:
    before = Manifest.read(project)
    (project / "old.txt").write_text("old")
    (project / manifest.FILE_NAME).write_text(
        Manifest(OLD, before.answers, {**before.hashes, "old.txt": "0", "gone.txt": "0"}).text()
    )
    assert actions(upgraded(project)) == PINS | {"old.txt": Action.RETIRE}
    assert (project / "old.txt").read_text() == "old"
    assert not plan_upgrade(project, NEW).is_needed


def test_what_is_a_persons_is_never_touched(old_project: Path) -> None:
    mine = ["config/local.yaml", "config/prod.yaml", "jobs/reports/jobs.yaml", "jobs/reports/hello.py", "README.md"]
    for name in mine[:-1]:
        (old_project / name).write_text("mine")
    (old_project / "README.md").unlink()
    assert not set(actions(upgraded(old_project))) & set(mine)
    assert [(old_project / name).read_text() for name in mine[:-1]] == ["mine"] * 4
    assert not (old_project / "README.md").exists()


def test_of_an_edited_pyproject_only_the_pin_changes(old_project: Path) -> None:
    path = old_project / "pyproject.toml"
    text = '[project]\nname = "ours"\ndependencies = ["pandas==2.0", "batchtab[cdktn,synth]==0.2.0"]  # ours\n'
    path.write_text(text)
    done = upgraded(old_project)
    assert path.read_text() == text.replace("0.2.0", NEW)
    assert next(step.reason for step in done.steps if step.path == "pyproject.toml") == (
        "pins batchtab==0.3.0, no longer 0.2.0"
    )


@pytest.mark.parametrize("text", ["", '[project]\ndependencies = ["batchtab>=0.2"]\n', None])
def test_a_pyproject_without_a_pin_is_left(text: str | None, old_project: Path) -> None:
    path = old_project / "pyproject.toml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert "pyproject.toml" not in actions(upgraded(old_project))
    assert (path.read_text() if path.exists() else None) == text


def test_a_pin_that_somebody_raised_before_is_right(old_project: Path) -> None:
    path = old_project / "pyproject.toml"
    path.write_text(path.read_text().replace(OLD, NEW))
    assert "pyproject.toml" not in actions(upgraded(old_project))


def test_a_project_that_is_newer_is_refused(project: Path, snapshot: Snapshot) -> None:
    before = snapshot(project)
    for version in ("0.1.9", "0.2.0rc1"):
        with pytest.raises(UsageError) as caught:
            plan_upgrade(project, version)
        assert str(caught.value) == (
            f"batchtab: this project is of version 0.2.0, and this is Batchtab {version} "
            '[hint: pip install "batchtab==0.2.0"]'
        )
    # AND one whose pin is
    (project / "pyproject.toml").write_text('dependencies = ["batchtab==0.4.0"]')
    with pytest.raises(UsageError, match=r"pyproject\.toml pins version 0\.4\.0, and this is Batchtab 0\.3\.0"):
        plan_upgrade(project, NEW)
    assert {**before, "pyproject.toml": b'dependencies = ["batchtab==0.4.0"]'} == snapshot(project)


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^batchtab: this folder is not a project: batchtab-project.json is missing"):
        plan_upgrade(tmp_path, NEW)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "batchtab-project.json:1: is not JSON"),
        (b'{\n<<<<<<< HEAD\n"version": "0.2.0"}', "batchtab-project.json:2: is not JSON"),
        (b"\xff\xfe", "batchtab-project.json: is not text"),
        (b"[]", "batchtab-project.json: is not what Batchtab wrote"),
        (b"{}", "batchtab-project.json: is not what Batchtab wrote"),
        (json.dumps({"version": "x", "answers": {}, "files": {}}).encode(), "is not what Batchtab wrote"),
    ],
)
def test_a_spoiled_manifest_is_one_line(content: bytes, said: str, project: Path) -> None:
    (project / manifest.FILE_NAME).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        plan_upgrade(project, NEW)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "git checkout batchtab-project.json"


def test_names_in_the_manifest_are_checked_too(project: Path) -> None:
    path = project / manifest.FILE_NAME
    path.write_text(path.read_text().replace('"reports"', '"../../x"'))
    with pytest.raises(UsageError, match=r"batchtab-project\.json: service: '\.\./\.\./x' is not allowed"):
        plan_upgrade(project, NEW)


def test_a_stage_more_in_the_answers_reaches_the_workflow(project: Path) -> None:
    path = project / manifest.FILE_NAME
    path.write_text(path.read_text().replace('"prod"', '"prod", "staging"'))
    upgraded(project)
    assert """'["prod", "staging"]'""" in (project / ".github" / "workflows" / "plan.yml").read_text()
    assert not (project / "config" / "staging.yaml").exists()


def test_a_file_that_cannot_be_written_is_one_line(old_project: Path) -> None:
    def refuse(path: Path, _text: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with pytest.raises(UsageError, match=r"Permission denied \[hint: correct that, and run the upgrade again\]"):
        plan_upgrade(old_project, NEW).apply(refuse)


@pytest.mark.parametrize("seed", range(8))
def test_an_upgrade_that_is_killed_anywhere_ends_as_one_that_is_not(
    seed: int, old_project: Path, tmp_path: Path, snapshot: Snapshot
) -> None:
    # GIVEN a project in which some files are unchanged, changed, deleted or up to date already
    chance = random.Random(seed)  # noqa: S311
    for name in OWNED:
        path = old_project / name
        match chance.choice(["unchanged", "unchanged", "changed", "deleted", "new"]):
            case "changed":
                edit(path)
            case "deleted":
                path.unlink()
            case "new":
                path.write_bytes(FRESH[name])
    start = snapshot(old_project)
    whole = upgraded(restored(tmp_path / "whole", start))
    expected = snapshot(tmp_path / "whole")
    writes = 1 + sum(step.action is Action.WRITE for step in whole.steps)
    for stop in range(writes):
        for half in (False, True):
            # WHEN the upgrade is killed before a write, or in the middle of it, and run again
            root = restored(tmp_path / f"{stop}-{half}", start)
            with pytest.raises(Killed):
                plan_upgrade(root, NEW).apply(killed_after(stop, half=half))
            again = upgraded(root)
            # THEN all is as if it had not been, and what a person must know is said by the second run
            assert snapshot(root) == expected
            decisions = {Action.LEAVE, Action.SKIP}
            assert {s for s in again.steps if s.action in decisions} == {
                s for s in whole.steps if s.action in decisions
            }
            assert not plan_upgrade(root, NEW).is_needed


def killed_after(writes: int, *, half: bool) -> Callable[[Path, str], None]:
    left = [writes]

    def write(path: Path, text: str) -> None:
        if left[0]:
            left[0] -= 1
            return write_file(path, text)
        if half:
            path.with_name(f".{path.name}.batchtab-new").write_text(text[: len(text) // 2])
        raise Killed

    return write


def restored(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
