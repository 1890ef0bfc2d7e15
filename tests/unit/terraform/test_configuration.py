"""The hash of a configuration: what changes a deployment changes it, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab.terraform.configuration import Configuration

READ = "${data.terraform_remote_state.environment_x.outputs.queue_arn}"
CONTENT: dict[str, Any] = {
    "//": {"metadata": {"version": "0.21.0"}},
    "data": {"terraform_remote_state": {"environment_x": {"config": {"key": "prod/environment.tfstate"}}}},
    "resource": {"aws_x": {"job": {"//": {"metadata": {"path": "a/b"}}, "queue": READ, "items": [{"//": 1, "n": 2}]}}},
}
VALUES = {"environment": {"queue_arn": "arn:1", "other": "x"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "jobs-orders"
    (made / "assets" / "code").mkdir(parents=True)
    (made / "assets" / "code" / "function.zip").write_bytes(b"1")
    write(made, CONTENT)
    return made


def write(folder: Path, content: dict[str, Any]) -> None:
    (folder / "cdk.tf.json").write_text(json.dumps(content))


def test_a_stack_reads_from_the_stacks_of_its_states_keys(folder: Path) -> None:
    assert Configuration(folder).reads == {"environment": {"queue_arn"}}
    assert Configuration(folder).label("environment") == "environment_x"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["resource"]["aws_x"]["job"].update(queue="other"),
        lambda content: content["resource"]["aws_x"]["job"]["items"][0].update(n=3),
        lambda content: content["data"]["terraform_remote_state"]["environment_x"]["config"].update(region="x"),
        lambda content: content.update(output={"x": {"value": 1}}),
    ],
)
def test_another_configuration_has_another_hash(folder: Path, change: Any) -> None:
    before = Configuration(folder).hash(VALUES)
    content = json.loads(json.dumps(CONTENT))
    change(content)
    write(folder, content)
    assert Configuration(folder).hash(VALUES) != before


def test_text_that_looks_like_a_read_is_none_and_names_may_have_hyphens(folder: Path) -> None:
    content = json.loads(json.dumps(CONTENT))
    content["resource"]["aws_x"]["job"] |= {
        "queue": READ.replace("queue_arn", "job_queue_arn_my-queue"),
        "command": ["echo", "data.terraform_remote_state.foo.outputs.bar"],
        "escaped": "$" + READ.replace("queue_arn", "other"),
        "unknown": READ.replace("environment_x", "elsewhere"),
    }
    write(folder, content)
    assert Configuration(folder).reads == {"environment": {"job_queue_arn_my-queue"}}


def test_another_file_or_input_has_another_hash(folder: Path) -> None:
    before = Configuration(folder).hash(VALUES)
    assert Configuration(folder).hash({"environment": {"queue_arn": "arn:2"}}) != before
    assert Configuration(folder).hash({}) != before
    (folder / "assets" / "code" / "function.zip").write_bytes(b"2")
    assert Configuration(folder).hash(VALUES) != before


def test_comments_order_what_is_not_read_and_what_terraform_left_do_not_count(folder: Path) -> None:
    # GIVEN a hash
    before = Configuration(folder).hash(VALUES)
    # WHEN the framework says another version, keys come in another order, and Terraform was here
    content = json.loads(json.dumps(CONTENT))
    content["//"]["metadata"]["version"] = "0.22.0"
    content["resource"]["aws_x"]["job"]["//"] = {}
    content["resource"]["aws_x"]["job"]["items"][0]["//"] = 7
    write(folder, dict(reversed(content.items())))
    (folder / "plan").write_bytes(b"x")
    (folder / ".terraform").mkdir()
    # THEN it is the same
    assert Configuration(folder).hash({"environment": {"queue_arn": "arn:1", "other": "y"}}) == before


def test_what_was_written_counts_whatever_it_reads_and_without_the_image(folder: Path) -> None:
    # GIVEN a stack with an image
    def hash_with(image: str, content: dict[str, Any] = CONTENT) -> str:
        write(folder, {**content, "output": {"image": {"value": json.dumps({"image": f"r@{image}"})}}})
        return Configuration(folder).hash_of_written({image: "(image)"})

    before = hash_with("sha256:0")
    # THEN another digest does not count, and what is around it does
    assert hash_with("sha256:1") == before
    assert hash_with("sha256:1", {**CONTENT, "locals": {"policy": "*"}}) != before
    assert hash_with("sha256:1", {**CONTENT, "data": {**CONTENT["data"], "aws_x": {"y": {}}}}) != before
    # AND so do its files
    (folder / "assets" / "code" / "function.zip").write_bytes(b"2")
    assert hash_with("sha256:1") != before
