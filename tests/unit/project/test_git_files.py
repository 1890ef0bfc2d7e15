"""A project's files as a git ref has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from batchtab.errors import UsageError
from batchtab.project.git_files import GitFiles


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *names, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def commit(folder: Path, message: str = "x") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder, {"config/prod.yaml": "a: 1\n", "jobs/billing/jobs.yaml": "b: 1\n", "jobs/billing/code.py": "x"})
    commit(folder)
    return folder


def written(git_files: GitFiles, name: str, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True)
    git_files.write(git_files.ref(name, "--base"), folder)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_files_of_a_ref_are_its_own_and_not_those_of_the_working_tree(repository: Path, tmp_path: Path) -> None:
    # GIVEN changes since, committed and not, and attributes that would change what is checked out or archived
    write(repository, {".gitattributes": "jobs export-ignore\n*.yaml text eol=crlf\n", "config/prod.yaml": "a: 2\n"})
    commit(repository)
    write(repository, {"config/prod.yaml": "a: 3\n"})
    status = git(repository, "status", "--porcelain")
    # THEN each ref has its own, of them only what is read
    found = GitFiles(repository)
    assert written(found, "HEAD~1", tmp_path / "1") == {
        "config/prod.yaml": "a: 1\n",
        "jobs/billing/jobs.yaml": "b: 1\n",
    }
    assert written(found, "HEAD", tmp_path / "2")["config/prod.yaml"] == "a: 2\n"
    # AND the working tree is as it was
    assert git(repository, "status", "--porcelain") == status
    assert (repository / "config" / "prod.yaml").read_text() == "a: 3\n"


def test_a_project_below_the_repository_s_root_is_read(repository: Path, tmp_path: Path) -> None:
    local = "local: {images: {x: {folder: src/app}, y: ../out, z: gone}}\n"
    write(repository, {"sub/config/local.yaml": local, "sub/src/app/main.py": "", "sub/jobs/a/jobs.yaml": "c: 1\n"})
    commit(repository)
    found = written(GitFiles(repository / "sub"), "HEAD", tmp_path / "1")
    # THEN its own files are there, and the folders in which local jobs run
    assert found == {"config/local.yaml": local, "jobs/a/jobs.yaml": "c: 1\n"}
    assert (tmp_path / "1" / "src" / "app").is_dir()
    assert not (tmp_path / "1" / "gone").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", "-x", "--output=/tmp/x", "a\nb"])
def test_what_could_be_an_option_of_git_is_refused(name: str, repository: Path) -> None:
    with pytest.raises(UsageError, match="is not a git ref"):
        GitFiles(repository).ref(name, "--base")


@pytest.mark.parametrize("name", ["gone", "HEAD:config", "HEAD~9"])
def test_what_names_no_commit_is_refused(name: str, repository: Path) -> None:
    with pytest.raises(UsageError, match=f"--base '{name}' is not a commit"):
        GitFiles(repository).ref(name, "--base")


def test_the_base_is_where_a_branch_left_the_main_one(repository: Path) -> None:
    # GIVEN a branch with a commit, and one on main since
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "-b", "work")
    write(repository, {"config/prod.yaml": "a: 2\n"})
    commit(repository)
    git(repository, "checkout", "-q", "main")
    write(repository, {"config/other.yaml": "a: 2\n"})
    latest = commit(repository)
    git(repository, "checkout", "-q", "work")
    found = GitFiles(repository).fork()
    assert (found.commit, found.name) == (first, "merge-base with main")
    # AND main of the remote comes before the local one
    git(repository, "update-ref", "refs/remotes/origin/main", latest)
    assert GitFiles(repository).fork().label == f"merge-base with origin/main ({first[:10]})"


def test_without_a_main_branch_the_base_has_to_be_named(repository: Path) -> None:
    git(repository, "branch", "-m", "trunk")
    with pytest.raises(UsageError, match=r"there is no branch origin/main, main \[hint: --base REF\]"):
        GitFiles(repository).fork()


def test_branches_that_have_nothing_in_common_are_said(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "other")
    commit(repository, "another first one")
    with pytest.raises(UsageError, match="HEAD and main have no commit in common"):
        GitFiles(repository).fork()


@pytest.mark.parametrize("link", ["jobs/linked", "config/x.yaml", "jobs"])
def test_a_link_is_not_followed_out_of_the_ref(link: str, repository: Path, tmp_path: Path) -> None:
    # GIVEN a link in a place that is read
    if link == "jobs":
        git(repository, "rm", "-q", "-r", "jobs")
    (repository / link).symlink_to("/etc")
    commit(repository)
    with pytest.raises(UsageError, match=f"HEAD:{link} is a symbolic link"):
        written(GitFiles(repository), "HEAD", tmp_path / "1")


def test_a_link_elsewhere_does_not_matter(repository: Path, tmp_path: Path) -> None:
    (repository / "jobs" / "billing" / "latest").symlink_to("code.py")
    commit(repository)
    assert "jobs/billing/jobs.yaml" in written(GitFiles(repository), "HEAD", tmp_path / "1")


def test_a_folder_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="not a git repository"):
        GitFiles(tmp_path)


def test_a_machine_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        GitFiles(tmp_path)
