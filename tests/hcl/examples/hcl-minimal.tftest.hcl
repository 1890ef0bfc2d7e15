mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-2" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:made" }
  }
  mock_resource "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/nightly-default" }
  }
  mock_resource "aws_batch_compute_environment" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:compute-environment/made" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/made" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }
}

variables {
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

run "plans_without_knowing_anything" {
  command = plan
}

run "makes_one_job" {
  assert {
    condition     = module.report.job_definition_name == "nightly-report" && module.report.rule_name == "nightly-report"
    error_message = "the job is called after the environment"
  }
  assert {
    condition     = module.environment.job_queue_names == { default = "nightly-default", continuously = "nightly-continuously" }
    error_message = "there are two queues"
  }
}
