"""The commands between the steps: stage, roles, image, stand-ins, what later steps are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import copy_project

from batchtab.cli.ci.role_memory import Asked
from batchtab.cli.ci.roles import configuration, copy_module
from batchtab.cli.main import main
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.runner_image import build, lookup
from batchtab.runner_image.lookup import NOT_BUILT, find_or_build, look_up, source_hash
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.placeholders import Inputs, folder_with
from batchtab.terraform.session import Session

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stage `prod`."""
    copy_project(tmp_path)
    (tmp_path / "config" / "example.yaml").rename(tmp_path / "config" / "prod.yaml")  # two own no repository
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Registry:
    """ECR, as far as we ask it."""

    def __init__(self, digest: str | None, *, repository: bool = True) -> None:
        self.digest, self.repository, self.asked = digest, repository, []

    asked: list[tuple[str, str]]

    def image_digest(self, repository: str, tag: str) -> str | None:
        self.asked.append((repository, tag))
        if not self.repository:
            raise LookupError(repository)
        return self.digest


def test_a_stage_tells_its_region_and_roles_to_later_steps(checkout: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(checkout / "output"))
    assert main(["ci", "stage", "--stage", "prod"]) == 0
    told = dict(line.split("=", 1) for line in (checkout / "output").read_text().splitlines())
    assert told == {
        "region": "ap-northeast-2",
        "account_id": "123456789012",
        "plan_role_arn": "arn:aws:iam::123456789012:role/batchtab-prod-ci-plan",
        "deploy_role_arn": "arn:aws:iam::123456789012:role/batchtab-prod-ci-deploy",
    }
    assert "plan_role_arn=arn:aws:iam::123456789012:role/batchtab-prod-ci-plan\n" in capsys.readouterr().out


def test_a_value_of_two_lines_cannot_set_what_it_should_not(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GITHUB_ENV", str(tmp_path / "env"))
    with pytest.raises(ValueError, match="more than one line"):
        actions.set_output("GITHUB_ENV", "X", "1\nPATH=/evil")
    assert not (tmp_path / "env").exists()


def test_the_module_of_the_roles_is_copied_as_often_as_it_takes(tmp_path: Path) -> None:
    # GIVEN an installation whose files and folders are read-only
    source, target = tmp_path / "installed", tmp_path / "module"
    source.mkdir()
    for name in ("main.tf.json", "old.tf.json"):
        (source / name).write_text(name)
        (source / name).chmod(0o444)
    source.chmod(0o555)
    # WHEN it is copied THEN the copy can be written
    copy_module(source, target)
    assert {path.name: path.stat().st_mode & 0o200 for path in target.iterdir()} == {
        "main.tf.json": 0o200,
        "old.tf.json": 0o200,
    }
    assert target.stat().st_mode & 0o200
    # AND a second copy, of a version without one of the files, over a copy that an older Batchtab left read-only
    source.chmod(0o755)
    (source / "old.tf.json").unlink()
    for path in (*target.iterdir(), target):
        path.chmod(0o555)
    copy_module(source, target)
    assert [path.name for path in target.iterdir()] == ["main.tf.json"]


def test_the_roles_are_made_from_the_stages_own_file(checkout: Path) -> None:
    asked = Asked(branch="main")
    given = {"repository": "my-company/jobs", "repository_id": "456789", "owner_id": None, "asked": asked}
    made = configuration(Session.open("prod", checkout), "./module", given)
    assert made["module"]["ci_roles"] == {
        "source": "./module",
        "namespace": "batchtab-prod",
        "stage": "prod",
        "github_repository": "my-company/jobs",
        "branch": "main",
        "repository_id": "456789",
        "state_bucket": "my-company-terraform-state",
        "region": "ap-northeast-2",
        "repository_names": ["batchtab-runner"],
        "pulled_repository_names": [],
        "manages_network": False,
    }
    # AND their state is not where a deployment can write
    assert made["terraform"]["backend"]["s3"]["key"] == "ci/prod.tfstate"
    assert made["provider"]["aws"]["allowed_account_ids"] == ["123456789012"]


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("jobs/Dockerfile", True),
        ("jobs/examples/hello.py", True),
        ("jobs/my-service/jobs.yaml", False),
        ("jobs/README.md", False),
        ("config/prod.yaml", False),
    ],
)
def test_an_images_tag_follows_the_files_that_are_in_it(checkout: Path, file: str, counts: bool) -> None:
    # GIVEN the hash of the image's files
    before = source_hash(checkout)
    assert before == source_hash(checkout)
    # WHEN a file changes THEN the hash does, if the file is in the image
    with (checkout / file).open("a") as sink:
        sink.write("\n")
    assert (source_hash(checkout) != before) == counts


def test_an_image_that_was_built_is_found_by_its_files(checkout: Path) -> None:
    registry: Any = Registry(DIGEST)
    image = look_up(Session.open("prod", checkout), registry)
    assert (image.digest, image.did) == (DIGEST, "found")
    assert registry.asked == [("batchtab-runner", f"src-{source_hash(checkout)}")]


@pytest.mark.parametrize("repository", [True, False])
def test_an_image_that_is_not_there_is_told_so(checkout: Path, repository: bool) -> None:
    image = look_up(Session.open("prod", checkout), Registry(None, repository=repository))  # type: ignore[arg-type]
    assert (image.digest, image.did) == (None, "missing")


def test_an_image_that_is_there_is_not_built_again(checkout: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(build, "build", lambda **_: pytest.fail("built"))
    assert find_or_build(Session.open("prod", checkout), Registry(DIGEST)).did == "found"  # type: ignore[arg-type]


def test_without_a_repository_or_a_builder_it_says_what_to_do(checkout: Path, monkeypatch: Any) -> None:
    session = Session.open("prod", checkout)
    with pytest.raises(UsageError, match=r"batchtab deploy --stage prod --no-jobs makes it"):
        find_or_build(session, Registry(None, repository=False))  # type: ignore[arg-type]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="nothing here builds images"):
        find_or_build(session, Registry(None))  # type: ignore[arg-type]


def test_the_digest_that_stands_for_none_is_one_in_form() -> None:
    assert NOT_BUILT == "sha256:" + "0" * 64
    assert lookup.DIGEST_VARIABLE == "BATCHTAB_RUNNER_IMAGE_DIGEST"


def test_a_stack_reads_stand_ins_from_a_copy(checkout: Path) -> None:
    # GIVEN a stack that reads from another
    folder = checkout / "stack"
    folder.mkdir()
    outputs = "data.terraform_remote_state.environment.outputs"
    content = {
        "data": {"terraform_remote_state": {"environment": {"backend": "s3", "config": {"bucket": "b"}}}},
        "resource": {"x": {"y": {"a": f"${{{outputs}.job_queue_arn_default}}", "b": f"${{{outputs}.subnet_ids}}"}}},
        "terraform": {"backend": {"s3": {"bucket": "b"}}},
    }
    (folder / "cdk.tf.json").write_text(json.dumps(content))
    # WHEN it is copied
    copy = folder_with(Configuration(folder), Inputs({}, {}), Session.open("prod", checkout))
    assert copy != folder
    made = json.loads((copy / "cdk.tf.json").read_text())
    # THEN the copy reads values of the right kind from a file, and keeps its own state where it is
    read = made["data"]["terraform_remote_state"]["environment"]
    state = json.loads((copy / read["config"]["path"]).read_text())
    assert state["outputs"]["job_queue_arn_default"]["value"].startswith("arn:aws:batch:ap-northeast-2:123456789012:")
    assert state["outputs"]["subnet_ids"] == {"value": ["subnet-00000000"], "type": ["list", "string"]}
    assert made["terraform"] == content["terraform"]
    # AND the stack itself is as it was
    assert json.loads((folder / "cdk.tf.json").read_text()) == content


def test_a_stack_that_reads_from_none_has_no_stand_ins(checkout: Path) -> None:
    folder = checkout / "stack"
    folder.mkdir()
    (folder / "cdk.tf.json").write_text("{}")
    assert folder_with(Configuration(folder), Inputs({}, {}), Session.open("prod", checkout)) == folder


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "give either --reviewed FILE or --unreviewed"),
        (["--reviewed", "x", "--unreviewed"], "give either --reviewed FILE or --unreviewed"),
        (["--reviewed", "absent.json"], "absent.json: No such file"),
        (["--unreviewed", "--stack", "jobs-x"], "jobs-x is not a stack of prod"),
    ],
)
@pytest.mark.usefixtures("checkout")
def test_a_deployment_says_what_it_lacks(options: list[str], why: str, capsys: Any) -> None:
    assert main(["deploy", "--stage", "prod", *options]) == 2
    assert why in capsys.readouterr().err
