mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/x" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:x" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:x" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-northeast-2:123456789012:rule/x" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:x" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/x" }
  }
}

variables {
  namespace      = "batchtab-prod"
  job_queue_arns = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/a"]
}

run "plain" {
  assert {
    condition     = length(jsondecode(aws_iam_role_policy.role_policy.policy).Statement) == 5
    error_message = aws_iam_role_policy.role_policy.policy
  }
  assert {
    condition     = length(aws_dynamodb_table.table) == 0 && length(aws_cloudwatch_event_rule.sweep) == 0
    error_message = "A table or a clock is made, although the alerts are not quiet."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.failed_job["1"].event_pattern).detail.status == ["FAILED"]
    error_message = aws_cloudwatch_event_rule.failed_job["1"].event_pattern
  }
}

run "quiet" {
  variables {
    quiet                         = true
    routes                        = { my-service = {}, my-job = { channel = "#x", mention = "here", mute = true } }
    webhook_secret_arn            = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/slack/webhook"
    tell_failed_triggers          = true
    trigger_dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-2:123456789012:t"
    kms_key_arn                   = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"
    job_queue_arns                = [for n in range(20) : "arn:aws:batch:ap-northeast-2:123456789012:job-queue/q${n}"]
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.failed_job) == 3 && length(aws_cloudwatch_event_target.target) == 3
    error_message = "Twenty queues make three rules."
  }
  assert {
    condition     = jsondecode(aws_dynamodb_table_item.route["my-job"].item).channel.S == "#x"
    error_message = "A route is not as it was given."
  }
  assert {
    condition = alltrue([
      !strcontains(aws_iam_role_policy.role_policy.policy, "lambda:InvokeFunction"),
      strcontains(aws_iam_role_policy.role_policy.policy, "ssm:GetParameter"),
      !strcontains(aws_iam_role_policy.role_policy.policy, "secretsmanager:"),
      length(aws_lambda_event_source_mapping.trigger_mapping) == 1,
    ])
    error_message = aws_iam_role_policy.role_policy.policy
  }
}

run "a_topic" {
  variables {
    topic_arn = "arn:aws:sns:ap-northeast-2:123456789012:failed-jobs"
  }
  assert {
    condition = alltrue([
      !strcontains(aws_iam_role_policy.role_policy.policy, "lambda:InvokeFunction"),
      contains([for one in jsondecode(aws_iam_role_policy.role_policy.policy).Statement : one.Resource if one.Action == ["sns:Publish"]], [var.topic_arn]),
      aws_lambda_function.function.environment[0].variables["ALERT_TOPIC_ARN"] == var.topic_arn,
    ])
    error_message = aws_iam_role_policy.role_policy.policy
  }
}

run "routes_without_a_table" {
  command = plan
  variables {
    routes = { my-service = {} }
  }
  expect_failures = [aws_lambda_function.function]
}

run "a_wrong_mention" {
  command = plan
  variables {
    quiet  = true
    routes = { my-service = { mention = "bob" } }
  }
  expect_failures = [var.routes]
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

run "a_topic_of_another_region" {
  command = plan
  variables {
    alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:oncall"]
  }
  expect_failures = [aws_lambda_function.function]
}

run "a_table_of_another_region" {
  command = plan
  variables {
    quiet          = true
    runs_table_arn = "arn:aws:dynamodb:us-east-1:123456789012:table/x"
  }
  expect_failures = [aws_lambda_function.function]
}

run "undelivered_events_of_another_region" {
  command = plan
  variables {
    tell_failed_triggers          = true
    trigger_dead_letter_queue_arn = "arn:aws:sqs:us-east-1:123456789012:q"
  }
  expect_failures = [aws_lambda_function.function]
}

run "undelivered_events_of_another_account" {
  command = plan
  variables {
    tell_failed_triggers          = true
    trigger_dead_letter_queue_arn = "arn:aws:sqs:ap-northeast-2:210987654321:q"
  }
  expect_failures = [aws_lambda_function.function]
}
