"""job_runs and the group of a service's schedules, by both doors."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
from tests.constructs.template import BOUNDARY_ARN, KEY_ARN, QUEUE_ARN, Template, in_python, module, wildcards

from batchtab import limits
from batchtab.constructs._terraform import package
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs.job_runs import JobRuns
from batchtab.constructs.schedule_group import ScheduleGroup

OTHER_QUEUE_ARN = QUEUE_ARN.replace("default", "continuously")
DEAD_LETTER_ARN = "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-test-trigger-dead-letter"
HERE = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
# What boto3 might be told to do, by the service that IAM is asked for.
CALLS = {
    **dict.fromkeys(("submit_job", "terminate_job", "cancel_job", "list_jobs", "describe_jobs"), "batch"),
    **dict.fromkeys(("get_item", "batch_get_item", "query", "scan"), "dynamodb"),
    **dict.fromkeys(("put_item", "update_item", "delete_item", "batch_write_item"), "dynamodb"),
}
# A transaction is allowed by what is in it.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def runs(id_: str = "Default", **arguments: Any) -> Template:
    given = {
        "namespace": "batchtab-test",
        "job_queue_arns": [QUEUE_ARN, OTHER_QUEUE_ARN],
        "trigger_dead_letter_queue_arn": DEAD_LETTER_ARN,
        **arguments,
    }
    return in_python(lambda stack: JobRuns(stack, id_, **given))


@pytest.fixture(scope="module")
def default() -> Template:
    return runs()


@pytest.fixture(scope="module")
def hcl() -> Template:
    return module("job_runs")


@pytest.fixture(scope="module", params=["python", "hcl"])
def either(request: pytest.FixtureRequest) -> Template:
    """The construct with values, and as a module."""
    template = request.getfixturevalue("default" if request.param == "python" else "hcl")
    assert isinstance(template, Template)
    return template


def granted(template: Template) -> dict[str, list[list[str]]]:
    """The resources of each action that the function may call, once for each statement."""
    found: dict[str, list[list[str]]] = {}
    for statement in template.statements("aws_iam_role_policy", "role_policy"):
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            found.setdefault(action, []).append(statement["Resource"])
    return found


# --- what the function remembers


def test_the_table_holds_a_jobs_runs_and_forgets_them_in_time(either: Template) -> None:
    table = either.one("aws_dynamodb_table")
    assert (table["hash_key"], table["range_key"]) == ("job", "item")
    assert table["attribute"] == [{"name": "job", "type": "S"}, {"name": "item", "type": "S"}]
    assert table["ttl"] == {"attribute_name": "expires_at", "enabled": True}
    assert table["billing_mode"] == "PAY_PER_REQUEST"
    assert table["point_in_time_recovery"] == {"enabled": True}
    assert table["server_side_encryption"]["enabled"] is True


def test_people_and_tools_find_function_and_table_by_the_namespace(default: Template) -> None:
    assert default.one("aws_dynamodb_table")["name"] == "batchtab-test-job-runs"
    function = default.one("aws_lambda_function")
    assert function["function_name"] == default.one("aws_iam_role")["name"] == "batchtab-test-submit-run"
    assert function["environment"]["variables"] == {
        "RUNS_TABLE": "${aws_dynamodb_table.table.name}",
        "RUNS_NAMESPACE": "batchtab-test",
        "RUNS_HISTORY_DAYS": "90",
    }


def test_names_fit_with_the_longest_namespace() -> None:
    template = runs(namespace="a" + "b" * (limits.NAMESPACE_ANY.maximum - 1))
    assert len(template.one("aws_lambda_function")["function_name"]) <= 64
    assert len(template.one("aws_iam_role")["name"]) <= limits.ROLE_NAME_MAX
    rule = template.one("aws_cloudwatch_event_rule")["name"].replace("${each.key}", "7")
    assert len(rule) <= limits.RULE_NAME_MAX


# --- what it may do


def test_the_function_may_do_what_it_does_and_no_more(default: Template) -> None:
    arn = "arn:${data.aws_partition.current.partition}"
    assert granted(default) == {
        "logs:CreateLogStream": [["${aws_cloudwatch_log_group.log_group.arn}:*"]],
        "logs:PutLogEvents": [["${aws_cloudwatch_log_group.log_group.arn}:*"]],
        "dynamodb:BatchGetItem": [["${aws_dynamodb_table.table.arn}"]],
        "dynamodb:PutItem": [["${aws_dynamodb_table.table.arn}"]],
        # THEN it submits to these queues, this namespace's definitions
        "batch:SubmitJob": [[QUEUE_ARN, OTHER_QUEUE_ARN], [f"{arn}:batch:{HERE}:job-definition/batchtab-test-*"]],
        "batch:TerminateJob": [[f"{arn}:batch:{HERE}:job/*"]],
        "batch:DescribeJobs": [["*"]],
        "batch:ListJobs": [["*"]],
        "sqs:SendMessage": [[DEAD_LETTER_ARN]],
    }
    (trust,) = default.statements("aws_iam_role", "role", "assume_role_policy")
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_the_functions_calls_are_those_that_it_may_make(default: Template) -> None:
    # GIVEN what the function's code calls of Batch and DynamoDB
    called = set()
    for path in sorted((package.ROOT / "lambda" / "submit_run").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
                called.add(f"{CALLS[node.func.attr]}:{''.join(map(str.capitalize, node.func.attr.split('_')))}")
            elif isinstance(node, ast.Dict):
                keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                called |= {f"dynamodb:{action}" for key, action in IN_TRANSACTION.items() if key in keys}
    # THEN the role allows each, and of these two services nothing else
    assert {action for action in granted(default) if action.startswith(("batch:", "dynamodb:"))} == called


def test_no_wildcard_but_where_aws_scopes_to_no_resource(either: Template) -> None:
    assert wildcards(either) == [("aws_iam_role_policy.role_policy", "*")]


def test_the_namespaces_rules_may_invoke_the_function(either: Template) -> None:
    permission = either.one("aws_lambda_permission")
    assert permission["principal"] == "events.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    # THEN the rules of jobs and the one on runs that ended need no permission of their own
    assert re.search(r":rule/(batchtab-test|\$\{var\.namespace\})-\*$", permission["source_arn"])
    assert re.match(r"^(batchtab-test|\$\{var\.namespace\})-", either.one("aws_cloudwatch_event_rule")["name"])


# --- what it is told


def test_the_function_is_told_of_ends_that_matter(default: Template) -> None:
    rule = default.one("aws_cloudwatch_event_rule")
    assert rule["name"] == "batchtab-test-run-ended-${each.key}"
    assert rule["event_pattern"] == (
        '${jsonencode({ "detail" = { "$or" = [{ "container" = { "environment" = { "name" = ["BATCHTAB_RUN_POLICY"] } '
        '} }, { "ecsProperties" = { "taskProperties" = { "containers" = { "environment" = { "name" = '
        '["BATCHTAB_RUN_POLICY"] } } } } }, { "nodeProperties" = { "numNodes" = [{ "exists" = true }] } }], '
        '"arrayProperties" = { "index" = [{ "exists" = false }] }, "jobQueue" = each.value, '
        '"status" = ["FAILED", "SUCCEEDED"] }, "detail-type" = ["Batch Job State Change"], '
        '"source" = ["aws.batch"] })}'
    )
    assert json.dumps([QUEUE_ARN, OTHER_QUEUE_ARN]) in rule["for_each"]


def test_no_job_can_have_the_rules_name(default: Template) -> None:
    name = default.one("aws_cloudwatch_event_rule")["name"].replace("${each.key}", "12")
    assert limits.RESERVED_JOB_NAME.refusal(name.removeprefix("batchtab-test-"))


def test_a_pattern_stays_within_eventbridges_size(default: Template) -> None:
    # GIVEN the longest ARNs of queues, as many as one rule takes
    found = re.search(r", (\d+)\) : tostring", default.one("aws_cloudwatch_event_rule")["for_each"])
    assert found is not None
    arn = f"arn:aws-us-gov:batch:ap-northeast-2:123456789012:job-queue/{'q' * limits.QUEUE_NAME_MAX}"
    pattern = {
        "detail": {
            "arrayProperties": {"index": [{"exists": False}]},
            "container": {"environment": {"name": ["BATCHTAB_RUN_POLICY"]}},
            "jobQueue": [arn] * int(found[1]),
            "status": ["FAILED", "SUCCEEDED"],
        },
        "detail-type": ["Batch Job State Change"],
        "source": ["aws.batch"],
    }
    # WHEN they are written as a pattern THEN it fits
    assert len(json.dumps(pattern, separators=(",", ":"))) <= 2048


# --- nothing is lost without a word


def test_what_fails_or_is_not_delivered_is_kept_with_what_triggers_could_not_submit(either: Template) -> None:
    function = either.one("aws_lambda_function")
    kept = function["dead_letter_config"]["target_arn"]
    assert kept in (DEAD_LETTER_ARN, "${var.trigger_dead_letter_queue_arn}")
    target = either.one("aws_cloudwatch_event_target")
    assert target["dead_letter_config"] == {"arn": kept}
    assert target["retry_policy"] == {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 185}
    assert target["arn"] == "${aws_lambda_function.function.arn}"
    asynchronous = either.one("aws_lambda_function_event_invoke_config")
    assert asynchronous["maximum_retry_attempts"] == 2
    assert asynchronous["maximum_event_age_in_seconds"] == 3600
    # AND no further queue is made, whose alarm somebody would have to know
    assert either.count("aws_sqs_queue") == 0


def test_a_claim_outlives_the_function(either: Template) -> None:
    # GIVEN the lease of a claim, by which others know that its owner is dead
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (package.ROOT / "lambda" / "submit_run").rglob("*.py")
    )
    lease = re.search(r"^_?LEASE_SECONDS\b.*= (\d+)", sources, re.MULTILINE)
    assert lease is not None
    # THEN no function lives as long
    assert either.one("aws_lambda_function")["timeout"] < int(lease[1])


# --- arguments


def test_each_argument_arrives() -> None:
    template = runs(
        history_days=7,
        log_retention_days=90,
        kms_key_arn=KEY_ARN,
        permissions_boundary_arn=BOUNDARY_ARN,
        tags={"team": "platform"},
    )
    function = template.one("aws_lambda_function")
    assert function["environment"]["variables"]["RUNS_HISTORY_DAYS"] == "7"
    assert function["kms_key_arn"] == KEY_ARN
    assert template.one("aws_cloudwatch_log_group")["retention_in_days"] == 90
    assert template.one("aws_cloudwatch_log_group")["kms_key_id"] == KEY_ARN
    assert template.one("aws_dynamodb_table")["server_side_encryption"] == {"enabled": True, "kms_key_arn": KEY_ARN}
    assert template.one("aws_iam_role")["permissions_boundary"] == BOUNDARY_ARN
    assert granted(template)["kms:Decrypt"] == granted(template)["kms:GenerateDataKey"] == [[KEY_ARN]]
    for type_ in (
        "aws_lambda_function",
        "aws_iam_role",
        "aws_dynamodb_table",
        "aws_cloudwatch_log_group",
        "aws_cloudwatch_event_rule",
    ):
        assert template.one(type_)["tags"] == {"team": "platform"}, type_


def test_queues_may_be_an_expression() -> None:
    arns = Expression.of("values(data.terraform_remote_state.environment.outputs.queues)")
    template = runs(job_queue_arns=arns)
    assert f"chunklist({arns.text}, " in template.one("aws_cloudwatch_event_rule")["for_each"]
    assert f"Resource = {arns.text} }}" in template.one("aws_iam_role_policy")["policy"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"job_queue_arns": []}, "job_queue_arns: [] is empty: at least one"),
        ({"job_queue_arns": ["default"]}, "job_queue_arns[0]: 'default' is not allowed: a job queue's ARN"),
        ({"namespace": "Batch"}, "namespace: 'Batch' is not allowed: lower-case letters"),
        ({"history_days": 1}, "history_days: 1 is too short: 2 to 3650 (days)"),
        ({"log_retention_days": 31}, "log_retention_days: 31 is not allowed: 1, 3, 5"),
        ({"trigger_dead_letter_queue_arn": None}, "trigger_dead_letter_queue_arn: has no value"),
        ({"history": 7}, "history: is an unknown key [hint: write history_days: 7]"),
    ],
)
def test_what_aws_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        runs(**arguments)


def test_the_module_has_the_constructs_addresses(default: Template, hcl: Template) -> None:
    assert hcl.addresses() == default.managed()
    assert sorted(hcl.content["output"]) == [
        "log_group_name",
        "role_arn",
        "role_name",
        "submit_function_arn",
        "submit_function_name",
        "table_arn",
        "table_name",
    ]


# --- the group of a service's schedules


def test_a_group_is_called_by_its_service() -> None:
    template = in_python(lambda stack: ScheduleGroup(stack, "Default", namespace="batchtab-test", service="billing"))
    assert template.addresses() == {"aws_scheduler_schedule_group.group"}
    assert template.one("aws_scheduler_schedule_group")["name"] == "batchtab-test-billing"


def test_a_groups_name_fits_and_stays_the_namespaces() -> None:
    # GIVEN the longest namespace and a long name of a service
    namespace = "n" * limits.NAMESPACE_ANY.maximum
    template = in_python(lambda stack: ScheduleGroup(stack, "Default", namespace=namespace, service="s" * 60))
    name = template.one("aws_scheduler_schedule_group")["name"]
    # THEN Scheduler takes it, and the trigger role, which knows groups by the namespace, may be taken for it
    assert re.match(limits.SCHEDULE_GROUP_NAME.pattern, name)
    assert len(name) <= limits.SCHEDULE_GROUP_NAME.maximum
    assert name.startswith(f"{namespace}-")
