# Defaults, and each input.

mock_provider "aws" {
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
  namespace                     = "batchtab-test"
  job_queue_arns                = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/default"]
  trigger_dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-test-trigger-dead-letter"
}

run "defaults" {
  assert {
    condition     = output.submit_function_name == "batchtab-test-submit-run" && output.table_name == "batchtab-test-job-runs" && output.submit_function_arn == "arn:aws:lambda:ap-northeast-2:123456789012:function:batchtab-test-submit-run" && output.table_arn == aws_dynamodb_table.table.arn
    error_message = "function and table are called by the namespace"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables == tomap({ RUNS_TABLE = "batchtab-test-job-runs", RUNS_NAMESPACE = "batchtab-test", RUNS_HISTORY_DAYS = "90" })
    error_message = "the function knows its table"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.run_ended["1"].event_pattern).detail == { jobQueue = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/default"], status = ["FAILED", "SUCCEEDED"], "$or" = [{ container = { environment = { name = ["BATCHTAB_RUN_POLICY"] } } }, { ecsProperties = { taskProperties = { containers = { environment = { name = ["BATCHTAB_RUN_POLICY"] } } } } }, { nodeProperties = { numNodes = [{ exists = true }] } }], arrayProperties = { index = [{ exists = false }] } }
    error_message = "the function is told of runs that ended"
  }
  assert {
    condition     = aws_lambda_permission.permission.source_arn == "arn:aws:events:ap-northeast-2:123456789012:rule/batchtab-test-*"
    error_message = "rules of the namespace may invoke the function"
  }
  assert {
    condition     = aws_lambda_function.function.dead_letter_config[0].target_arn == var.trigger_dead_letter_queue_arn && aws_cloudwatch_event_target.target["1"].dead_letter_config[0].arn == var.trigger_dead_letter_queue_arn
    error_message = "what fails is kept"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.role_policy.policy).Statement : s.Resource if contains(s.Action, "batch:SubmitJob")] == [["arn:aws:batch:ap-northeast-2:123456789012:job-queue/default"], ["arn:aws:batch:ap-northeast-2:123456789012:job-definition/batchtab-test-*"]]
    error_message = "the function submits to these queues, and this namespace's definitions"
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.role_policy.policy, "kms:") && aws_cloudwatch_log_group.log_group.retention_in_days == 30
    error_message = "nothing is allowed on a key that is not there, and logs end"
  }
}

run "every_input" {
  variables {
    job_queue_arns           = [for n in range(9) : "arn:aws:batch:ap-northeast-2:123456789012:job-queue/q${n}"]
    history_days             = 7
    log_retention_days       = 7
    kms_key_arn              = "arn:aws:kms:ap-northeast-2:123456789012:key/k"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    tags                     = { team = "platform" }
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.run_ended) == 2 && length(aws_cloudwatch_event_target.target) == 2
    error_message = "a pattern holds eight queues, so nine need two rules"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["RUNS_HISTORY_DAYS"] == "7" && aws_cloudwatch_log_group.log_group.retention_in_days == 7
    error_message = "days arrive"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group.kms_key_id == var.kms_key_arn && aws_lambda_function.function.kms_key_arn == var.kms_key_arn && aws_dynamodb_table.table.server_side_encryption[0].kms_key_arn == var.kms_key_arn && strcontains(aws_iam_role_policy.role_policy.policy, var.kms_key_arn)
    error_message = "the key encrypts all three, and may be used"
  }
  assert {
    condition     = aws_iam_role.role.permissions_boundary == var.permissions_boundary_arn && aws_iam_role.role.tags.team == "platform" && aws_dynamodb_table.table.tags.team == "platform"
    error_message = "role and table have boundary and tags"
  }
}

run "in_a_second_region" {
  variables {
    role_path        = "/batch/"
    role_name_suffix = "-use1"
  }
  assert {
    condition     = aws_iam_role.role.name == "${var.namespace}-submit-run-use1" && aws_iam_role.role.path == "/batch/"
    error_message = "names end with the suffix"
  }
}

run "a_queue_of_another_region" {
  command = plan
  variables {
    job_queue_arns = ["arn:aws:batch:us-east-1:123456789012:job-queue/a"]
  }
  expect_failures = [aws_lambda_function.function]
}

run "a_queue_of_another_account" {
  command = plan
  variables {
    job_queue_arns = ["arn:aws:batch:ap-northeast-2:210987654321:job-queue/a"]
  }
  expect_failures = [aws_lambda_function.function]
}

run "undelivered_events_of_another_region" {
  command = plan
  variables {
    trigger_dead_letter_queue_arn = "arn:aws:sqs:us-east-1:123456789012:q"
  }
  expect_failures = [aws_lambda_function.function]
}

run "undelivered_events_of_another_account" {
  command = plan
  variables {
    trigger_dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-2:210987654321:q"
  }
  expect_failures = [aws_lambda_function.function]
}
