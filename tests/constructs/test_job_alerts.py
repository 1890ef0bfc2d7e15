"""job_alerts, by both doors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.constructs.template import (
    BOUNDARY_ARN,
    KEY_ARN,
    QUEUE_ARN,
    TOPIC_ARN,
    Template,
    in_python,
    module,
    wildcards,
)

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs.job_alerts import JobAlerts
from batchtab.constructs.slack_stand_in import StandInSlack

OTHER_QUEUE_ARN = QUEUE_ARN.replace("default", "continuously")
WATCHED = {
    "schedule": "cron(0 0 * * ? *)",
    "job_queue_arn": "arn:aws:batch:ap-northeast-2:123456789012:job-queue/a",
    "late_after_seconds": 600,
}
AT_A_RATE = {"schedule": "rate(1 day)", "timezone": "UTC"}
KNOWN_LATER = Expression.of("var.queue")
TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:failed-jobs"
SECRET_ARN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:slack-AbCdEf"


def alerts(id_: str = "Default", **arguments: Any) -> Template:
    given = {"namespace": "batchtab-test", "job_queue_arns": [QUEUE_ARN, OTHER_QUEUE_ARN], **arguments}
    return in_python(lambda stack: JobAlerts(stack, id_, **given))


@pytest.fixture(scope="module")
def default() -> Template:
    return alerts()


@pytest.fixture(scope="module")
def hcl() -> Template:
    return module("job_alerts")


@pytest.fixture(scope="module", params=["python", "hcl"])
def either(request: pytest.FixtureRequest) -> Template:
    """The construct with values, and as a module."""
    template = request.getfixturevalue("default" if request.param == "python" else "hcl")
    assert isinstance(template, Template)
    return template


# --- the original's facts


def test_the_rule_takes_failed_jobs_of_these_queues(default: Template) -> None:
    rule = default.address("aws_cloudwatch_event_rule", "failed_job")
    assert rule["event_pattern"] == (
        '${jsonencode({ "detail" = { "jobQueue" = each.value, "status" = ["FAILED"] }, '
        '"detail-type" = ["Batch Job State Change"], "source" = ["aws.batch"] })}'
    )
    assert json.dumps([QUEUE_ARN, OTHER_QUEUE_ARN]) in rule["for_each"]
    assert "schedule_expression" not in rule


def test_a_pattern_stays_within_eventbridges_size() -> None:
    # GIVEN the longest ARNs of queues, as many as one rule takes
    text = alerts().address("aws_cloudwatch_event_rule", "failed_job")["for_each"]
    found = re.search(r", (\d+)\) : tostring", text)
    assert found is not None
    arn = f"arn:aws-us-gov:batch:ap-northeast-2:123456789012:job-queue/{'q' * limits.QUEUE_NAME_MAX}"
    pattern = {
        "detail": {"jobQueue": [arn] * int(found[1]), "status": ["FAILED"]},
        "detail-type": ["Batch Job State Change"],
        "source": ["aws.batch"],
    }
    # WHEN they are written as a pattern THEN it fits
    assert len(json.dumps(pattern, separators=(",", ":"))) <= 2048


def test_the_message_is_the_originals_by_default(default: Template) -> None:
    variables = default.one("aws_lambda_function")["environment"]["variables"]
    assert variables == {
        "SLACK_FUNCTION_NAME": "SendToSlack",
        "SLACK_FUNCTION_REGION": "${data.aws_region.current.id}",
        "SLACK_CHANNEL": "#cron-error",
        "SLACK_USERNAME": "AWS Batch Job Failed Alert",
        "SLACK_ICON_EMOJI": ":cloud:",
        "SLACK_COLOR": "danger",
        "ALERT_NAMESPACE": "batchtab-test",
        "ALERT_DETAILS": "true",
        "ALERT_LOG_LINES": "20",
    }


@pytest.mark.parametrize(
    ("permission", "rule"), [("permission", "failed_job"), ("blocked_queue_permission", "blocked_queue")]
)
def test_only_the_rules_may_invoke_the_function(either: Template, permission: str, rule: str) -> None:
    found = either.address("aws_lambda_permission", permission)
    assert found["principal"] == "events.amazonaws.com"
    assert found["action"] == "lambda:InvokeFunction"
    assert found["for_each"] == f"${{aws_cloudwatch_event_rule.{rule}}}"
    assert found["source_arn"] == "${each.value.arn}"


def test_a_job_that_blocks_its_queue_is_told_as_well(default: Template) -> None:
    rule = default.address("aws_cloudwatch_event_rule", "blocked_queue")
    assert rule["event_pattern"] == (
        '${jsonencode({ "detail" = { "jobQueue" = each.value }, '
        '"detail-type" = ["Batch Job Queue Blocked"], "source" = ["aws.batch"] })}'
    )


def test_the_role_may_log_invoke_one_function_and_keep_what_failed(default: Template) -> None:
    function = (
        "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.id}:"
        "${data.aws_caller_identity.current.account_id}:function:SendToSlack"
    )
    assert default.statements("aws_iam_role_policy", "role_policy") == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": ["${aws_cloudwatch_log_group.log_group.arn}:*"],
        },
        {"Action": ["lambda:InvokeFunction"], "Effect": "Allow", "Resource": [function]},
        {
            "Action": ["logs:GetLogEvents"],
            "Effect": "Allow",
            "Resource": [
                "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:"
                f"${{data.aws_caller_identity.current.account_id}}:log-group:/aws/batch/batchtab-test{below}:*"
                for below in ("", "/*")
            ],
        },
        {"Action": ["sqs:SendMessage"], "Effect": "Allow", "Resource": ["${aws_sqs_queue.dead_letter_queue.arn}"]},
        {"Action": ["batch:DescribeJobs", "batch:ListJobs"], "Effect": "Allow", "Resource": ["*"]},
    ]
    (trust,) = default.statements("aws_iam_role", "role", "assume_role_policy")
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_no_policy_has_a_wildcard(default: Template, hcl: Template) -> None:
    # Batch is asked for the children of an array, and AWS scopes that to no resource.
    assert wildcards(default) == [("aws_iam_role_policy.role_policy", "*")]
    assert wildcards(alerts(details=False)) == []
    assert wildcards(hcl) == [("aws_iam_role_policy.role_policy", "*")]


# --- nothing is lost without a word


def test_an_event_that_fails_is_tried_again_and_then_kept(either: Template) -> None:
    function = either.one("aws_lambda_function")
    assert function["dead_letter_config"] == {"target_arn": "${aws_sqs_queue.dead_letter_queue.arn}"}
    asynchronous = either.one("aws_lambda_function_event_invoke_config")
    assert asynchronous["maximum_retry_attempts"] == 2
    assert asynchronous["maximum_event_age_in_seconds"] == 21_600


def test_an_event_that_is_not_delivered_is_kept(either: Template) -> None:
    for name in ("target", "blocked_queue_target"):
        target = either.address("aws_cloudwatch_event_target", name)
        assert target["dead_letter_config"] == {"arn": "${aws_sqs_queue.dead_letter_queue.arn}"}
        assert target["retry_policy"] == {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 185}
        assert target["arn"] == "${aws_lambda_function.function.arn}"
        assert "role_arn" not in target


def test_the_queue_of_kept_events_is_encrypted_and_watched(default: Template) -> None:
    queue = default.one("aws_sqs_queue")
    assert queue["sqs_managed_sse_enabled"] is True
    assert queue["message_retention_seconds"] == 14 * 86_400
    alarm = default.one("aws_cloudwatch_metric_alarm")
    assert alarm["dimensions"] == {"QueueName": "${aws_sqs_queue.dead_letter_queue.name}"}
    assert (alarm["metric_name"], alarm["threshold"], alarm["comparison_operator"]) == (
        "ApproximateNumberOfMessagesVisible",
        0,
        "GreaterThanThreshold",
    )
    assert alarm["treat_missing_data"] == "notBreaching"


def test_only_the_rules_may_send_to_the_queue_by_its_policy(default: Template) -> None:
    (statement,) = default.statements("aws_sqs_queue", "dead_letter_queue")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    where = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
    assert statement["Condition"] == {
        "ArnLike": {
            "aws:SourceArn": [
                f"arn:${{data.aws_partition.current.partition}}:events:{where}:rule/batchtab-test-{rule}"
                for rule in ("failed-job-*", "blocked-queue-*", "alerts-sweep")
            ]
        }
    }


# --- the function


def test_the_log_group_is_there_before_the_function_and_ends(either: Template) -> None:
    function = either.one("aws_lambda_function")
    group = either.one("aws_cloudwatch_log_group")
    assert group["name"] == f"/aws/lambda/{function['function_name']}"
    assert group["retention_in_days"] in (30, "${var.log_retention_days}")
    assert "aws_cloudwatch_log_group.log_group" in function["depends_on"]


def test_the_code_of_a_stack_is_an_asset_without_a_machines_path(default: Template) -> None:
    function = default.one("aws_lambda_function")
    assert re.fullmatch(r"assets/job_alerts_code/[0-9A-F]{32}/job_alerts\.zip", function["filename"])
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", function["source_code_hash"])
    assert function["handler"] == "job_alerts.handler.lambda_handler"
    assert function["runtime"] == "python3.13"


def test_the_code_of_a_module_is_beside_its_files(hcl: Template) -> None:
    function = hcl.one("aws_lambda_function")
    assert function["filename"] == "${path.module}/job_alerts.zip"
    assert function["source_code_hash"] == '${filebase64sha256("${path.module}/job_alerts.zip")}'


def test_the_environment_holds_no_secret(either: Template) -> None:
    variables = either.one("aws_lambda_function")["environment"]["variables"]
    assert not [name for name in variables if re.search("TOKEN|WEBHOOK_URL|PASSWORD", name)]
    assert variables.get("SLACK_WEBHOOK_SECRET_ARN", "").startswith(("", "${var.webhook_secret_arn"))
    assert "hooks.slack.com" not in either.text()


# --- arguments


def test_each_argument_arrives() -> None:
    template = alerts(
        function_name="Tell",
        function_region="us-east-1",
        channel="#ops",
        username="Batch ${HOME}",
        icon_emoji=":fire:",
        color="#cc0000",
        details=False,
        stage="prod",
        rerun_command="batchtab run {job} --stage prod",
        log_lines=5,
        reserved_concurrent_executions=5,
        log_retention_days=90,
        kms_key_arn=KEY_ARN,
        alarm_topic_arns=[TOPIC_ARN],
        permissions_boundary_arn=BOUNDARY_ARN,
        tags={"team": "platform"},
    )
    function = template.one("aws_lambda_function")
    assert function["environment"]["variables"] == {
        "SLACK_FUNCTION_NAME": "Tell",
        "SLACK_FUNCTION_REGION": "us-east-1",
        "SLACK_CHANNEL": "#ops",
        "SLACK_USERNAME": "Batch $${HOME}",
        "SLACK_ICON_EMOJI": ":fire:",
        "SLACK_COLOR": "#cc0000",
        "ALERT_NAMESPACE": "batchtab-test",
        "ALERT_DETAILS": "false",
        "ALERT_STAGE": "prod",
        "ALERT_RERUN_COMMAND": "batchtab run {job} --stage prod",
        "ALERT_LOG_LINES": "5",
    }
    assert function["kms_key_arn"] == KEY_ARN
    assert function["reserved_concurrent_executions"] == 5
    assert template.one("aws_cloudwatch_log_group")["retention_in_days"] == 90
    assert template.one("aws_cloudwatch_log_group")["kms_key_id"] == KEY_ARN
    queue = template.one("aws_sqs_queue")
    assert queue["kms_master_key_id"] == KEY_ARN
    assert "sqs_managed_sse_enabled" not in queue
    assert template.one("aws_cloudwatch_metric_alarm")["alarm_actions"] == [TOPIC_ARN]
    assert template.one("aws_iam_role")["permissions_boundary"] == BOUNDARY_ARN
    statements = template.statements("aws_iam_role_policy", "role_policy")
    assert {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Effect": "Allow", "Resource": [KEY_ARN]} in statements
    assert any(s["Resource"][0].endswith(":function:Tell") and ":us-east-1:" in s["Resource"][0] for s in statements)
    for type_ in ("aws_lambda_function", "aws_iam_role", "aws_sqs_queue", "aws_cloudwatch_log_group"):
        assert template.one(type_)["tags"] == {"team": "platform"}, type_


def test_queues_may_be_an_expression() -> None:
    arns = Expression.of("values(data.terraform_remote_state.environment.outputs.queues)")
    rule = alerts(job_queue_arns=arns).address("aws_cloudwatch_event_rule", "failed_job")
    assert f"chunklist({arns.text}, " in rule["for_each"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"job_queue_arns": []}, "job_queue_arns: [] is empty: at least one"),
        ({"job_queue_arns": ["default"]}, "job_queue_arns[0]: 'default' is not allowed: a job queue's ARN"),
        ({"namespace": "Batch"}, "namespace: 'Batch' is not allowed: lower-case letters"),
        ({"function_name": "Send To Slack"}, "function_name: 'Send To Slack' is not allowed: letters, digits"),
        ({"function_region": "Seoul"}, "function_region: 'Seoul' is not allowed: a region's code"),
        ({"channel": "#cron error"}, "channel: '#cron error' is not allowed: a channel's name"),
        ({"icon_emoji": "cloud"}, "icon_emoji: 'cloud' is not allowed: an emoji between colons"),
        ({"color": "red"}, "color: 'red' is not allowed: good, warning, danger or a code"),
        ({"username": "x" * 81}, "is 81 characters long: a name (at most 80 characters)"),
        ({"webhook_secret_arn": "https://hooks.slack.com/x"}, "is not allowed: the ARN of an SSM parameter"),
        ({"log_lines": 101}, "log_lines: 101 is too large: 0 to 100 (lines)"),
        ({"repeat_seconds": -1}, "repeat_seconds: -1 is too short: 0 to 604800 (seconds)"),
        ({"gather_seconds": 41}, "gather_seconds: 41 is too long: 0 to 40 (seconds)"),
        ({"reserved_concurrent_executions": 1}, "reserved_concurrent_executions: 1 is too small: 2 to 1000"),
        ({"give_up_seconds": 59}, "give_up_seconds: 59 is too short: 60 to 86400 (seconds)"),
        (
            {"routes": {"my-service": {}}},
            "routes: are kept in a table, which only quiet alerts have [hint: set quiet to true]",
        ),
        ({"schedules": {"a": WATCHED}}, "schedules: are kept in a table, which only quiet alerts have"),
        ({"quiet": True, "schedules": {"a": {}}}, "schedules.a.job_queue_arn: is missing: the job's queue"),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "late_after_seconds": 59}}},
            "schedules.a.late_after_seconds: 59 is too short",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "schedule": "daily"}}},
            "schedules.a.schedule: 'daily' is not",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "zone": "UTC"}}},
            "schedules.a.zone: is an unknown key: valid keys are schedule, job_queue_arn, late",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "timezone": "KST+9:00"}}},
            "schedules.a.timezone: 'KST+9:00' is not a time zone, such as Asia/Seoul",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "start": "2026-12-01"}}},
            "schedules.a.start: '2026-12-01' is not allowed: a moment of the calendar in UTC",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "end": "2026-12-01T00:00:00+09:00"}}},
            "schedules.a.end: '2026-12-01T00:00:00+09:00' is",
        ),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "flexible_window_minutes": 1441}}},
            "schedules.a.flexible_window_minutes: 1441 is too large: 1 to 1440 (minutes)",
        ),
        (
            {
                "quiet": True,
                "schedules": {"a": {**WATCHED, **AT_A_RATE, "flexible_window_minutes": 5}},
            },
            "schedules.a.flexible_window_minutes: 5 does not go with a rate: its times are not known",
        ),
        ({"quiet": True, "routes": {"a b": {}}}, "routes.a b: is not allowed as a name"),
        (
            {"quiet": True, "routes": {"a": {"chanel": "#x"}}},
            "routes.a.chanel: is an unknown key [hint: did you mean 'channel'?]",
        ),
        ({"quiet": True, "routes": {"a": {"channel": "# x"}}}, "routes.a.channel: '# x' is not allowed"),
        ({"quiet": True, "routes": {"a": {"mention": "bob"}}}, "routes.a.mention: 'bob' is not allowed"),
        ({"log_retention_days": 31}, "log_retention_days: 31 is not allowed: 1, 3, 5"),
        ({"webhook_kms_key_arn": KEY_ARN}, "webhook_kms_key_arn: is the key of webhook_secret_arn, which is not given"),
        (
            {"webhook_secret_arn": SECRET_ARN, "function_name": "Send"},
            "function_name: cannot be used together with",
        ),
        ({"gather_seconds": 10}, "gather_seconds: 10 has no effect without quiet [hint: set quiet to true]"),
        ({"give_up_seconds": 60}, "give_up_seconds: 60 has no effect without quiet [hint: set quiet to true]"),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, "schedule": "cron(0 25 * * ? *)"}}},
            "schedules.a.schedule: 'cron(0 25 * * ? *)' has '25' as hours: 0 to 23",
        ),
        (
            {"topic_arn": TOPIC, "webhook_secret_arn": SECRET_ARN},
            "webhook_secret_arn: cannot be used together with",
        ),
        ({"topic_arn": TOPIC, "function_name": "Send"}, "function_name: cannot be used together with topic_arn"),
        ({"topic_arn": TOPIC + ".fifo"}, "is not allowed: the ARN of an SNS topic that is not a FIFO topic"),
        ({"repeat_seconds": 60}, "repeat_seconds: has no effect without quiet [hint: quiet: true]"),
        ({"kms_key_arn": "key"}, "kms_key_arn: 'key' is not allowed: the ARN of a KMS key"),
        ({"tags": {"aws:x": "y"}}, "tags.aws:x: is reserved: AWS sets the tags that begin with aws:"),
        ({"quietly": True}, "quietly: is an unknown key"),
        # AND what is known is checked where something beside it is not
        ({"schedules": {"a": {**WATCHED, "job_queue_arn": KNOWN_LATER}}}, "schedules: are kept in a table"),
        (
            {"quiet": True, "schedules": {"a": {**WATCHED, **AT_A_RATE, "job_queue_arn": KNOWN_LATER}}},
            "schedules.a.timezone: 'UTC' does not go with a rate: its times are not known [hint: leave it out]",
        ),
    ],
)
def test_what_aws_or_slack_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        alerts(**arguments)


def test_none_says_nothing() -> None:
    # GIVEN arguments that a caller passes on, whether it has a value or not
    given = dict.fromkeys(("routes", "schedules", "tags", "function_region", "webhook_secret_arn", "runs_table_arn"))
    # WHEN the alerts are made THEN they are those of a caller who says nothing
    assert alerts(**given).content == alerts().content
    # AND likewise within a row
    row = {"a": {**WATCHED, "timezone": None, "flexible_window_minutes": None}}
    assert alerts(quiet=True, schedules=row).content == alerts(quiet=True, schedules={"a": WATCHED}).content


def test_a_row_may_have_an_expression_in_it() -> None:
    row = {"a": {**WATCHED, "job_queue_arn": KNOWN_LATER, "start": None}}
    (made,) = alerts(quiet=True, schedules=row).address("aws_dynamodb_table_item", "schedule")["for_each"].values()
    assert made == {
        **WATCHED,
        "job_queue_arn": "${var.queue}",
        **dict.fromkeys(("timezone", "start", "end"), ""),
        "flexible_window_minutes": 0,
    }


ALWAYS = {
    "aws_cloudwatch_event_rule.failed_job",
    "aws_cloudwatch_event_rule.blocked_queue",
    "aws_cloudwatch_event_target.target",
    "aws_cloudwatch_event_target.blocked_queue_target",
    "aws_cloudwatch_log_group.log_group",
    "aws_cloudwatch_metric_alarm.dead_letter_alarm",
    "aws_iam_role.role",
    "aws_iam_role_policy.role_policy",
    "aws_lambda_function.function",
    "aws_lambda_function_event_invoke_config.event_invoke_config",
    "aws_lambda_permission.permission",
    "aws_lambda_permission.blocked_queue_permission",
    "aws_sqs_queue.dead_letter_queue",
}
IF_QUIET = {
    "aws_cloudwatch_event_rule.sweep",
    "aws_cloudwatch_event_target.sweep_target",
    "aws_lambda_permission.sweep_permission",
    "aws_dynamodb_table.table",
}


def test_addresses_are_the_same_by_both_doors_and_without_hashes(default: Template, hcl: Template) -> None:
    assert default.managed() == ALWAYS
    optional = {"aws_dynamodb_table_item.route", "aws_dynamodb_table_item.schedule"}
    optional |= {f"aws_lambda_event_source_mapping.{which}trigger_mapping" for which in ("", "further_")}
    assert hcl.addresses() == ALWAYS | IF_QUIET | optional


# --- quiet


ROUTES = {"my-service": {}, "my-service-do-often": {"channel": "#ops", "mention": "here", "mute": True}}
TRIGGERS = "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-test-trigger-dead-letter"


@pytest.fixture(scope="module")
def quiet() -> Template:
    return alerts(quiet=True, repeat_seconds=60, gather_seconds=1, give_up_seconds=120, routes=ROUTES)


def test_quiet_alerts_have_a_table_and_a_clock(quiet: Template) -> None:
    assert quiet.managed() == ALWAYS | IF_QUIET | {"aws_dynamodb_table_item.route"}
    table = quiet.one("aws_dynamodb_table")
    assert (table["hash_key"], table["range_key"], table["billing_mode"]) == ("pk", "sk", "PAY_PER_REQUEST")
    assert table["ttl"] == {"attribute_name": "expires_at", "enabled": True}
    assert table["server_side_encryption"] == {"enabled": True}
    assert table["point_in_time_recovery"] == {"enabled": True}
    assert quiet.address("aws_cloudwatch_event_rule", "sweep")["schedule_expression"] == "rate(1 minute)"
    assert json.loads(quiet.address("aws_cloudwatch_event_target", "sweep_target")["input"]) == {"batchtab": "sweep"}
    permission = quiet.address("aws_lambda_permission", "sweep_permission")
    assert permission["source_arn"] == "${aws_cloudwatch_event_rule.sweep.arn}"


def test_quiet_alerts_hear_of_successes_too(quiet: Template, hcl: Template) -> None:
    pattern = quiet.address("aws_cloudwatch_event_rule", "failed_job")["event_pattern"]
    assert '"status" = ["FAILED", "SUCCEEDED"]' in pattern
    chosen = hcl.address("aws_cloudwatch_event_rule", "failed_job")["event_pattern"]
    assert '"status" = var.quiet ? ["FAILED", "SUCCEEDED"] : ["FAILED"]' in chosen


def test_the_function_may_use_its_table_and_no_other(quiet: Template) -> None:
    statements = quiet.statements("aws_iam_role_policy", "role_policy")
    (statement,) = [one for one in statements if one["Action"][0].startswith("dynamodb:")]
    assert statement["Resource"] == ["${aws_dynamodb_table.table.arn}"]
    assert "dynamodb:Scan" not in statement["Action"]
    assert [resource for _, resource in wildcards(quiet)] == ["*"]  # Batch's children of an array
    variables = quiet.one("aws_lambda_function")["environment"]["variables"]
    assert variables["ALERT_TABLE_NAME"] == "${aws_dynamodb_table.table.name}"
    assert [variables[f"ALERT_{name}_SECONDS"] for name in ("REPEAT", "GATHER", "GIVE_UP")] == ["60", "1", "120"]
    assert variables["ALERT_DEAD_LETTER_QUEUE_URL"] == "${aws_sqs_queue.dead_letter_queue.url}"


def test_routes_are_rows_of_the_table(quiet: Template, hcl: Template) -> None:
    row = quiet.address("aws_dynamodb_table_item", "route")
    assert row["for_each"] == {
        "my-service": {"channel": "", "mention": "", "mute": False, "service": ""},
        "my-service-do-often": {"channel": "#ops", "mention": "here", "mute": True, "service": ""},
    }
    assert row["table_name"] == "${aws_dynamodb_table.table.name}"
    assert hcl.address("aws_dynamodb_table_item", "route")["item"] == row["item"]
    assert hcl.address("aws_dynamodb_table_item", "route")["for_each"] == (
        "${{ for name, route in var.routes : name => route if var.quiet }}"
    )


def test_watched_schedules_are_rows_of_the_table_and_batch_may_be_asked(hcl: Template) -> None:
    template = alerts(quiet=True, schedules={"my-service-daily": WATCHED})
    row = template.address("aws_dynamodb_table_item", "schedule")
    absent = {"timezone": "", "start": "", "end": "", "flexible_window_minutes": 0}
    assert row["for_each"] == {"my-service-daily": {**WATCHED, **absent}}
    assert hcl.address("aws_dynamodb_table_item", "schedule")["item"] == row["item"]
    assert '"late"' in row["item"]
    asked = {"Action": ["batch:DescribeJobs", "batch:ListJobs"], "Effect": "Allow", "Resource": ["*"]}
    assert asked in template.statements("aws_iam_role_policy", "role_policy")
    without_details = alerts(quiet=True, details=False, schedules={"my-service-daily": WATCHED})
    assert asked in without_details.statements("aws_iam_role_policy", "role_policy")
    assert hcl.address("aws_dynamodb_table_item", "schedule")["for_each"] == (
        "${{ for name, watched in var.schedules : name => watched if var.quiet }}"
    )


ZONED = {
    "schedule": "at(2026-12-01T09:00:00)",
    "timezone": "Asia/Seoul",
    "start": "2026-11-01T00:00:00Z",
    "end": None,
    "flexible_window_minutes": 15,
}


def test_a_schedule_may_have_a_zone_a_start_an_end_and_a_window() -> None:
    template = alerts(quiet=True, schedules={"my-service-daily": {**WATCHED, **ZONED}})
    (row,) = template.address("aws_dynamodb_table_item", "schedule")["for_each"].values()
    assert row == {**WATCHED, **ZONED, "end": ""}


RUNS = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/batchtab-test-job-runs"


def test_the_table_of_runs_may_be_read_where_it_is_given_and_alerts_are_quiet(hcl: Template) -> None:
    template = alerts(quiet=True, runs_table_arn=RUNS)
    statements = template.statements("aws_iam_role_policy", "role_policy")
    assert {"Action": ["dynamodb:Query"], "Effect": "Allow", "Resource": [RUNS]} in statements
    assert template.one("aws_lambda_function")["environment"]["variables"]["ALERT_RUNS_TABLE_ARN"] == RUNS
    # AND not otherwise
    for arguments in ({"quiet": True}, {"runs_table_arn": RUNS}):
        assert RUNS not in json.dumps(alerts(**arguments).statements("aws_iam_role_policy", "role_policy"))
    without = alerts(quiet=True).one("aws_lambda_function")["environment"]["variables"]
    assert "ALERT_RUNS_TABLE_ARN" not in without
    chosen = "Resource = alltrue([var.quiet, var.runs_table_arn != null]) ? [var.runs_table_arn] : []"
    assert chosen in hcl.one("aws_iam_role_policy")["policy"]


def test_batch_is_not_asked_without_details_where_nothing_is_watched() -> None:
    statements = alerts(quiet=True, details=False).statements("aws_iam_role_policy", "role_policy")
    assert "batch:ListJobs" not in json.dumps(statements)


def test_the_module_refuses_routes_without_a_table(hcl: Template) -> None:
    rules = hcl.one("aws_lambda_function")["lifecycle"]["precondition"]
    assert "${anytrue([var.quiet, !(length(var.routes) > 0)])}" in [rule["condition"] for rule in rules]


# --- other ways


def test_a_webhook_is_named_by_its_secret_and_replaces_the_function() -> None:
    secret = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:slack-AbCdEf"
    template = alerts(webhook_secret_arn=secret, webhook_kms_key_arn=KEY_ARN)
    statements = template.statements("aws_iam_role_policy", "role_policy")
    assert {"Action": ["secretsmanager:GetSecretValue"], "Effect": "Allow", "Resource": [secret]} in statements
    assert {"Action": ["kms:Decrypt"], "Effect": "Allow", "Resource": [KEY_ARN]} in statements
    actions = [action for statement in statements for action in statement["Action"]]
    assert not {"lambda:InvokeFunction", "ssm:GetParameter"} & set(actions)
    variables = template.one("aws_lambda_function")["environment"]["variables"]
    assert variables["SLACK_WEBHOOK_SECRET_ARN"] == secret
    assert "SLACK_FUNCTION_NAME" not in variables


def test_a_topic_replaces_the_function_and_may_be_published_to(hcl: Template) -> None:
    template = alerts(topic_arn=TOPIC)
    statements = template.statements("aws_iam_role_policy", "role_policy")
    assert {"Action": ["sns:Publish"], "Effect": "Allow", "Resource": [TOPIC]} in statements
    assert "lambda:InvokeFunction" not in json.dumps(statements)
    variables = template.one("aws_lambda_function")["environment"]["variables"]
    assert variables["ALERT_TOPIC_ARN"] == TOPIC
    assert "SLACK_FUNCTION_NAME" not in variables
    # AND without one nothing may be published
    assert "sns:Publish" not in json.dumps(alerts().statements("aws_iam_role_policy", "role_policy"))
    assert "ALERT_TOPIC_ARN" not in alerts().one("aws_lambda_function")["environment"]["variables"]
    assert "Resource = var.topic_arn != null ? [var.topic_arn] : []" in hcl.one("aws_iam_role_policy")["policy"]


def test_a_webhook_may_stand_in_a_parameter() -> None:
    parameter = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/slack/webhook"
    statements = alerts(webhook_secret_arn=parameter).statements("aws_iam_role_policy", "role_policy")
    assert {"Action": ["ssm:GetParameter"], "Effect": "Allow", "Resource": [parameter]} in statements
    assert not [one for one in statements if one["Action"] == ["secretsmanager:GetSecretValue"]]


def test_triggers_that_failed_are_read_from_their_queue(hcl: Template) -> None:
    template = alerts(trigger_dead_letter_queue_arn=TRIGGERS)
    assert template.one("aws_lambda_event_source_mapping")["event_source_arn"] == TRIGGERS
    statements = template.statements("aws_iam_role_policy", "role_policy")
    assert {
        "Action": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        "Effect": "Allow",
        "Resource": [TRIGGERS],
    } in statements
    mapping = hcl.address("aws_lambda_event_source_mapping", "trigger_mapping")
    assert mapping["count"] == "${var.tell_failed_triggers ? 1 : 0}"


def test_a_queue_that_the_function_reads_hides_messages_for_longer_than_it_runs() -> None:
    function = alerts().one("aws_lambda_function")
    queue = module("batch_environment").one("aws_sqs_queue")
    assert queue["visibility_timeout_seconds"] >= 6 * function["timeout"]


def test_another_id_comes_first_in_addresses() -> None:
    assert alerts("ops").count("aws_lambda_function") == 1
    assert "ops_function" in alerts("ops").all("aws_lambda_function")


# --- the stand-in


def test_the_stand_in_has_the_functions_name_and_may_only_log() -> None:
    template = in_python(lambda stack: StandInSlack(stack, "Default"))
    function = template.one("aws_lambda_function")
    assert function["function_name"] == "SendToSlack"
    assert function["handler"] == "send_to_slack.handler.lambda_handler"
    assert "environment" not in function
    (statement,) = template.statements("aws_iam_role_policy", "role_policy")
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert template.count("aws_lambda_permission") == 0
