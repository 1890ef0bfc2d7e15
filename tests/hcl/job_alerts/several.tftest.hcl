# Alerts of several environments.

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
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:made" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:made" }
  }
}

variables {
  namespace      = "shop"
  job_queue_arns = ["arn:aws:batch:ap-northeast-2:123456789012:job-queue/shop-ec2-default", "arn:aws:batch:ap-northeast-2:123456789012:job-queue/shop-fargate-default"]
}

run "one" {
  assert {
    condition     = length(aws_lambda_event_source_mapping.further_trigger_mapping) == 0
    error_message = "there is no further queue"
  }
}

run "several" {
  variables {
    further_namespaces                     = ["shop-ec2", "shop-fargate"]
    log_group_names                        = ["/acme/jobs"]
    tell_failed_triggers                   = true
    trigger_dead_letter_queue_arn          = "arn:aws:sqs:ap-northeast-2:123456789012:shop-ec2-trigger-dead-letter"
    further_trigger_dead_letter_queue_arns = ["arn:aws:sqs:ap-northeast-2:123456789012:shop-fargate-trigger-dead-letter"]
  }
  assert {
    condition = toset(flatten([for each in jsondecode(aws_iam_role_policy.role_policy.policy).Statement : each.Resource if contains(each.Action, "logs:GetLogEvents")])) == toset(concat(
      [for name in ["shop", "shop-ec2", "shop-fargate"] : "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/batch/${name}:*"],
      [for name in ["shop", "shop-ec2", "shop-fargate"] : "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/batch/${name}/*:*"],
      ["arn:aws:logs:ap-northeast-2:123456789012:log-group:/acme/jobs:*"],
    ))
    error_message = "the function reads the logs of every environment, and that of its own name"
  }
  assert {
    condition     = aws_lambda_function.function.environment[0].variables["ALERT_FURTHER_NAMESPACES"] == "shop-ec2,shop-fargate"
    error_message = "the function knows the namespaces"
  }
  assert {
    condition     = [for mapping in values(aws_lambda_event_source_mapping.further_trigger_mapping) : mapping.event_source_arn] == ["arn:aws:sqs:ap-northeast-2:123456789012:shop-fargate-trigger-dead-letter"]
    error_message = "every dead-letter queue is read"
  }
  assert {
    condition     = contains(flatten([for each in jsondecode(aws_iam_role_policy.role_policy.policy).Statement : each.Resource if contains(each.Action, "sqs:ReceiveMessage")]), "arn:aws:sqs:ap-northeast-2:123456789012:shop-fargate-trigger-dead-letter")
    error_message = "and may be read"
  }
}

run "in_a_second_region" {
  variables {
    role_path        = "/batch/"
    role_name_suffix = "-use1"
  }
  assert {
    condition     = aws_iam_role.role.name == "${var.namespace}-job-alerts-use1" && aws_iam_role.role.path == "/batch/"
    error_message = "names end with the suffix"
  }
}
