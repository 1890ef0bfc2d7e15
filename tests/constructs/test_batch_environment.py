"""batch_environment, by both doors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.constructs.template import (
    BOUNDARY_ARN,
    KEY_ARN,
    SECURITY_GROUPS,
    SUBNETS,
    TOPIC_ARN,
    Template,
    in_python,
    module,
    wildcards,
)

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs.batch_environment import BatchEnvironment

STUCK_REASONS = [
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
]
ON_HOSTS_ONLY = {
    "aws_iam_instance_profile.instance_profile",
    "aws_iam_role.instance_role",
    "aws_iam_role_policy_attachment.instance_role_policy",
    "aws_launch_template.launch_template",
}
ON_FARGATE_ONLY = {"aws_iam_role.execution_role", "aws_iam_role_policy.execution_role_policy"}
SCHEDULING_POLICY = "aws_batch_scheduling_policy.scheduling_policy"
ALWAYS = {
    "aws_batch_compute_environment.compute_environment",
    "aws_batch_job_queue.job_queue",
    "aws_cloudwatch_log_group.log_group",
    "aws_cloudwatch_metric_alarm.trigger_dead_letter_alarm",
    "aws_iam_role.trigger_role",
    "aws_iam_role_policy.trigger_role_policy",
    "aws_sqs_queue.trigger_dead_letter_queue",
    "data.aws_caller_identity.current",
    "data.aws_partition.current",
    "data.aws_region.current",
}


def environment(id_: str = "Default", **arguments: Any) -> Template:
    given = {
        "namespace": "batchtab-test",
        "subnet_ids": SUBNETS,
        "security_group_ids": SECURITY_GROUPS,
        **arguments,
    }
    return in_python(lambda stack: BatchEnvironment(stack, id_, **given))


@pytest.fixture(scope="module")
def default() -> Template:
    return environment()


@pytest.fixture(scope="module")
def fargate() -> Template:
    return environment(capacity="FARGATE")


@pytest.fixture(scope="module")
def hcl() -> Template:
    return module("batch_environment")


# --- the original's facts


def test_capacity_is_on_demand_ec2_of_2_to_16_vcpus_in_the_given_network(default: Template) -> None:
    made = default.one("aws_batch_compute_environment")
    resources = made["compute_resources"]
    assert (made["type"], made["state"]) == ("MANAGED", "ENABLED")
    assert resources["type"] == "EC2"
    assert resources["instance_type"] == ["optimal"]
    assert (resources["min_vcpus"], resources["max_vcpus"]) == (2, 16)
    assert resources["subnets"] == list(SUBNETS)
    assert resources["security_group_ids"] == list(SECURITY_GROUPS)
    assert resources["allocation_strategy"] == "BEST_FIT_PROGRESSIVE"


def test_queues_are_default_5_and_continuously_3(default: Template) -> None:
    queue = default.one("aws_batch_job_queue")
    assert queue["for_each"] == {"continuously": 3, "default": 5}
    assert queue["name"] == "batchtab-test-${each.key}"
    assert queue["priority"] == "${each.value}"
    assert queue["state"] == "ENABLED"
    assert queue["compute_environment_order"] == [
        {"compute_environment": "${aws_batch_compute_environment.compute_environment.arn}", "order": 1}
    ]


def test_the_trigger_role_is_for_this_namespaces_rules_and_schedules(default: Template) -> None:
    where = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
    part = "arn:${data.aws_partition.current.partition}"
    by_rule, by_schedule = default.statements("aws_iam_role", "trigger_role", "assume_role_policy")
    assert by_rule["Principal"] == {"Service": "events.amazonaws.com"}
    assert by_rule["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"},
        "ArnLike": {"aws:SourceArn": f"{part}:events:{where}:rule/batchtab-test-*"},
    }
    assert by_schedule["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert by_schedule["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"},
        "ArnLike": {
            "aws:SourceArn": [
                f"{part}:scheduler:{where}:schedule-group/batchtab-test-*",
                f"{part}:scheduler:{where}:schedule/batchtab-test-*/*",
            ]
        },
    }


def test_the_trigger_role_may_submit_this_namespaces_definitions_to_these_queues(default: Template) -> None:
    policy = default.address("aws_iam_role_policy", "trigger_role_policy")["policy"]
    assert '"Action" = "batch:SubmitJob"' in policy
    assert ":job-definition/batchtab-test-*" in policy
    assert "values({ for name, queue in aws_batch_job_queue.job_queue : name => queue.arn })" in policy
    # AND for what Scheduler does by it: the submit function and the dead-letter queue
    assert ':function:batchtab-test-submit-run"' in policy
    assert '"Resource" = [aws_sqs_queue.trigger_dead_letter_queue.arn]' in policy
    assert policy.count('"Action"') == 3


def test_the_trigger_role_may_use_the_key_of_the_dead_letter_queue() -> None:
    policy = environment(kms_key_arn=KEY_ARN).address("aws_iam_role_policy", "trigger_role_policy")["policy"]
    assert (
        f'"Action" = ["kms:Decrypt", "kms:GenerateDataKey"], "Effect" = "Allow", "Resource" = ["{KEY_ARN}"]' in policy
    )


# --- what makes changes and ends possible


def test_a_successor_can_be_made_before_the_compute_environment_goes(default: Template) -> None:
    made = default.one("aws_batch_compute_environment")
    assert made["lifecycle"]["create_before_destroy"] is True
    prefix = {name for name in made if name.endswith("name_prefix")}
    assert made["lifecycle"]["ignore_changes"] == ["compute_resources[0].desired_vcpus", *prefix]
    assert [made[name] for name in prefix] == ["batchtab-test-"]
    assert not {"name", "compute_environment_name", "service_role"} & made.keys()
    assert made["tags"] == {"Name": "batchtab-test"}
    assert "tags" not in made["compute_resources"]
    assert "aws_iam_role_policy_attachment.instance_role_policy" in made["depends_on"]


def test_the_module_says_no_name_for_the_provider_calls_it_differently_in_each_version() -> None:
    made = module("batch_environment").one("aws_batch_compute_environment")
    assert not [name for name in made if "name" in name]
    assert made["lifecycle"]["ignore_changes"] == ["compute_resources[0].desired_vcpus"]


def test_stuck_jobs_are_cancelled_after_an_hour(default: Template) -> None:
    actions = default.one("aws_batch_job_queue")["job_state_time_limit_action"]
    assert actions == [
        {"action": "CANCEL", "max_time_seconds": 3600, "reason": reason, "state": "RUNNABLE"}
        for reason in STUCK_REASONS
    ]


def test_stuck_jobs_may_wait() -> None:
    queue = environment(runnable_timeout_seconds=None).one("aws_batch_job_queue")
    assert "job_state_time_limit_action" not in queue


# --- the machines


def test_instances_are_hardened(default: Template) -> None:
    template = default.one("aws_launch_template")
    assert template["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }
    (volume,) = template["block_device_mappings"]
    assert volume["ebs"] == {
        "encrypted": "true",
        "volume_type": "gp3",
        "volume_size": 30,
        "delete_on_termination": "true",
    }
    assert [s["resource_type"] for s in template["tag_specifications"]] == ["instance", "volume"]


def test_instances_change_with_the_launch_templates_number(default: Template) -> None:
    [template] = default.one("aws_batch_compute_environment")["compute_resources"]["launch_template"]
    assert template["version"] == "${tostring(aws_launch_template.launch_template.latest_version)}"
    [update] = default.one("aws_batch_compute_environment")["update_policy"]
    assert update == {"job_execution_timeout_minutes": 30, "terminate_jobs_on_update": False}


def test_spot_has_an_allocation_strategy_of_its_own() -> None:
    resources = environment(capacity="SPOT").one("aws_batch_compute_environment")["compute_resources"]
    assert resources["type"] == "SPOT"
    assert resources["allocation_strategy"] == "SPOT_CAPACITY_OPTIMIZED"


@pytest.mark.parametrize("capacity", ["FARGATE", "FARGATE_SPOT"])
def test_fargate_has_no_machines(capacity: str) -> None:
    # WHEN capacity is Fargate's
    template = environment(capacity=capacity)
    # THEN nothing is said that Fargate refuses, and what only machines need is not made
    made = template.one("aws_batch_compute_environment")
    assert made["compute_resources"] == {
        "type": capacity,
        "subnets": list(SUBNETS),
        "security_group_ids": list(SECURITY_GROUPS),
        "max_vcpus": 16,
    }
    assert "dynamic" not in made
    assert not ON_HOSTS_ONLY & template.addresses()


def test_fargates_execution_role_may_pull_and_log(fargate: Template) -> None:
    token, pull, log = fargate.statements("aws_iam_role_policy", "execution_role_policy")
    assert token["Action"] == ["ecr:GetAuthorizationToken"]
    assert pull["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    assert pull["Resource"] == [
        "arn:${data.aws_partition.current.partition}:ecr:${data.aws_region.current.id}:"
        "${data.aws_caller_identity.current.account_id}:repository/*"
    ]
    where = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
    assert log["Resource"] == [
        "${aws_cloudwatch_log_group.log_group.arn}:*",
        f"arn:${{data.aws_partition.current.partition}}:logs:{where}:log-group:/aws/batch/batchtab-test/*",
    ]
    assert wildcards(fargate) == [("aws_iam_role_policy.execution_role_policy", "*")]  # the token, AWS knows no better


def test_repositories_may_be_named() -> None:
    arn = "arn:aws:ecr:ap-northeast-2:123456789012:repository/my-service"
    template = environment(capacity="FARGATE", image_repository_arns=[arn])
    pull = template.statements("aws_iam_role_policy", "execution_role_policy")[1]
    assert pull["Resource"] == [arn]


def test_ec2_needs_no_execution_role_and_has_no_wildcard(default: Template) -> None:
    assert not ON_FARGATE_ONLY & default.addresses()
    assert wildcards(default) == []


def test_queues_that_were_there_keep_their_names() -> None:
    assert environment(queue_name_prefix="").one("aws_batch_job_queue")["name"] == "${each.key}"
    assert environment().one("aws_batch_job_queue")["name"] == "batchtab-test-${each.key}"


# --- logs and what was not submitted


def test_logs_end_after_30_days(default: Template) -> None:
    group = default.one("aws_cloudwatch_log_group")
    assert (group["name"], group["retention_in_days"]) == ("/aws/batch/batchtab-test", 30)


def test_what_a_trigger_could_not_submit_is_kept_and_told(default: Template) -> None:
    queue = default.one("aws_sqs_queue")
    (statement,) = json.loads(queue["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"].endswith(":batchtab-test-trigger-dead-letter")
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":rule/batchtab-test-*")
    assert default.one("aws_cloudwatch_metric_alarm")["dimensions"] == {
        "QueueName": "${aws_sqs_queue.trigger_dead_letter_queue.name}"
    }


# --- arguments


def test_each_argument_arrives() -> None:
    template = environment(
        instance_types=["m6i", "m6a.large"],
        min_vcpus=0,
        max_vcpus=64,
        queues={"slow": 1},
        runnable_timeout_seconds=600,
        root_volume_gib=100,
        log_retention_days=365,
        kms_key_arn=KEY_ARN,
        alarm_topic_arns=[TOPIC_ARN],
        permissions_boundary_arn=BOUNDARY_ARN,
        tags={"team": "platform", "Name": "mine"},
    )
    resources = template.one("aws_batch_compute_environment")["compute_resources"]
    assert resources["instance_type"] == ["m6i", "m6a.large"]
    assert (resources["min_vcpus"], resources["max_vcpus"]) == (0, 64)
    queue = template.one("aws_batch_job_queue")
    assert queue["for_each"] == {"slow": 1}
    assert {action["max_time_seconds"] for action in queue["job_state_time_limit_action"]} == {600}
    assert template.one("aws_launch_template")["block_device_mappings"][0]["ebs"]["volume_size"] == 100
    assert template.one("aws_cloudwatch_log_group")["retention_in_days"] == 365
    assert template.one("aws_cloudwatch_log_group")["kms_key_id"] == KEY_ARN
    assert template.one("aws_sqs_queue")["kms_master_key_id"] == KEY_ARN
    assert template.one("aws_cloudwatch_metric_alarm")["alarm_actions"] == [TOPIC_ARN]
    for role in template.all("aws_iam_role").values():
        assert role["permissions_boundary"] == BOUNDARY_ARN
        assert role["tags"]["team"] == "platform"
    assert template.one("aws_batch_compute_environment")["tags"] == {"team": "platform", "Name": "mine"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queue_name_prefix": "-"}, "queue_name_prefix: '-' is not allowed: nothing, or letters"),
        ({"namespace": "Prod"}, "namespace: 'Prod' is not allowed: lower-case letters"),
        ({"namespace": "x" * 52}, "is 52 characters long"),
        ({"capacity": "ec2"}, "capacity: 'ec2' is not allowed: EC2, SPOT, FARGATE or FARGATE_SPOT"),
        ({"min_vcpus": -1}, "min_vcpus: -1 is too small: 0 to 2147483647 (vCPUs)"),
        ({"max_vcpus": 0}, "max_vcpus: 0 is too small: 1 to 2147483647 (vCPUs)"),
        ({"runnable_timeout_seconds": 599}, "runnable_timeout_seconds: 599 is too short: 600 to 86400 (seconds)"),
        ({"root_volume_gib": 29}, "root_volume_gib: 29 is too small: 30 to 16384 (GiB)"),
        ({"log_retention_days": 31}, "log_retention_days: 31 is not allowed"),
        ({"queues": {}}, "queues is empty: name at least one, such as {'default': 5}"),
        ({"queues": {"a b": 1}}, "a queue's name: 'a b' is not allowed"),
        ({"queues": {"a": 1001}}, "the priority of queue a: 1001 is too large: 0 to 1000"),
        ({"subnet_ids": []}, "subnet_ids is empty: name at least one"),
        ({"security_group_ids": []}, "security_group_ids is empty: name at least one"),
        ({"min_vcpus": 32}, "min_vcpus: 32 is more than max_vcpus, 16"),
    ],
)
def test_what_batch_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        environment(**arguments)


def test_min_vcpus_means_nothing_on_fargate() -> None:
    made = environment(capacity="FARGATE", min_vcpus=2, max_vcpus=1).one("aws_batch_compute_environment")
    assert made["compute_resources"]["max_vcpus"] == 1


def test_the_module_compares_min_and_max_when_it_plans(hcl: Template) -> None:
    rule = hcl.one("aws_batch_compute_environment")["lifecycle"]["precondition"][0]
    assert rule["condition"].endswith(", var.min_vcpus <= var.max_vcpus])}")
    assert rule["error_message"] == "min_vcpus: ${var.min_vcpus} is more than max_vcpus, ${var.max_vcpus}."


def test_long_names_are_shortened_and_stay_apart() -> None:
    # GIVEN two namespaces that are as long as may be and differ at their ends
    names = [
        environment(namespace="n" * 50 + end, capacity="FARGATE").address("aws_iam_role", "execution_role")["name"]
        for end in "ab"
    ]
    # THEN the roles' names fit and differ
    assert all(len(name) <= 64 for name in names)
    assert names[0] != names[1]


# --- both doors


def test_addresses_are_the_same_by_both_doors(default: Template, fargate: Template, hcl: Template) -> None:
    assert default.addresses() == ALWAYS | ON_HOSTS_ONLY
    assert fargate.addresses() == ALWAYS | ON_FARGATE_ONLY
    # AND a module asks AWS nothing: under `depends_on` it would be told only when Terraform applies
    of_module = {address for address in ALWAYS if not address.startswith("data.")}
    of_module.add("aws_scheduler_schedule_group.schedule_group")
    assert hcl.addresses() == of_module | ON_HOSTS_ONLY | ON_FARGATE_ONLY | {SCHEDULING_POLICY}


def test_the_module_decides_by_capacity_when_it_plans(hcl: Template) -> None:
    on_fargate = 'contains(["FARGATE", "FARGATE_SPOT"], var.capacity)'
    for address in ON_HOSTS_ONLY:
        count = hcl.address(*address.split("."))["count"]
        assert count.startswith("${alltrue([var.create_"), address
        assert count.endswith(f", !({on_fargate})]) ? 1 : 0}}"), address
    for address in ON_FARGATE_ONLY:
        count = hcl.address(*address.split("."))["count"]
        assert count.startswith(f"${{anytrue([{on_fargate}, anytrue("), address


def test_the_modules_queues_are_the_callers(hcl: Template) -> None:
    queue = hcl.one("aws_batch_job_queue")
    assert queue["for_each"] == "${var.queues}"
    assert "null ? true" in hcl.content["variable"]["runnable_timeout_seconds"]["validation"][0]["condition"]
    assert hcl.content["variable"]["queues"]["default"] == {"continuously": 3, "default": 5}


def test_python_takes_expressions_as_well() -> None:
    template = environment(
        subnet_ids=Expression.of("module.network.subnets"), queues=Expression.of("local.queues"), capacity="FARGATE"
    )
    resources = template.one("aws_batch_compute_environment")["compute_resources"]
    assert resources["subnets"] == "${module.network.subnets}"
    assert template.one("aws_batch_job_queue")["for_each"] == "${local.queues}"


def test_another_id_comes_first_in_addresses_without_hashes() -> None:
    assert environment("blue-green").addresses() == {
        address if address.startswith("data.") else address.replace(".", ".blue_green_", 1)
        for address in ALWAYS | ON_HOSTS_ONLY
    }
