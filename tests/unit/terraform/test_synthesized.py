"""Stacks that another job synthesized are data: what was written, for the AWS provider alone, and no program."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchtab.declarations.catalog import load
from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError
from batchtab.terraform.synthesized import Synthesized, digest

BACKEND = {"bucket": "my-company-terraform-state", "key": "example/jobs.tfstate", "region": "ap-northeast-2"}
STACK: dict[str, Any] = {
    "//": {"metadata": {}},
    "terraform": {"backend": {"s3": BACKEND}, "required_providers": {"aws": {"source": "aws", "version": "5.100.0"}}},
    "provider": {"aws": [{"region": "ap-northeast-2", "allowed_account_ids": ["123456789012"]}]},
    "data": {
        "aws_region": {"current": {}},
        "terraform_remote_state": {
            "environment": {"backend": "s3", "config": {**BACKEND, "key": "example/environment.tfstate"}}
        },
    },
    "resource": {
        "aws_batch_job_definition": {
            "a": {"container_properties": '{"image":"r@sha256:000","command":["sh","file(x) $${file(1)}"]}'}
        }
    },
}


@pytest.fixture
def stage(project: Path) -> StageConfig:
    return load("example", project).stage


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Synthesized]:
    """Writes a folder as `ci synth` does, with one stack."""

    def write(content: dict[str, Any]) -> Synthesized:
        folder = tmp_path / "given"
        stack = folder / "example" / "stacks" / "jobs"
        (stack / "assets" / "x").mkdir(parents=True)
        (stack / "assets" / "x" / "code.zip").write_bytes(b"zip")
        (stack / "cdk.tf.json").write_text(json.dumps(content))
        return Synthesized(folder, digest(folder))

    return write


def spoiled(path: str, value: Any) -> dict[str, Any]:
    """The stack with one value at a path of dots."""
    content: dict[str, Any] = json.loads(json.dumps(STACK))
    *parents, last = path.split(".")
    at: Any = content
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    at[last] = value
    return content


def test_stacks_are_taken_with_what_only_the_taker_knows(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path
) -> None:
    # GIVEN an older synthesis, and what another job wrote
    out = tmp_path / "cdktf.out"
    (out / "stacks" / "gone").mkdir(parents=True)
    # WHEN it is taken
    pack(STACK).take(stage, out, {"sha256:000": "sha256:abc"})
    # THEN it stands in its place, files and all, with the image's digest
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "stacks/jobs/assets/x/code.zip",
        "stacks/jobs/cdk.tf.json",
    ]
    assert "r@sha256:abc" in (out / "stacks" / "jobs" / "cdk.tf.json").read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "example/stacks/jobs/assets/x/code.zip").write_bytes(b"other"),
        lambda folder: (folder / "example/stacks/jobs/more.txt").touch(),
        lambda folder: (folder / "example/stacks/jobs/cdk.tf.json").rename(folder / "example/stacks/jobs/a.tf.json"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path, change: Callable[[Path], Any]
) -> None:
    given = pack(STACK)
    change(given.folder)
    with pytest.raises(UsageError, match=r"has the digest sha256:.*: somebody changed it"):
        given.take(stage, tmp_path / "out", {})
    assert not (tmp_path / "out").exists()


def test_a_link_is_refused(pack: Callable[..., Synthesized]) -> None:
    given = pack(STACK)
    (given.folder / "example" / "stacks" / "jobs" / "assets" / "y").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="is a link"):
        digest(given.folder)


def test_a_second_file_for_terraform_is_refused(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path
) -> None:
    # GIVEN a file that the other job wrote, and that Terraform would read
    given = pack(STACK)
    (given.folder / "example" / "stacks" / "jobs" / "more.tf").write_text("data external x {}")
    with pytest.raises(UsageError, match=r"more\.tf is no file of a stack"):
        Synthesized(given.folder, digest(given.folder)).take(stage, tmp_path / "out", {})


def test_a_stage_that_was_not_synthesized_is_one_line(
    pack: Callable[..., Synthesized], project: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="local/stacks is not there") as caught:
        pack(STACK).take(load("local", project).stage, tmp_path / "out", {})
    assert "batchtab ci synth --stage local" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("module", {"x": {"source": "git::https://evil.example"}}, "module is not allowed in a stack"),
        ("data.external.x", {"program": ["sh"]}, "data.external is not of the AWS provider"),
        ("data.http.x", {}, "data.http is not of the AWS provider"),
        ("resource.null_resource.x", {}, "null_resource is not of the AWS provider"),
        (
            "resource.aws_batch_job_definition.a.provisioner",
            [{"local-exec": {"command": "env"}}],
            "aws_batch_job_definition.a has a provisioner, which would run a program",
        ),
        ("resource.aws_sqs_queue.a", [{"provisioner": {}}], "aws_sqs_queue.a has a provisioner"),
        (
            "terraform.required_providers.evil",
            {"source": "evil/evil"},
            "the provider evil/evil is not the AWS provider",
        ),
        ("terraform.required_providers.aws.source", "evil/aws", "the provider evil/aws is not"),
        ("terraform.cloud", {}, "terraform.cloud is not allowed"),
        ("terraform.backend.http", {"address": "https://evil.example"}, "terraform.backend.http is not allowed"),
        ("terraform.backend.s3.bucket", "evil", "terraform.backend.s3 is not a state of stage example"),
        ("terraform.backend.s3.key", "ci/example.tfstate", "terraform.backend.s3 is not a state of stage example"),
        ("terraform.backend.s3.profile", "x", "terraform.backend.s3.profile is not allowed"),
        ("provider.aws.0.shared_config_files", ["assets/x"], "provider.aws.shared_config_files is not allowed"),
        ("provider.aws.0.endpoints", [{"sts": "https://evil.example"}], "provider.aws.endpoints is not allowed"),
        ("provider.evil", [{}], "provider.evil is not allowed"),
        ("data.terraform_remote_state.environment.backend", "http", "reads from elsewhere than S3"),
        ("data.terraform_remote_state.environment.config.profile", "x", "environment.profile is not allowed"),
        ("output.x.value", '${file("/proc/self/environ")}', "file() would read a file of the machine"),
        ("output.x.value", '$$${filebase64 ("x")}', "filebase64() would read a file"),
        ("output.x.value", '%{ if true }${templatefile("x", {})}%{ endif }', "templatefile() would read a file"),
    ],
)
def test_what_could_run_a_program_or_read_the_machine_is_refused(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path, path: str, value: Any, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        pack(spoiled(path, value)).take(stage, tmp_path / "out", {})
    assert says in str(caught.value)
    assert "stacks/jobs/cdk.tf.json: " in str(caught.value)
