"""scheduled_job, by both doors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.constructs.a_job import DEAD_LETTERS, ENVIRONMENTS, IMAGE, ORIGINAL, PARAMETER, ROLE, SECRET, container, job
from tests.constructs.template import BOUNDARY_ARN, KEY_ARN, QUEUE_ARN, Template, in_python, module, wildcards

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs.scheduled_job import ScheduledJob

CATCH_ALL = {"action": "exit", "on_reason": "*"}


@pytest.fixture(scope="module")
def original() -> Template:
    return job()


@pytest.fixture(scope="module")
def fargate() -> Template:
    return job(capacity="FARGATE", vcpus=0.25, memory_mib=512)


@pytest.fixture(scope="module")
def hcl() -> Template:
    return module("scheduled_job")


# --- the original's facts


def test_the_definition_is_the_originals(original: Template) -> None:
    definition = original.one("aws_batch_job_definition")
    assert definition["name"] == "batchtab-test-my-service-do-something"
    assert definition["type"] == "container"
    assert definition["platform_capabilities"] == ["EC2"]
    assert definition["timeout"] == {"attempt_duration_seconds": 1800}
    assert definition["retry_strategy"] == {"attempts": 1}
    assert definition["propagate_tags"] is True
    assert container(original) == {
        "image": IMAGE,
        "command": ["node", "app/jobs/do-something"],
        "jobRoleArn": "${aws_iam_role.job_role.arn}",
        "readonlyRootFilesystem": True,
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "${aws_cloudwatch_log_group.log_group.name}",
                "awslogs-stream-prefix": "my-service-do-something",
                "mode": "blocking",
            },
        },
        "volumes": [{"name": "batchtab-tmp"}],
        "mountPoints": [{"sourceVolume": "batchtab-tmp", "containerPath": "/tmp"}],
    }


def test_container_properties_are_sorted_and_hold_nothing_empty(original: Template) -> None:
    text = original.one("aws_batch_job_definition")["container_properties"]
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    for empty in ("null", "[]", "{}", '""'):
        assert empty not in text


def test_the_rule_submits_the_newest_revision_under_the_jobs_name(original: Template) -> None:
    rule = original.one("aws_cloudwatch_event_rule")
    assert rule["schedule_expression"] == "cron(0 0 * * ? *)"
    assert rule["state"] == "ENABLED"
    assert rule["name"] == "batchtab-test-my-service-do-something"
    target = original.one("aws_cloudwatch_event_target")
    assert target["arn"] == QUEUE_ARN
    assert target["batch_target"] == [
        {
            "job_definition": "${aws_batch_job_definition.job_definition.name}",  # no revision: Batch takes the newest
            "job_name": "my-service-do-something",
        }
    ]
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == 60


def test_the_trigger_never_sets_attempts(original: Template, hcl: Template) -> None:
    for template in (original, hcl):
        for target in template.all("aws_cloudwatch_event_target").values():
            assert "job_attempts" not in json.dumps(target)


def test_the_job_role_is_for_tasks_of_this_account_and_may_do_nothing(original: Template) -> None:
    (trust,) = original.statements("aws_iam_role", "job_role", "assume_role_policy")
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.current.account_id}"}
    }
    assert "job_role_policy" not in original.all("aws_iam_role_policy")


def test_the_trigger_role_is_for_this_rule_this_queue_and_this_definition(original: Template) -> None:
    where = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
    part = "arn:${data.aws_partition.current.partition}"
    (trust,) = original.statements("aws_iam_role", "trigger_role", "assume_role_policy")
    assert trust["Condition"]["ArnLike"] == {
        "aws:SourceArn": [f"{part}:events:{where}:rule/batchtab-test-my-service-do-something"]
    }
    (statement,) = original.statements("aws_iam_role_policy", "trigger_role_policy")
    definition = f"{part}:batch:{where}:job-definition/batchtab-test-my-service-do-something"
    assert statement == {
        "Action": ["batch:SubmitJob"],
        "Effect": "Allow",
        "Resource": [QUEUE_ARN, definition, f"{definition}:*"],
    }


def test_the_original_needs_no_more(original: Template) -> None:
    assert original.addresses() == {
        "aws_batch_job_definition.job_definition",
        "aws_cloudwatch_event_rule.rule",
        "aws_cloudwatch_event_target.target",
        "aws_cloudwatch_log_group.log_group",
        "aws_iam_role.job_role",
        "aws_iam_role.trigger_role",
        "aws_iam_role_policy.trigger_role_policy",
        "data.aws_caller_identity.current",
        "data.aws_partition.current",
        "data.aws_region.current",
    }
    assert wildcards(original) == []


def test_with_an_environments_roles_and_logs_a_job_is_three_resources_and_its_role() -> None:
    template = job(**ENVIRONMENTS)
    resources = {address for address in template.addresses() if not address.startswith("data.")}
    assert resources == {
        "aws_batch_job_definition.job_definition",
        "aws_cloudwatch_event_rule.rule",
        "aws_cloudwatch_event_target.target",
        "aws_iam_role.job_role",
    }


# --- schedule


def test_without_a_schedule_nothing_triggers() -> None:
    template = job(schedule=None)
    assert template.count("aws_cloudwatch_event_rule") == 0
    assert template.count("aws_cloudwatch_event_target") == 0
    assert template.all("aws_iam_role").keys() == {"job_role"}


def test_a_suspended_job_keeps_its_rule() -> None:
    assert job(suspend=True).one("aws_cloudwatch_event_rule")["state"] == "DISABLED"


def test_undelivered_events_are_kept_where_a_queue_is_given(original: Template) -> None:
    target = job(dead_letter_queue_arn=DEAD_LETTERS).one("aws_cloudwatch_event_target")
    assert target["dead_letter_config"] == [{"arn": DEAD_LETTERS}]
    without = original.one("aws_cloudwatch_event_target")
    assert "dead_letter_config" not in without


# --- command and environment


def test_text_that_people_wrote_reaches_the_shell() -> None:
    # GIVEN a command and a value with what Terraform would read as its own
    template = job(command=["sh", "-c", 'echo "${HOME}" $USER %{if} é'], environment={"B": "${HOME}", "A": "1"})
    # THEN it is escaped, and pairs stand in the order of their names
    properties = container(template)
    assert properties["command"][2] == 'echo "$${HOME}" $USER %%{if} é'
    assert properties["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "$${HOME}"}]


def test_an_expression_in_a_command_stays_one() -> None:
    template = job(command=["run", Expression.of("aws_s3_bucket.data.bucket")])
    assert container(template)["command"] == ["run", "${aws_s3_bucket.data.bucket}"]


def test_secrets_are_references_and_their_grants_exact() -> None:
    # GIVEN a parameter, a secret, and a key of a secret
    template = job(
        secrets={"TOKEN": PARAMETER, "PASSWORD": f"{SECRET}:password::", "DB": SECRET}, secrets_kms_key_arns=[KEY_ARN]
    )
    # THEN Batch gets the references
    assert container(template)["secrets"] == [
        {"name": "DB", "valueFrom": SECRET},
        {"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"},
        {"name": "TOKEN", "valueFrom": PARAMETER},
    ]
    # AND the execution role may read just these, although the job runs on EC2
    statements = template.statements("aws_iam_role_policy", "execution_role_policy")
    by_action = {statement["Action"][0]: statement["Resource"] for statement in statements}
    assert by_action["ssm:GetParameters"] == [PARAMETER]
    assert set(by_action["secretsmanager:GetSecretValue"]) == {SECRET}
    assert by_action["kms:Decrypt"] == [KEY_ARN]
    assert by_action["ecr:BatchGetImage"] == [
        "arn:${data.aws_partition.current.partition}:ecr:ap-northeast-2:123456789012:repository/my-service"
    ]
    assert wildcards(template) == [("aws_iam_role_policy.execution_role_policy", "*")]


def test_a_secret_that_is_named_twice_is_granted_once() -> None:
    template = job(secrets={"A": f"{SECRET}:a::", "B": f"{SECRET}:b::"})
    statements = template.statements("aws_iam_role_policy", "execution_role_policy")
    granted = [s["Resource"] for s in statements if s["Action"] == ["secretsmanager:GetSecretValue"]]
    assert granted == [[SECRET]]


def test_an_image_of_another_registry_needs_no_grant_in_ecr() -> None:
    template = job(image="docker.io/library/node:22", capacity="FARGATE", memory_mib=2048)
    actions = [s["Action"] for s in template.statements("aws_iam_role_policy", "execution_role_policy")]
    assert ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] not in actions


def test_wide_permissions_are_given_with_a_word() -> None:
    template = job(permissions=[{"actions": ["iam:*"], "resources": ["*"], "allow_wide": True}])
    (statement,) = template.statements("aws_iam_role_policy", "job_role_policy")
    assert statement == {"Effect": "Allow", "Action": ["iam:*"], "Resource": ["*"]}


def test_permissions_become_statements_of_the_job_role() -> None:
    template = job(permissions=[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::data/*"]}])
    assert template.statements("aws_iam_role_policy", "job_role_policy") == [
        {"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["arn:aws:s3:::data/*"]}
    ]


# --- retries


def test_rules_end_with_one_that_exits() -> None:
    template = job(attempts=3, evaluate_on_exit=[{"action": "RETRY", "on_status_reason": "Host EC2*"}])
    assert template.one("aws_batch_job_definition")["retry_strategy"] == {
        "attempts": 3,
        "evaluate_on_exit": [{"action": "retry", "on_status_reason": "Host EC2*"}, CATCH_ALL],
    }


@pytest.mark.parametrize("last", [{"action": "EXIT", "on_status_reason": "*"}, {"action": "RETRY", "on_reason": "*"}])
def test_rules_that_catch_all_already_get_no_other(last: dict[str, str]) -> None:
    strategy = job(attempts=2, evaluate_on_exit=[last]).one("aws_batch_job_definition")["retry_strategy"]
    assert len(strategy["evaluate_on_exit"]) == 1


@pytest.mark.parametrize("own", [{"on_exit_code": "1", "on_reason": "*"}, {"on_exit_code": "*"}])
def test_a_rule_that_asks_for_an_exit_code_does_not_catch_all(own: dict[str, str]) -> None:
    # GIVEN a rule that a failure of the infrastructure, which has no exit code, does not meet
    rules = [{"action": "EXIT", **own}]
    strategy = job(attempts=2, evaluate_on_exit=rules).one("aws_batch_job_definition")["retry_strategy"]
    assert strategy["evaluate_on_exit"][-1] == CATCH_ALL


def test_the_modules_rules_end_with_one_that_exits(hcl: Template) -> None:
    dynamic = hcl.one("aws_batch_job_definition")["retry_strategy"]["dynamic"]["evaluate_on_exit"]
    assert dynamic["for_each"] == (
        '${concat(var.evaluate_on_exit, [for rule in [{ action = "EXIT", on_exit_code = null, on_reason = "*", '
        "on_status_reason = null }] : rule if length(var.evaluate_on_exit) > 0 && !local.catches_all])}"
    )
    assert dynamic["content"]["action"] == "${lower(evaluate_on_exit.value.action)}"


# --- Fargate


def test_fargate_gets_what_it_needs(fargate: Template) -> None:
    properties = container(fargate)
    assert properties["resourceRequirements"] == [
        {"type": "VCPU", "value": "0.25"},
        {"type": "MEMORY", "value": "512"},
    ]
    assert properties["executionRoleArn"] == "${aws_iam_role.execution_role.arn}"
    assert properties["fargatePlatformConfiguration"] == {"platformVersion": "LATEST"}
    assert properties["networkConfiguration"] == {"assignPublicIp": "DISABLED"}
    assert "ephemeralStorage" not in properties
    assert fargate.one("aws_batch_job_definition")["platform_capabilities"] == ["FARGATE"]


def test_fargates_options_arrive() -> None:
    template = job(
        capacity="FARGATE_SPOT",
        memory_mib=2048,
        assign_public_ip=True,
        ephemeral_storage_gib=50,
        execution_role_arn=ROLE,
    )
    properties = container(template)
    assert properties["networkConfiguration"] == {"assignPublicIp": "ENABLED"}
    assert properties["ephemeralStorage"] == {"sizeInGiB": 50}
    assert properties["executionRoleArn"] == ROLE
    assert "execution_role" not in template.all("aws_iam_role")


@pytest.mark.parametrize("capacity", ["EC2", "SPOT"])
def test_machines_get_nothing_of_fargate(capacity: str) -> None:
    properties = container(job(capacity=capacity))
    assert not {"fargatePlatformConfiguration", "networkConfiguration", "executionRoleArn"} & properties.keys()


# --- other arguments


def test_each_argument_arrives() -> None:
    template = job(
        description="Every morning",
        array_size=10,
        parameters={"day": "today"},
        read_only_root_filesystem=False,
        job_role_arn=ROLE,
        log_retention_days=7,
        maximum_event_age_seconds=300,
        permissions_boundary_arn=BOUNDARY_ARN,
        tags={"team": "platform"},
    )
    assert template.one("aws_cloudwatch_event_rule")["description"] == "Every morning"
    target = template.one("aws_cloudwatch_event_target")
    assert target["batch_target"][0]["array_size"] == 10
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == 300
    definition = template.one("aws_batch_job_definition")
    assert definition["parameters"] == {"day": "today"}
    assert definition["tags"] == {"team": "platform"}
    assert container(template)["readonlyRootFilesystem"] is False
    assert container(template)["jobRoleArn"] == ROLE
    assert "job_role" not in template.all("aws_iam_role")
    assert template.one("aws_cloudwatch_log_group")["retention_in_days"] == 7
    for role in template.all("aws_iam_role").values():
        assert role["permissions_boundary"] == BOUNDARY_ARN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "do something"}, "name: 'do something' is not allowed: letters, digits"),
        ({"namespace": "Prod"}, "namespace: 'Prod' is not allowed"),
        ({"name": "n" * 120}, "name: makes the definition's name batchtab-test-nnn"),
        ({"capacity": "fargate"}, "capacity: 'fargate' is not allowed: EC2, SPOT, FARGATE or FARGATE_SPOT"),
        ({"memory_mib": 3}, "memory_mib: 3 is too small: 4 to 2147483647 (MiB)"),
        ({"timeout_seconds": 59}, "timeout_seconds: 59 is too short: 60 to 2147483647 (seconds)"),
        ({"attempts": 0}, "attempts: 0 is too small: 1 to 10 (attempts)"),
        ({"attempts": 11}, "attempts: 11 is too large: 1 to 10 (attempts)"),
        ({"array_size": 1}, "array_size: 1 is too small: 2 to 10000 (children)"),
        ({"maximum_event_age_seconds": 59}, "maximum_event_age_seconds: 59 is too short: 60 to 86400 (seconds)"),
        ({"log_retention_days": 31}, "log_retention_days: 31 is not allowed"),
        ({"command": []}, "command: [] is empty: at least one word"),
        ({"schedule": "every day"}, "schedule: 'every day' is not a schedule: cron("),
        ({"num_nodes": 2}, "num_nodes: "),
        ({"environment": {"A B": "1"}}, "environment.A B: is not allowed as a name: letters"),
        ({"environment": {"AWS_BATCH_X": "1"}}, "environment.AWS_BATCH_X: is reserved: Batch sets the names"),
        ({"secrets": {"AWS_BATCH_X": PARAMETER}}, "secrets.AWS_BATCH_X: is reserved: Batch sets the names"),
        ({"secrets": {"TOKEN": "hunter2"}}, "secrets.TOKEN: is not allowed: the ARN of an SSM parameter"),
        (
            {"environment": {"A": ""}},
            "environment.A: '' is empty, and Batch drops variables without a value [hint: leave it out]",
        ),
        ({"environment": {"A": "1"}, "secrets": {"A": PARAMETER}}, "secrets.A: is in environment and in secrets"),
        ({"ephemeral_storage_gib": 30}, "ephemeral_storage_gib: 30 is only for Fargate, and capacity is EC2"),
        ({"assign_public_ip": True}, "assign_public_ip: true is only for Fargate, and capacity is EC2"),
        ({"vcpus": 0.5}, "vcpus: 0.5 is not a whole number, and capacity is EC2"),
        ({"capacity": "FARGATE", "vcpus": 3}, "vcpus: 3 is not a size on Fargate: 0.25, 0.5, 1, 2, 4, 8, 16, 32"),
        ({"capacity": "FARGATE"}, "memory_mib: 1024 does not go with 1 vCPU on Fargate: 2048 to 8192"),
        (
            {"capacity": "FARGATE", "memory_mib": 2048, "timeout_seconds": 15 * 86_400},
            "timeout_seconds: 1296000 is too long",
        ),
        (
            {"capacity": "FARGATE", "memory_mib": 2048, "ephemeral_storage_gib": 20},
            "ephemeral_storage_gib: 20 is too small: 21 to 200 (GiB)",
        ),
        ({"evaluate_on_exit": [{"action": "STOP", "on_reason": "*"}]}, "action: 'STOP' is not allowed: RETRY or EXIT"),
        (
            {"evaluate_on_exit": [{"action": "RETRY"}]},
            "evaluate_on_exit[0]: has no condition: at least one of on_exit_code, on_reason",
        ),
        (
            {"evaluate_on_exit": [{"action": "RETRY", "exit": "1"}]},
            "evaluate_on_exit[0].exit: is an unknown key: valid keys are action, on_exit_code",
        ),
        (
            {"evaluate_on_exit": [{"action": "RETRY", "on_exit_code": str(n)} for n in range(5)]},
            "has 5 rules, and Batch takes 5 with the EXIT for all else that ends them: at most 4",
        ),
        ({"evaluate_on_exit": [{"action": "RETRY", "on_exit_code": "1*2"}]}, "on_exit_code: '1*2' is not allowed"),
        ({"permissions": [{"actions": ["*"], "resources": ["*"]}]}, "permissions[0].actions[0]: '*' is not allowed"),
        (
            {"permissions": [{"actions": ["iam:*"], "resources": ["*"]}]},
            "permissions[0].actions[0]: 'iam:*' lets the job give itself",
        ),
    ],
)
def test_what_batch_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        job(**arguments)


def test_long_names_are_shortened_and_stay_apart() -> None:
    # GIVEN two jobs whose names are as long as a definition's may be and differ at their ends
    templates = [job(name="n" * 112 + end, secrets={"T": PARAMETER}) for end in "ab"]
    # THEN each definition has its whole name, and rules and roles have names that fit and differ
    for kind in ("aws_cloudwatch_event_rule.rule", "aws_iam_role.job_role", "aws_iam_role.trigger_role"):
        names = [template.address(*kind.split("."))["name"] for template in templates]
        assert all(len(name) == 64 for name in names), kind
        assert names[0] != names[1], kind
    assert len(templates[0].one("aws_batch_job_definition")["name"]) == 127


def test_two_ids_that_would_share_addresses_are_refused() -> None:
    with pytest.raises(ValueError, match=r"exists already in this stack: give the construct another id"):
        in_python(lambda stack: [ScheduledJob(stack, id_, **ORIGINAL | {"name": id_}) for id_ in ("do-it", "do_it")])


def test_without_a_namespace_names_are_the_jobs_alone(hcl: Template) -> None:
    # GIVEN a job that was there before
    template = job(namespace=None)
    # THEN nothing is put in front of its name
    assert template.one("aws_batch_job_definition")["name"] == "my-service-do-something"
    assert template.one("aws_cloudwatch_event_rule")["name"] == "my-service-do-something"
    assert template.one("aws_cloudwatch_log_group")["name"] == "/aws/batch/my-service-do-something"
    assert template.address("aws_iam_role", "job_role")["name"] == "my-service-do-something-job"
    # AND the module does likewise when it plans
    full_name = '${var.namespace != null ? "${var.namespace}-${var.name}" : var.name}'
    assert hcl.content["locals"]["full_name"] == full_name


# --- both doors


def test_addresses_are_the_same_by_both_doors(original: Template, fargate: Template, hcl: Template) -> None:
    permitted = {
        "aws_iam_role_policy.job_role_policy",
        "aws_iam_role_policy_attachment.job_role_managed_policy",
        "aws_cloudwatch_event_rule.upstream",
        "aws_cloudwatch_event_target.upstream_delivery",
        "aws_scheduler_schedule.schedule",
    }
    resources = {a for a in original.addresses() | fargate.addresses() if not a.startswith("data.")}
    # The module asks AWS nothing: it reads account and region from the queue's ARN.
    assert hcl.addresses() == resources | permitted
    assert job("do-something").addresses() == {
        address if address.startswith("data.") else address.replace(".", ".do_something_", 1)
        for address in original.addresses()
    }


def test_the_modules_document_takes_every_input(hcl: Template) -> None:
    for document in ("container_properties", "ecs_properties"):
        assert f"jsonencode(local.{document})" in hcl.one("aws_batch_job_definition")[document]
        text = hcl.content["locals"][document]
        for name in ("image", "command", "vcpus", "memory_mib", "environment", "secrets", "ephemeral_storage_gib"):
            assert f"var.{name}" in text


def test_the_module_decides_by_inputs_that_are_known_when_it_plans(hcl: Template) -> None:
    # A count must not hang on a value that another resource of the caller's yields.
    assert hcl.address("aws_iam_role", "job_role")["count"] == "${var.create_job_role ? 1 : 0}"
    assert hcl.address("aws_cloudwatch_log_group", "log_group")["count"] == "${var.create_log_group ? 1 : 0}"
    by_schedule = hcl.address("aws_scheduler_schedule", "schedule")["count"]
    known = {"local.by_schedule", "local.schedule_expression", "var.timezone", "var.end"}
    assert set(re.findall(r"(?:var|local)\.\w+", by_schedule)) == known
    by_rule = hcl.address("aws_cloudwatch_event_rule", "rule")["count"]
    assert by_rule == "${alltrue([var.schedule != null, !local.by_schedule]) ? 1 : 0}"
    # AND a function's ARN, which may be unknown, is asked for with forbid alone
    counts = [body["count"] for named in hcl.content["resource"].values() for body in named.values() if "count" in body]
    decides = [*counts, hcl.content["locals"]["by_schedule"], hcl.content["locals"]["is_managed"]]
    forbids = 'contains(["forbid"], var.concurrency_policy) ? '
    asked = [text.split("var.submit_function_arn")[0] for text in decides if "submit_function_arn" in text]
    assert len(asked) == 1
    assert all(text.endswith(forbids) for text in asked)
    # AND a role has its policy, whatever is in it
    assert hcl.address("aws_iam_role_policy", "job_role_policy")["count"] == "${var.create_job_role ? 1 : 0}"
    assert not any("_arn" in text.replace("var.submit_function_arn", "") for text in decides)


def test_the_module_checks_sizes_when_it_plans(hcl: Template) -> None:
    messages = [rule["error_message"] for rule in hcl.one("aws_batch_job_definition")["lifecycle"]["precondition"]]
    [message] = [text for text in messages if "Fargate has no size of ${sum(" in text]
    assert {"var.vcpus", "var.memory_mib", "var.containers"} <= set(re.findall(r"var\.\w+", message))


def test_only_known_wildcards_are_in_the_module(hcl: Template) -> None:
    assert wildcards(hcl) == [
        ("aws_iam_role_policy.execution_role_policy", "*"),  # ECR's token
        ("aws_iam_role_policy.job_role_policy", "*"),  # the runner's ListJobs
        ("aws_iam_role_policy.job_role_policy", "*"),  # the channels of ECS Exec
        ("aws_iam_role_policy.job_role_policy", "*"),  # what nobody needs a permission for
    ]


# --- one after another, and no two at once

FUNCTION = "arn:aws:lambda:ap-northeast-2:123456789012:function:batchtab-test-submit-run"


def test_a_job_follows_others_by_their_definitions() -> None:
    # GIVEN a job after another, without a schedule
    made = job(schedule=None, after=["my-service-extract"], after_status="any")
    rule = made.one("aws_cloudwatch_event_rule")
    pattern = json.loads(rule["event_pattern"])
    # THEN its rule takes the end of any revision of that definition, of no longer name, and of no array's child
    [prefix] = pattern["detail"]["jobDefinition"]
    assert prefix["prefix"].endswith(":job-definition/batchtab-test-my-service-extract:")
    assert pattern["detail"]["status"] == ["SUCCEEDED", "FAILED"]
    assert pattern["detail"]["arrayProperties"] == {"index": [{"exists": False}]}
    # AND the run knows the id of the job before, and when that ended
    target = made.one("aws_cloudwatch_event_target")
    assert target["input_transformer"]["input_paths"] == {"time": "$.time", "upstream": "$.detail.jobId"}
    assert json.loads(target["input_transformer"]["input_template"]) == {
        "ContainerOverrides": {
            "Environment": [
                {"Name": "BATCHTAB_RUN_ID", "Value": "my-service-do-something@<upstream>"},
                {"Name": "BATCHTAB_SCHEDULED_TIME", "Value": "<time>"},
                {"Name": "BATCHTAB_UPSTREAM_JOB_ID", "Value": "<upstream>"},
            ]
        }
    }


def test_a_job_after_all_of_others_asks_the_function_with_whose_end_it_is() -> None:
    made = job(schedule=None, after_all=["extract", "clean"], within_seconds=600, submit_function_arn=FUNCTION)
    pattern = json.loads(made.one("aws_cloudwatch_event_rule")["event_pattern"])
    assert [each["prefix"].rpartition("/")[2] for each in pattern["detail"]["jobDefinition"]] == [
        "batchtab-test-extract:",
        "batchtab-test-clean:",
    ]
    # THEN the function knows which ends to wait for, and whose each is
    target = made.one("aws_cloudwatch_event_target")
    assert target["arn"] == FUNCTION
    assert target["input_transformer"]["input_paths"]["definition"] == "$.detail.jobDefinition"
    sent = json.loads(target["input_transformer"]["input_template"])
    assert sent["trigger"] == {
        "scheduled_time": "<time>",
        "upstream_job_id": "<upstream>",
        "upstream_job_definition": "<definition>",
    }
    assert sent["job"]["after_all"] == ["batchtab-test-extract", "batchtab-test-clean"]
    assert sent["job"]["within_seconds"] == 600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"after_all": ["a"]}, "after_all: .* does not go with schedule: a run starts only when all have ended"),
        ({"schedule": None, "after_all": ["a"], "after": ["b"]}, "after_all: .* does not go with after"),
        ({"within_seconds": 600}, "within_seconds: 600 has no effect without after_all"),
        ({"schedule": None, "after_all": ["a"]}, "need submit_function_arn"),
        ({"schedule": None, "after_all": ["my-service-do-something"]}, "after_all: .* is this job itself"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job(**arguments)


@pytest.mark.parametrize(("status", "events"), [("succeeded", ["SUCCEEDED"]), ("failed", ["FAILED"])])
def test_one_end_may_count(status: str, events: list[str]) -> None:
    made = job(schedule=None, after=["other"], after_status=status)
    assert json.loads(made.one("aws_cloudwatch_event_rule")["event_pattern"])["detail"]["status"] == events


def test_a_job_may_follow_others_and_have_a_schedule() -> None:
    made = job(after=["other"])
    assert made.count("aws_cloudwatch_event_rule") == 2
    # AND its trigger role is for both rules
    (trust,) = made.statements("aws_iam_role", "trigger_role", "assume_role_policy")
    assert len(trust["Condition"]["ArnLike"]["aws:SourceArn"]) == 2


def test_a_suspended_job_follows_nobody() -> None:
    made = job(schedule=None, after=["other"], suspend=True)
    assert made.one("aws_cloudwatch_event_rule")["state"] == "DISABLED"


def test_forbid_tells_the_runner_and_lets_it_look_at_the_queue() -> None:
    # GIVEN a job that must not meet itself
    made = job(concurrency_policy="forbid", environment={"A": "b"})
    properties = json.loads(made.one("aws_batch_job_definition")["container_properties"])
    # THEN the runner knows the job's name and the policy
    assert {pair["name"]: pair["value"] for pair in properties["environment"]} == {
        "A": "b",
        "BATCHTAB_JOB_NAME": "my-service-do-something",
        "BATCHTAB_CONCURRENCY_POLICY": "forbid",
    }
    # AND the job role may list jobs, and nothing more
    (statement,) = made.statements("aws_iam_role_policy", "job_role_policy")
    assert (statement["Action"], statement["Resource"]) == (["batch:ListJobs"], ["*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"after": ["my-service-do-something"]}, "after: 'my-service-do-something' is this job itself"),
        ({"after": [f"job-{n}" for n in range(9)]}, "after: has 9 entries: at most 8"),
        ({"after_status": "done"}, "after_status: 'done' is not allowed"),
        ({"concurrency_policy": "wait"}, "concurrency_policy: 'wait' is not allowed: allow, forbid, replace or queue"),
    ],
)
def test_what_a_chain_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job(**arguments)
