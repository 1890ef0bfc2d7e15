"""What a review leaves behind counts what was synthesized, of which Terraform's plans say only a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.plan_review.summaries import content

from batchtab.cli.deployment.review import contents
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.runner_image.lookup import DIGEST_VARIABLE
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.stacks import Plan

STACK = "jobs-my-service"


class Shown:
    """Stacks of which one is planned, with stand-ins: Terraform says the same of it, whatever its locals are."""

    def __init__(self, folder: Path, policy: str, image: str) -> None:
        self._folder = folder
        written = {"locals": {"policy": policy}, "output": {"image": {"value": image}}}
        (folder / "cdk.tf.json").write_text(json.dumps(written))

    def shown(self, plans: list[Plan]) -> list[dict[str, Any]]:
        return [content("first-deploy") | {"batchtab_provisional": True} for _ in plans]

    def hash_of_written(self, _plan: Plan, replaced: dict[str, str]) -> str:
        return Configuration(self._folder).hash_of_written(replaced)


def test_a_policy_in_a_local_is_part_of_a_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def review(policy: str, image: str) -> Reviewed:
        monkeypatch.setenv(DIGEST_VARIABLE, image)
        stacks: Any = Shown(tmp_path, policy, f"r@{image}")
        return Reviewed.of(contents(stacks, [Plan(STACK, True, "", tmp_path, "", True)]))

    # GIVEN a review of a plan with stand-ins
    before = review("s3:GetObject", "sha256:0")
    # THEN the same with the image that was built since is no objection
    assert before.objections(review("s3:GetObject", "sha256:1")) == []
    # WHEN a local has another policy THEN it is one, though Terraform's plan is the same
    assert before.objections(review("s3:*", "sha256:1")) == [f"{STACK}: its configuration is not the reviewed one"]
