"""Stacks that another job synthesized are data: what was written, for the AWS provider alone, and no program."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchtab.declarations.catalog import load
from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError
from batchtab.terraform.live_code import found_in
from batchtab.terraform.refusals import FUNCTIONS, texts
from batchtab.terraform.synthesized import Synthesized, digest

ROOT = Path(__file__).parents[3]
CODE = "assets/x/code.zip"
HASH = base64.b64encode(hashlib.sha256(b"zip").digest()).decode()
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
        },
        "aws_lambda_function": {"f": {"filename": CODE, "source_code_hash": HASH}},
        "aws_iam_role_policy": {
            "p": {"policy": '${jsonencode({"a": ["${data.terraform_remote_state.environment.outputs.q["x(y)"]}"]})}'}
        },
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
    # THEN it is in its place, files and all, with the image's digest
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
    with pytest.raises(UsageError, match=r"has the digest sha256:.*: it was changed"):
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
    with pytest.raises(UsageError, match=r"more\.tf is not a file of a stack"):
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
        (
            "data.external.x",
            {"program": ["sh"]},
            "data.external is not among what stacks read: aws_availability_zones, ",
        ),
        ("data.http.x", {}, "data.http is not among"),
        ("data.aws_ecr_authorization_token.x", {}, "data.aws_ecr_authorization_token is not among"),
        ("data.aws_s3_object.x", {"bucket": "b", "key": "k"}, "data.aws_s3_object is not among"),
        (
            "data.aws_availability_zones.x",
            {"filter": [{"name": "${aws_x.y.z}"}]},
            "data.aws_availability_zones.x is not plain text",
        ),
        ("data.terraform_remote_state.environment.config.key", "example/${aws_x.y}", "environment is not plain text"),
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
        ("output.x.value", '${file("/proc/self/environ")}', "file() is a function that no construct calls"),
        ("output.x.value", '$$${filebase64 ("x")}', "filebase64() is a function"),
        ("output.x.value", '%{ if true }${templatefile("x", {})}%{ endif }', "templatefile() is a function"),
        ("output.x.value", '${file/**/("/proc/self/environ")}', "'/*' in an expression"),
        ("output.x.value", '${[file#x\n("/proc/self/environ")]}', "'#' in an expression"),
        ("output.x.value", '${file // x\n ("/proc/self/environ")}', "'//' in an expression"),
        ("output.x.value", "${<<E\n${1}\nE\n}", "'<<' in an expression"),
        ("output.x.value", '${"text ${upper(file("x"))}"}', "file() is a function"),
        ("output.x.value", '$$${"}${file("x")}', "file() is a function"),
        ("output.x.value", "${provider::evil::f(1)}", "provider::evil::f() is a function"),
        ("output.x.value", "${timestamp()}", "timestamp() is a function"),
        (
            "output.x.value",
            "${jsonencode(data.terraform_remote_state.environment.outputs)}",
            "data.terraform_remote_state.environment.outputs is read as a whole",
        ),
        ("output.x.value", '${data["terraform_remote_state"]["environment"]}', "data is read as a whole"),
        ("output.x.value", "${1-data.terraform_remote_state.environment}", "environment is read as a whole"),
        (
            "resource.aws_lambda_function.f.source_code_hash",
            "other",
            f"has the hash {HASH}, and source_code_hash is other",
        ),
        ("resource.aws_lambda_function.f", {"source_code_hash": HASH}, "aws_lambda_function.f has no filename"),
        ("resource.aws_lambda_function.f", {"s3_bucket": "b", "s3_key": "k"}, "aws_lambda_function.f has no filename"),
        ("resource.aws_lambda_function.f", [{}], "aws_lambda_function.f has no filename"),
        (
            "resource.aws_lambda_function.f.filename",
            "/proc/self/environ",
            "'/proc/self/environ' is not a file below assets/",
        ),
        ("resource.aws_lambda_function.f.filename", "assets/../cdk.tf.json", "is not a file below assets/"),
        ("resource.aws_lambda_function.f.filename", "${path.module}/assets/x/code.zip", "is not a file below assets/"),
        (
            "resource.aws_s3_object.o",
            {"source": "/proc/self/environ"},
            "aws_s3_object.o.source '/proc/self/environ' is no",
        ),
        ("resource.aws_s3_object.o", {"source": CODE}, f"has the hash {HASH}, and source_code_hash is None"),
        ("resource.aws_synthetics_canary.c", {"zip_file": "/etc/passwd"}, "aws_synthetics_canary.c.zip_file"),
    ],
)
def test_what_could_run_a_program_or_read_the_machine_is_refused(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path, path: str, value: Any, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        pack(spoiled(path, value)).take(stage, tmp_path / "out", {})
    assert says in str(caught.value)
    assert "stacks/jobs/cdk.tf.json: " in str(caught.value)


def test_of_a_key_that_is_there_twice_what_was_looked_at_is_written(
    pack: Callable[..., Synthesized], stage: StageConfig, tmp_path: Path
) -> None:
    # GIVEN two sections of a name: Python reads the last of them, and Terraform both
    given = pack(STACK)
    path = given.folder / "example" / "stacks" / "jobs" / "cdk.tf.json"
    path.write_text('{"resource": {"null_resource": {"x": {}}}, ' + path.read_text()[1:])
    # WHEN they are taken
    Synthesized(given.folder, digest(given.folder)).take(stage, tmp_path / "out", {})
    # THEN only the one that was looked at is there for Terraform
    assert "null_resource" not in (tmp_path / "out" / "stacks" / "jobs" / "cdk.tf.json").read_text()


def test_functions_that_constructs_call_are_allowed_and_no_others() -> None:
    # GIVEN all modules, which call whatever a stage's stacks call; modules/batchtab reads a job file, as no stack does
    paths = sorted((ROOT / "modules").glob("*/*.tf.json"))
    modules = [json.loads(path.read_text()) for path in paths if path.parent.name != "batchtab"]
    # THEN each function is allowed, and no other is; the one that reads a file hashes the module's own code
    called = {one.text for text in texts(modules) for one in found_in(text) if one.kind == "call"}
    assert called - {"filebase64sha256"} == FUNCTIONS
