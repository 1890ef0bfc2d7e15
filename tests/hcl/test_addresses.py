"""Addresses are API: one that was there is there, or a `moved` block says where it went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab.constructs._terraform import export
from batchtab.constructs._terraform.framework import TerraformOutput
from batchtab.constructs._terraform.module_stack import ModuleStack

ADDRESSES: dict[str, list[str]] = json.loads(Path(__file__).with_name("addresses.json").read_text(encoding="utf-8"))


def main_file(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((export.MODULES / name / "main.tf.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("name", export.names())
def test_no_address_is_lost(name: str) -> None:
    content = main_file(name)
    now = {f"{type_}.{label}" for type_, named in content["resource"].items() for label in named}
    moved = {move["from"] for move in content.get("moved", [])}
    known = set(ADDRESSES[name])
    assert known - now - moved == set(), "call ModuleStack.moved(old, new) in module.py, and say so in the README"
    assert now - known == set(), "add the new addresses to tests/hcl/addresses.json"


def test_a_module_says_what_moved() -> None:
    # GIVEN a module whose resource got another address
    stack = ModuleStack("example")
    TerraformOutput(stack, "name", value="x")
    stack.moved("aws_iam_role.role", "aws_iam_role.job_role")
    stack.moved("aws_iam_role.rule", "aws_iam_role.trigger_role")
    # THEN its main file says so
    assert stack.files()["main.tf.json"]["moved"] == [
        {"from": "aws_iam_role.role", "to": "aws_iam_role.job_role"},
        {"from": "aws_iam_role.rule", "to": "aws_iam_role.trigger_role"},
    ]
