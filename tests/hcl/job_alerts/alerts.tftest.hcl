# Defaults, and each input.

mock_provider "aws" {
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:made" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:made" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-northeast-2:123456789012:rule/made" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/made" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:made" }
  }
}

variables {
  namespace      = "batchtab-test"
  job_queue_arns = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/default"]
}

run "defaults" {
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.failed_job["1"].event_pattern).detail == { jobQueue = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/default"], status = ["FAILED"] }
    error_message = "failed jobs of these queues are told"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["SLACK_FUNCTION_NAME"] == "SendToSlack" && aws_lambda_function.function.environment[0].variables["SLACK_CHANNEL"] == "#cron-error" && aws_lambda_function.function.environment[0].variables["SLACK_USERNAME"] == "AWS Batch Job Failed Alert" && aws_lambda_function.function.environment[0].variables["SLACK_ICON_EMOJI"] == ":cloud:" && aws_lambda_function.function.environment[0].variables["SLACK_COLOR"] == "danger"
    error_message = "the message is the original's"
  }
  assert {
    condition     = aws_lambda_permission.permission["1"].source_arn == "arn:aws:events:ap-northeast-2:123456789012:rule/made"
    error_message = "only this rule may call the function"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group.retention_in_days == 30 && aws_lambda_function.function.dead_letter_config[0].target_arn == "arn:aws:sqs:ap-northeast-2:123456789012:made"
    error_message = "logs end, and what fails is kept"
  }
}

run "quiet_alerts" {
  variables {
    quiet           = true
    repeat_seconds  = 7200
    gather_seconds  = 10
    give_up_seconds = 1800
    routes          = { billing = { channel = "#billing", mention = "@here" }, noise = { mute = true }, billing-late = { channel = "#late", service = "billing" } }
    schedules = {
      billing-invoice = { schedule = "cron(0 0 * * ? *)", job_queue_arn = var.job_queue_arns[0], late_after_seconds = 600 }
      billing-report  = { schedule = "at(2026-12-01T09:00:00)", timezone = "Asia/Seoul", start = "2026-11-01T00:00:00Z", end = "2026-12-31T00:00:00Z", flexible_window_minutes = 15, job_queue_arn = var.job_queue_arns[0], late_after_seconds = 600 }
    }
    runs_table_arn                = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/batchtab-test-job-runs"
    tell_failed_triggers          = true
    trigger_dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-test-trigger-dead-letter"
  }
  assert {
    condition     = output.table_name != null && length(aws_dynamodb_table_item.route) == 3 && jsondecode(aws_dynamodb_table_item.route["billing-late"].item).service.S == "billing"
    error_message = "quiet alerts remember in a table, which holds the routes"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["ALERT_REPEAT_SECONDS"] == "7200" && aws_lambda_function.function.environment[0].variables["ALERT_GATHER_SECONDS"] == "10" && aws_lambda_function.function.environment[0].variables["ALERT_GIVE_UP_SECONDS"] == "1800"
    error_message = "times arrive"
  }
  assert {
    condition     = jsondecode(aws_dynamodb_table_item.schedule["billing-invoice"].item).late_after_seconds.N == "600" && strcontains(aws_iam_role_policy.role_policy.policy, "batch:ListJobs")
    error_message = "a schedule is watched, and Batch may be asked for its runs"
  }
  assert {
    condition     = jsondecode(aws_dynamodb_table_item.schedule["billing-invoice"].item) == { pk = { S = "late" }, sk = { S = "billing-invoice" }, schedule = { S = "cron(0 0 * * ? *)" }, job_queue_arn = { S = var.job_queue_arns[0] }, late_after_seconds = { N = "600" } }
    error_message = "a row says nothing that its schedule does not"
  }
  assert {
    condition     = jsondecode(aws_dynamodb_table_item.schedule["billing-report"].item) == { pk = { S = "late" }, sk = { S = "billing-report" }, schedule = { S = "at(2026-12-01T09:00:00)" }, timezone = { S = "Asia/Seoul" }, start = { S = "2026-11-01T00:00:00Z" }, end = { S = "2026-12-31T00:00:00Z" }, job_queue_arn = { S = var.job_queue_arns[0] }, late_after_seconds = { N = "1500" } }
    error_message = "zone, start and end are watched, and a window may pass before a run is late"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["ALERT_RUNS_TABLE_ARN"] == var.runs_table_arn && strcontains(aws_iam_role_policy.role_policy.policy, var.runs_table_arn)
    error_message = "the function may look up what became of a run"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.trigger_mapping[0].event_source_arn == var.trigger_dead_letter_queue_arn
    error_message = "a trigger that failed is told"
  }
}

run "every_input" {
  variables {
    webhook_secret_arn             = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:slack-AbCdEf"
    webhook_kms_key_arn            = "arn:aws:kms:ap-northeast-2:123456789012:key/w"
    details                        = false
    stage                          = "prod"
    rerun_command                  = "run {job}"
    log_lines                      = 5
    reserved_concurrent_executions = 2
    job_queue_arns                 = [for n in range(9) : "arn:aws:batch:ap-northeast-2:123456789012:job-queue/q${n}"]
    channel                        = "#batch"
    username                       = "Batch"
    icon_emoji                     = ":fire:"
    color                          = "#cc0000"
    log_retention_days             = 7
    kms_key_arn                    = "arn:aws:kms:ap-northeast-2:123456789012:key/k"
    alarm_topic_arns               = ["arn:aws:sns:ap-northeast-2:123456789012:oncall"]
    permissions_boundary_arn       = "arn:aws:iam::123456789012:policy/boundary"
    tags                           = { team = "platform" }
  }
  # The last lines of a log are a detail.
  expect_failures = [check.has_effect]
  assert {
    condition     = length(aws_cloudwatch_event_rule.failed_job) == 2
    error_message = "a pattern holds eight queues, so nine need two rules"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["SLACK_CHANNEL"] == "#batch" && aws_lambda_function.function.environment[0].variables["SLACK_USERNAME"] == "Batch" && aws_lambda_function.function.environment[0].variables["SLACK_ICON_EMOJI"] == ":fire:" && aws_lambda_function.function.environment[0].variables["SLACK_COLOR"] == "#cc0000"
    error_message = "the message is as wished"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["SLACK_WEBHOOK_SECRET_ARN"] == var.webhook_secret_arn && aws_lambda_function.function.environment[0].variables["ALERT_DETAILS"] == "false" && aws_lambda_function.function.environment[0].variables["ALERT_STAGE"] == "prod" && aws_lambda_function.function.environment[0].variables["ALERT_RERUN_COMMAND"] == "run {job}" && aws_lambda_function.function.environment[0].variables["ALERT_LOG_LINES"] == "5"
    error_message = "the function knows its settings"
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.role_policy.policy, var.webhook_secret_arn) && strcontains(aws_iam_role_policy.role_policy.policy, var.webhook_kms_key_arn)
    error_message = "the function may read the webhook's secret: ${aws_iam_role_policy.role_policy.policy}"
  }
  assert {
    condition     = aws_lambda_function.function.reserved_concurrent_executions == 2
    error_message = "two alerts at once"
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.role_policy.policy, "dynamodb:")
    error_message = "no table may be read that is not given"
  }
  assert {
    condition     = length(aws_dynamodb_table.table) == 0 && length(aws_lambda_event_source_mapping.trigger_mapping) == 0
    error_message = "what is not asked for is not made"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group.retention_in_days == 7 && aws_cloudwatch_log_group.log_group.kms_key_id == var.kms_key_arn && aws_lambda_function.function.kms_key_arn == var.kms_key_arn && aws_sqs_queue.dead_letter_queue.kms_master_key_id == var.kms_key_arn
    error_message = "the key encrypts all three"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letter_alarm.alarm_actions == toset(var.alarm_topic_arns)
    error_message = "the topic is told"
  }
  assert {
    condition     = aws_iam_role.role.permissions_boundary == var.permissions_boundary_arn && aws_iam_role.role.tags.team == "platform"
    error_message = "the role has boundary and tags"
  }
}

run "a_function_of_another_name_and_region" {
  variables {
    function_name   = "Speak"
    function_region = "us-east-1"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["SLACK_FUNCTION_NAME"] == "Speak" && aws_lambda_function.function.environment[0].variables["SLACK_FUNCTION_REGION"] == "us-east-1"
    error_message = "the function that sends is the one that is named"
  }
}

run "a_table_of_runs_has_no_effect_without_quiet" {
  variables {
    runs_table_arn = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/batchtab-test-job-runs"
  }
  expect_failures = [check.has_effect]
}

run "log_lines_have_no_effect_without_details" {
  command = plan
  variables {
    details   = false
    log_lines = 5
  }
  expect_failures = [check.has_effect]
}
