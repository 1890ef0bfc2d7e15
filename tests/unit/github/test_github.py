"""Comments, drift issues and releases, against a small GitHub."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.unit.github.fake_github import BOT, REPOSITORY, TOKEN, FakeGitHub
from tests.unit.plan_review.summaries import PLANS

from batchtab.cli.main import main
from batchtab.errors import UsageError
from batchtab.github.api import GitHubError
from batchtab.github.client import GitHub

MARKER = "<!-- batchtab: plan of prod -->"


@pytest.fixture
def hub(fake: FakeGitHub) -> GitHub:
    return GitHub(fake.url, REPOSITORY, TOKEN, pause=0.001)


def test_a_comment_is_made_once_and_then_changed_in_place(fake: FakeGitHub, hub: GitHub) -> None:
    # GIVEN a pull request with a comment of somebody
    fake.comments[7] = [{"id": 1, "body": "looks good", "user": {"login": "somebody"}}]
    # WHEN two plans are told
    first = hub.upsert_comment(7, MARKER, "one")
    second = hub.upsert_comment(7, MARKER, "two")
    # THEN there is one comment of ours, which says the second
    assert (first.did, second.did) == ("created", "updated")
    assert [comment["body"] for comment in fake.comments[7]] == ["looks good", f"{MARKER}\ntwo"]
    # AND the same again writes nothing
    writes = fake.count("PATCH") + fake.count("POST")
    assert hub.upsert_comment(7, MARKER, "two").did == "unchanged"
    assert fake.count("PATCH") + fake.count("POST") == writes


def test_two_stages_have_a_comment_each(fake: FakeGitHub, hub: GitHub) -> None:
    hub.upsert_comment(7, MARKER, "one")
    hub.upsert_comment(7, "<!-- batchtab: plan of prod2 -->", "two")
    assert len(fake.comments[7]) == 2


def test_our_comment_is_found_on_a_later_page(fake: FakeGitHub, hub: GitHub) -> None:
    others = [{"id": n, "body": "x", "user": {"login": "somebody"}} for n in range(250)]
    fake.comments[7] = [*others, {"id": 999, "body": f"{MARKER}\nold", "user": {"login": BOT}}]
    assert hub.upsert_comment(7, MARKER, "new").did == "updated"
    assert len(fake.comments[7]) == 251


def test_somebody_elses_comment_with_our_marker_stays_alone(fake: FakeGitHub, hub: GitHub) -> None:
    # GIVEN somebody who wants us to speak from a comment that is theirs to change
    fake.comments[7] = [{"id": 1, "body": f"{MARKER}\nnothing changes", "user": {"login": "mallory"}}]
    assert hub.upsert_comment(7, MARKER, "one").did == "created"
    assert fake.comments[7][0]["body"] == f"{MARKER}\nnothing changes"


@pytest.mark.parametrize(
    "failure",
    [(502, {}, False), (429, {"Retry-After": "0"}, False), (403, {"Retry-After": "0"}, False), (500, {}, False)],
)
def test_a_passing_failure_is_tried_again(fake: FakeGitHub, hub: GitHub, failure: Any) -> None:
    fake.failures = [failure]
    assert hub.upsert_comment(7, MARKER, "one").did == "created"


def test_a_comment_that_was_made_without_an_answer_is_not_made_twice(fake: FakeGitHub, hub: GitHub) -> None:
    # GIVEN a GitHub that makes the comment, and then fails to say so
    fake.comments[7] = []
    fake.failures = []
    original = fake.answer

    def once(method: str, path: str, query: Any, body: bytes) -> tuple[int, Any]:
        answer = original(method, path, query, body)
        if method == "POST":
            fake.answer = original  # type: ignore[method-assign]
            return 502, {"message": "Bad Gateway"}
        return answer

    fake.answer = once  # type: ignore[method-assign]
    hub.upsert_comment(7, MARKER, "one")
    assert len(fake.comments[7]) == 1


def test_it_gives_up_after_a_few_tries_and_never_shows_the_token(fake: FakeGitHub, hub: GitHub) -> None:
    fake.failures = [(503, {}, False)] * 9
    with pytest.raises(GitHubError, match=r"503 try later \(4 tries\)") as caught:
        hub.upsert_comment(7, MARKER, "one")
    assert len(fake.requests) == 4
    assert TOKEN not in str(caught.value)


def test_a_refusal_is_not_tried_again(fake: FakeGitHub) -> None:
    with pytest.raises(GitHubError, match="401 Bad credentials"):
        GitHub(fake.url, REPOSITORY, "wrong", pause=0.001).upsert_comment(7, MARKER, "one")
    assert len(fake.requests) == 1


def test_nobody_there_is_told() -> None:
    with pytest.raises(GitHubError, match="no answer"):
        GitHub("http://127.0.0.1:1", REPOSITORY, TOKEN, pause=0.001).upsert_comment(7, MARKER, "one")


@pytest.mark.parametrize("name", ["jobs", "a/b/c", "a/../b", "a/..", "a/b?x"])
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a repository"):
        GitHub("http://127.0.0.1:1", name, TOKEN)


def test_the_command_comments_on_the_events_pull_request(fake: FakeGitHub, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "plan.md"
    assert main(["ci", "summary", str(PLANS / "schedule-change"), "--format", "markdown", "--out", str(file)]) == 0
    assert main(["ci", "comment", str(file), "--stage", "prod"]) == 0
    assert "comment of stage prod on #7: created" in capsys.readouterr().out
    assert fake.comments[7][0]["body"].startswith(f"{MARKER}\n## batchtab-local: 1 job changes")
    # AND what GitHub would refuse is refused before
    file.write_text("x" * 65_537)
    assert main(["ci", "comment", str(file), "--stage", "prod"]) == 2
    assert "bytes, more than the" in capsys.readouterr().err


@pytest.mark.usefixtures("fake")
def test_the_command_says_what_it_lacks(monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    file.write_text("x")
    monkeypatch.delenv("GITHUB_TOKEN")
    assert main(["ci", "comment", str(file)]) == 2
    assert "GITHUB_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.delenv("GITHUB_EVENT_PATH")
    assert main(["ci", "comment", str(file)]) == 2
    assert "--pull-request NUMBER" in capsys.readouterr().err


def test_drift_opens_one_issue_updates_it_and_closes_it(fake: FakeGitHub) -> None:
    drifted, same = str(PLANS / "schedule-change"), str(PLANS / "nothing-changed")
    # GIVEN a stage that is as it should be THEN nothing happens
    assert main(["ci", "drift", same, "--stage", "prod"]) == 0
    assert fake.issues == []
    # WHEN it differs, two nights THEN there is one issue
    for _ in range(2):
        assert main(["ci", "drift", drifted, "--stage", "prod"]) == 0
    assert len(fake.issues) == 1
    assert fake.issues[0]["title"] == "prod differs from main"
    assert "my-service-do-often" in fake.issues[0]["body"]
    # WHEN it is as it should be again THEN the issue is closed, with a word
    assert main(["ci", "drift", same, "--stage", "prod"]) == 0
    assert fake.issues[0]["state"] == "closed"
    assert "is what main says again" in fake.comments[1][0]["body"]
    # AND the next time it opens another
    assert main(["ci", "drift", drifted, "--stage", "prod"]) == 0
    assert [issue["state"] for issue in fake.issues] == ["closed", "open"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two tags, a module and the version of the second tag."""
    root = tmp_path / "repository"
    module = root / "modules" / "thing"
    module.mkdir(parents=True)
    for name in ("main.tf.json", "README.md", "notes.txt"):
        (module / name).write_text(name)
    (root / "pyproject.toml").write_text('[project]\nname = "batchtab"\nversion = "1.1.0"\n')

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "The first")
    git("tag", "v1.0.0")
    (module / "main.tf.json").write_text("new")
    git("commit", "-am", "Make it better")
    git("tag", "v1.1.0")
    return root


def test_a_release_has_archives_with_checksums_and_what_changed(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    arguments = ["ci", "release-files", "--tag", "v1.1.0", "--root", str(repository), "--out", str(out)]
    assert main(arguments) == 0
    archive = out / "batchtab-thing-v1.1.0.tar.gz"
    first = archive.read_bytes()
    # THEN the archive holds what Terraform needs, and nothing else
    listed = subprocess.run(["tar", "-tzf", str(archive)], capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["thing/README.md", "thing/main.tf.json"]
    # AND its checksum is right
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, check=True, capture_output=True)
    # AND the notes have the commits since the tag before
    notes = (out / "NOTES.md").read_text()
    assert "Since v1.0.0" in notes
    assert "- Make it better" in notes
    assert "The first" not in notes
    # AND a second time makes the same bytes
    shutil.rmtree(out)
    assert main(arguments) == 0
    assert archive.read_bytes() == first


def test_a_release_has_every_module_of_this_repository(tmp_path: Path) -> None:
    # GIVEN the modules of this repository
    modules = Path(__file__).resolve().parents[3] / "modules"
    out = tmp_path / "dist"
    # WHEN a release is written
    assert main(["ci", "release-files", "--tag", "v0.2.0", "--root", str(modules.parent), "--out", str(out)]) == 0
    # THEN each is an archive, with what Terraform reads and the function's zip where there is one
    names = {path.name for path in modules.iterdir() if path.is_dir()}
    assert {"scheduled_job", "job_runs", "ci_roles"} <= names
    alone = {f"batchtab-{name}-v0.2.0.tar.gz" for name in names - {"batchtab"}}
    assert {path.name for path in out.glob("*.tar.gz")} == {*alone, "terraform-aws-batchtab-v0.2.0.tar.gz"}
    with tarfile.open(out / "batchtab-job_runs-v0.2.0.tar.gz") as archive:
        listed = {Path(name).name for name in archive.getnames()}
    assert {"main.tf.json", "variables.tf.json", "versions.tf.json", "submit_run.zip", "README.md"} <= listed


def test_a_release_has_the_packages_of_its_version(fake: FakeGitHub, repository: Path, tmp_path: Path) -> None:
    # GIVEN the folder of `make package`, with a wheel of another version, and what uv leaves there
    out = tmp_path / "dist"
    out.mkdir()
    packages = ["batchtab-1.1.0-py3-none-any.whl", "batchtab-1.1.0.tar.gz"]
    for name in (*packages, "batchtab-1.0.0-py3-none-any.whl", "batchtab-1.0.0.tar.gz", ".gitignore"):
        (out / name).write_text(name)
    # WHEN a release is written and published
    tag = ("--tag", "v1.1.0")
    assert main(["ci", "release-files", *tag, "--root", str(repository), "--out", str(out)]) == 0
    assert main(["ci", "release-publish", *tag, "--files", str(out)]) == 0
    # THEN its packages have checksums and are in it, and nothing else is
    assert sorted(fake.uploads) == ["SHA256SUMS", *packages, "batchtab-thing-v1.1.0.tar.gz"]
    assert [line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()] == [
        "batchtab-thing-v1.1.0.tar.gz",
        *packages,
    ]
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("tag", "version", "line"),
    [
        ("v1.1.1", "1.1.0", "tag v1.1.1 is not version 1.1.0 of "),
        ("v1.1.0-rc1", "1.1.0", "tag v1.1.0-rc1 is not version 1.1.0 of "),
        ("v1.1.0-fine", "1.1.0", "tag v1.1.0-fine is not version 1.1.0 of "),
        ("v1.1.0", "", "pyproject.toml: [project] has no version"),
    ],
)
def test_a_tag_that_is_not_the_packages_version_is_not_released(
    repository: Path, tmp_path: Path, capsys: Any, tag: str, version: str, line: str
) -> None:
    # GIVEN a tag of another version than the package WHEN a release is written
    (repository / "pyproject.toml").write_text(f"[project]\nversion = '{version}'\n" if version else "")
    arguments = ["ci", "release-files", "--tag", tag, "--root", str(repository), "--out", str(tmp_path / "dist")]
    assert main(arguments) == 2
    # THEN one line says so, and nothing is written
    error = capsys.readouterr().err
    assert line in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "dist").exists()


def test_a_candidates_tag_is_that_of_its_version(repository: Path, tmp_path: Path) -> None:
    # GIVEN a version as Python writes it, and its tag as SemVer does THEN they are the same
    (repository / "pyproject.toml").write_text("[project]\nversion = '1.2.0rc1'\n")
    out = str(tmp_path / "dist")
    assert main(["ci", "release-files", "--tag", "v1.2.0-rc.1", "--root", str(repository), "--out", out]) == 0


def test_a_release_is_published_once(fake: FakeGitHub, repository: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "dist"
    assert main(["ci", "release-files", "--tag", "v1.1.0", "--root", str(repository), "--out", str(out)]) == 0
    for _ in range(2):
        assert main(["ci", "release-publish", "--tag", "v1.1.0", "--files", str(out)]) == 0
    assert [release["tag_name"] for release in fake.releases] == ["v1.1.0"]
    assert sorted(fake.uploads) == ["SHA256SUMS", "batchtab-thing-v1.1.0.tar.gz"]
    assert fake.uploads["SHA256SUMS"] == (out / "SHA256SUMS").read_bytes()
    assert fake.count("POST") == 3
    assert "release v1.1.0: completed" in capsys.readouterr().out


@pytest.mark.parametrize("tag", ["main", "v1", "1.0.0", "v1.0.0; rm -rf /"])
def test_what_is_no_version_is_not_released(tag: str, tmp_path: Path, capsys: Any) -> None:
    assert main(["ci", "release-files", "--tag", tag, "--out", str(tmp_path)]) == 2
    assert "is not a version's tag" in capsys.readouterr().err
