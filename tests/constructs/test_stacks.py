"""The stacks that main.py makes of a stage's files: what of a job reaches its construct."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from tests.constructs.template import BOUNDARY_ARN, Template
from tests.projects import PROJECT

from batchtab import app
from batchtab.declarations.catalog import load

JOBS = """
service: billing
jobs:
  plain: {command: [x], schedule: rate(5 minutes)}
  seoul:
    command: [x]
    schedule: 0 9 * * 1-5
    timezone: Asia/Seoul
    except: ["2026-12-25"]
    alerts: {late_after_seconds: 600}
  orders: {command: [x], schedule: rate(5 minutes), concurrency_policy: queue, queue_limit: 3}
  alone: {command: [x], schedule: rate(1 hour), concurrency_policy: forbid}
  alone-elsewhere:
    command: [x]
    image: {repository: billing, tag: v1}
    schedule: rate(1 hour)
    concurrency_policy: forbid
"""
PLAIN = "service: plain\njobs: {x: {command: [x], schedule: rate(5 minutes)}}\n"
SUBMIT = "${data.terraform_remote_state.environment.outputs.submit_function_arn}"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The stacks of the stage `example` with two services, by their names."""
    root = tmp_path_factory.mktemp("project")
    (root / "config").mkdir()
    stage = (
        PROJECT / "config" / "example.yaml"
    ).read_text() + f"\nruns: {{history_days: 30}}\npermissions_boundary_arn: {BOUNDARY_ARN}\n"
    (root / "config" / "prod.yaml").write_text(stage)
    for name, text in (("billing", JOBS), ("plain", PLAIN)):
        (root / "jobs" / name).mkdir(parents=True)
        (root / "jobs" / name / "jobs.yaml").write_text(text)
    app.synthesize(load("prod", root), outdir=str(root / "out"))
    found = {path.parent.name: json.loads(path.read_text()) for path in root.glob("out/stacks/*/cdk.tf.json")}
    shutil.rmtree(root / "out")
    return {name: Template(content) for name, content in found.items()}


@pytest.fixture(scope="module")
def billing(stacks: dict[str, Template]) -> Template:
    return stacks["jobs-billing"]


def container(template: Template, job: str) -> dict[str, Any]:
    properties = template.address("aws_batch_job_definition", f"{job}_job_definition")["container_properties"]
    read: dict[str, Any] = json.loads(properties)
    return {entry["name"]: entry["value"] for entry in read.get("environment", [])}


def test_the_environment_tells_its_submit_function(stacks: dict[str, Template]) -> None:
    environment = stacks["environment"]
    output = environment.content["output"]["submit_function_arn"]
    assert output["value"] == "${aws_lambda_function.runs_function.arn}"
    function = environment.address("aws_lambda_function", "runs_function")
    assert function["environment"]["variables"]["RUNS_HISTORY_DAYS"] == "30"
    assert function["dead_letter_config"] == {"target_arn": "${aws_sqs_queue.trigger_dead_letter_queue.arn}"}


def test_every_role_has_the_stages_boundary(stacks: dict[str, Template]) -> None:
    roles = [role for stack in stacks.values() for role in stack.all("aws_iam_role").values()]
    assert len(roles) > 8
    assert {role["permissions_boundary"] for role in roles} == {BOUNDARY_ARN}


def test_a_compute_environments_name_begins_with_the_namespace(stacks: dict[str, Template]) -> None:
    made = stacks["environment"].one("aws_batch_compute_environment")
    assert made["compute_environment_name_prefix"] == "batchtab-prod-"
    # AND one that was there before is not replaced for it
    assert "compute_environment_name_prefix" in made["lifecycle"]["ignore_changes"]


def test_the_alerts_know_in_which_time_zone_a_run_is_late(stacks: dict[str, Template]) -> None:
    item = stacks["environment"].address("aws_dynamodb_table_item", "alerts_schedule")["for_each"]
    assert list(item) == ["billing-seoul"]
    assert item["billing-seoul"]["schedule"] == "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"
    assert item["billing-seoul"]["timezone"] == "Asia/Seoul"
    assert item["billing-seoul"]["late_after_seconds"] == 600
    # AND they can see what became of it
    variables = stacks["environment"].address("aws_lambda_function", "alerts_function")["environment"]["variables"]
    assert variables["ALERT_RUNS_TABLE_ARN"] == "${aws_dynamodb_table.runs_table.arn}"


def test_a_job_that_needs_no_decision_is_submitted_without_the_function(billing: Template) -> None:
    target = billing.address("aws_cloudwatch_event_target", "plain_target")
    assert target["arn"] == "${data.terraform_remote_state.environment.outputs.job_queue_arn_default}"
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == 299


@pytest.mark.parametrize("job", ["orders", "alone", "alone_elsewhere"])
def test_a_policy_goes_through_the_function(billing: Template, job: str) -> None:
    assert billing.address("aws_cloudwatch_event_target", f"{job}_target")["arn"] == SUBMIT


def test_a_schedule_lies_in_its_services_group(billing: Template) -> None:
    assert billing.one("aws_scheduler_schedule_group")["name"] == "batchtab-prod-billing"
    schedule = billing.one("aws_scheduler_schedule")
    assert schedule["group_name"] == "${aws_scheduler_schedule_group.service_schedule_group.name}"
    assert schedule["schedule_expression"] == "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"
    assert schedule["schedule_expression_timezone"] == "Asia/Seoul"
    assert schedule["target"]["arn"] == SUBMIT
    assert "2026-12-25" in schedule["target"]["input"]


def test_a_service_without_schedules_has_no_group_and_asks_for_no_function(stacks: dict[str, Template]) -> None:
    plain = stacks["jobs-plain"]
    assert plain.count("aws_scheduler_schedule_group") == 0
    assert "submit_function_arn" not in plain.text()


def test_in_the_shared_image_runs_by_hand_give_way_as_well(billing: Template) -> None:
    # GIVEN a job with forbid in the shared image, and one in an image of its own
    # THEN the runner of the first knows of it, and may look into the queue
    assert container(billing, "alone") == {
        "BATCHTAB_JOB_NAME": "billing-alone",
        "BATCHTAB_CONCURRENCY_POLICY": "forbid",
    }
    assert billing.statements("aws_iam_role_policy", "alone_job_role_policy") == [
        {"Action": ["batch:ListJobs"], "Effect": "Allow", "Resource": ["*"]}
    ]
    # AND the other is what it was: the function alone keeps its runs apart
    assert container(billing, "alone_elsewhere") == {}
    assert "alone_elsewhere_job_role_policy" not in billing.all("aws_iam_role_policy")
    # AND no guard is where the policy is another
    assert "BATCHTAB_CONCURRENCY_POLICY" not in container(billing, "orders")


def test_a_job_makes_no_more_than_three_things_beside_its_role(billing: Template) -> None:
    for job in ("plain", "seoul", "orders", "alone"):
        made = {a for a in billing.addresses() if a.partition(".")[2].startswith(f"{job}_") and "aws_iam" not in a}
        made = {a for a in made if "elsewhere" not in a}
        assert 2 <= len(made) <= 3, made
