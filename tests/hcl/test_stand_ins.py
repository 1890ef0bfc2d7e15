"""A stack is planned before what it reads is deployed: Terraform itself reads the stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.projects import copy_project

from batchtab.errors import UsageError
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.placeholders import Inputs
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks

OUTPUTS = "data.terraform_remote_state.environment.outputs"
DEPLOYED = {"value": "arn:aws:batch:us-east-1:0:job-queue/real", "type": "string"}
CHANGED = {"value": "arn:aws:batch:us-east-1:0:job-queue/renamed", "type": "string"}
# Of the stage's region: preconditions of the stack compare regions.
PLACEHOLDER = "arn:aws:batch:ap-northeast-2:000000000000:placeholder/"


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stacks]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with Stacks(Session.open("local", copy_project(tmp_path))) as stacks:
        yield stacks


@pytest.fixture
def planned(stacks: Stacks, tmp_path: Path) -> Any:
    """Plans a stack without any provider; what its one resource is given, and whether stand-ins are in it."""

    def plan(
        values: dict[str, str],
        deployed: Mapping[str, Mapping[str, Any]] | None = None,
        to_come: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[dict[str, str], bool]:
        folder = tmp_path / "cdktf.out" / "stacks" / "jobs-orders"
        folder.mkdir(parents=True)
        state = {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "x", "resources": []}
        (tmp_path / "environment.tfstate").write_text(json.dumps({**state, "outputs": deployed or {}}))
        read = {"backend": "local", "config": {"path": str(tmp_path / "environment.tfstate")}}
        content = {
            "data": {"terraform_remote_state": {"environment": read}},
            "resource": {"terraform_data": {"job": {"input": values}}},
        }
        (folder / "cdk.tf.json").write_text(json.dumps(content))
        inputs = Inputs(
            {} if deployed is None else {"environment": deployed}, {"environment": to_come} if to_come else {}
        )
        (made,) = stacks.plan([Configuration(folder)], inputs, lambda _: None)
        (change,) = stacks.show(made)["resource_changes"]
        given: dict[str, str] = change["change"]["after"]["input"]
        return given, made.provisional

    return plan


def test_of_a_state_that_lacks_an_output_the_others_are_real(planned: Any) -> None:
    # GIVEN a job on a queue that is deployed, and one on a queue that comes with the same change
    values = {"old": f"${{{OUTPUTS}.job_queue_arn_default}}", "new": f"${{{OUTPUTS}.job_queue_arn_nightly}}"}
    # WHEN they are planned THEN only what is not there is a stand-in, and the plan says that it has one
    assert planned(values, {"job_queue_arn_default": DEPLOYED}) == (
        {"old": DEPLOYED["value"], "new": f"{PLACEHOLDER}job_queue_arn_nightly"},
        True,
    )


def test_without_a_state_all_are_stand_ins(planned: Any) -> None:
    assert planned({"only": f"${{{OUTPUTS}.job_queue_arn_default}}"}) == (
        {"only": f"{PLACEHOLDER}job_queue_arn_default"},
        True,
    )


def test_of_a_deployment_that_broke_off_all_outputs_are_stand_ins(planned: Any) -> None:
    # GIVEN a state without any output: the first apply of the environment failed
    assert planned({"only": f"${{{OUTPUTS}.job_queue_arn_default}}"}, {}) == (
        {"only": f"{PLACEHOLDER}job_queue_arn_default"},
        True,
    )


def test_where_all_is_there_nothing_is_a_stand_in(planned: Any) -> None:
    deployed = {"job_queue_arn_default": DEPLOYED}
    assert planned({"only": f"${{{OUTPUTS}.job_queue_arn_default}}"}, deployed) == ({"only": DEPLOYED["value"]}, False)


def test_what_another_plan_changes_is_planned_with_its_new_value(planned: Any) -> None:
    # GIVEN a job on two queues, one of which another stack's plan renames
    values = {"stays": f"${{{OUTPUTS}.job_queue_arn_default}}", "moves": f"${{{OUTPUTS}.job_queue_arn_other}}"}
    deployed = {"job_queue_arn_default": DEPLOYED, "job_queue_arn_other": DEPLOYED}
    # WHEN it is planned with that THEN the plan has the name to come, which is no stand-in
    assert planned(values, deployed, {"job_queue_arn_other": CHANGED}) == (
        {"stays": DEPLOYED["value"], "moves": CHANGED["value"]},
        False,
    )


def test_another_fault_remains_a_fault(planned: Any) -> None:
    with pytest.raises(UsageError, match="terraform plan of jobs-orders failed: Error: "):
        planned({"only": "${terraform_data.job.absent}"})
