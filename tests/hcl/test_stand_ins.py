"""A stack is planned before what it reads is deployed: Terraform itself reads the stand-ins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import copy_project

from batchtab.errors import UsageError
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks

OUTPUTS = "data.terraform_remote_state.environment.outputs"
DEPLOYED = {"value": "arn:aws:batch:us-east-1:0:job-queue/real", "type": "string"}


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stacks:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Stacks(Session.open("local", copy_project(tmp_path)))


def stack_reading(root: Path, values: dict[str, Any], deployed: dict[str, Any] | None) -> None:
    """Writes a stack without any provider, and the state of the other one that it reads, if that is deployed."""
    folder = root / "cdktf.out" / "stacks" / "jobs-orders"
    folder.mkdir(parents=True)
    if deployed is not None:
        state = {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "x", "resources": []}
        (root / "environment.tfstate").write_text(json.dumps(state | {"outputs": deployed}))
    read = {"backend": "local", "config": {"path": str(root / "environment.tfstate")}}
    content = {
        "data": {"terraform_remote_state": {"environment": read}},
        "resource": {"terraform_data": {"job": {"input": values}}},
    }
    (folder / "cdk.tf.json").write_text(json.dumps(content))


def planned(stacks: Stacks) -> tuple[dict[str, str], bool]:
    plan = stacks.plan_one("jobs-orders", lambda _: None)
    (change,) = stacks.show(plan)["resource_changes"]
    values: dict[str, str] = change["change"]["after"]["input"]
    return values, plan.provisional


def test_of_a_state_that_lacks_an_output_the_others_are_real(stacks: Stacks, tmp_path: Path) -> None:
    # GIVEN a job on a queue that is deployed, and one on a queue that comes with the same change
    values = {"old": f"${{{OUTPUTS}.job_queue_arn_default}}", "new": f"${{{OUTPUTS}.job_queue_arn_nightly}}"}
    stack_reading(tmp_path, values, {"job_queue_arn_default": DEPLOYED})
    # WHEN they are planned THEN only what is not there is a stand-in, and the plan says that it has one
    assert planned(stacks) == (
        {"old": DEPLOYED["value"], "new": "arn:aws:iam::000000000000:stand-in/job_queue_arn_nightly"},
        True,
    )


def test_without_a_state_all_are_stand_ins(stacks: Stacks, tmp_path: Path) -> None:
    stack_reading(tmp_path, {"only": f"${{{OUTPUTS}.job_queue_arn_default}}"}, None)
    assert planned(stacks) == ({"only": "arn:aws:iam::000000000000:stand-in/job_queue_arn_default"}, True)


def test_where_all_is_there_nothing_is_a_stand_in(stacks: Stacks, tmp_path: Path) -> None:
    stack_reading(tmp_path, {"only": f"${{{OUTPUTS}.job_queue_arn_default}}"}, {"job_queue_arn_default": DEPLOYED})
    assert planned(stacks) == ({"only": DEPLOYED["value"]}, False)


def test_another_fault_remains_a_fault(stacks: Stacks, tmp_path: Path) -> None:
    stack_reading(tmp_path, {"only": "${terraform_data.job.absent}"}, {})
    with pytest.raises(UsageError, match="terraform plan of jobs-orders failed: Error: "):
        planned(stacks)
