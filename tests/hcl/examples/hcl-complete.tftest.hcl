mock_provider "aws" {
  mock_resource "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/made" }
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
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:made" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:made" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-northeast-2:123456789012:rule/made" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:made" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/made" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-northeast-2:123456789012:shop-oncall" }
  }
  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:ap-northeast-2:123456789012:repository/made", repository_url = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/made" }
  }
}

variables {
  subnet_ids               = ["subnet-0a1b2c3d4e5f60718", "subnet-18f70615243f4e5d6"]
  security_group_ids       = ["sg-0123456789abcdef0"]
  sales_bucket_arn         = "arn:aws:s3:::shop-sales"
  slack_webhook_secret_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:slack-AbCdEf"
  reports_token_arn        = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/reports/token"
}

# Before anything is there, each count must be known.
run "plans_without_knowing_anything" {
  command = plan
}

run "makes_everything" {
  assert {
    condition = output.job_definition_names == {
      mail          = "shop-fargate-reports-mail"
      rebuild-index = "shop-ec2-orders-rebuild-index"
      repair        = "shop-ec2-orders-repair"
      settle        = "shop-ec2-orders-settle"
      sync-stock    = "shop-ec2-orders-sync-stock"
    }
    error_message = "there are five jobs of two services"
  }
  assert {
    condition     = module.orders["sync-stock"].rule_name == "shop-ec2-orders-sync-stock" && module.orders["rebuild-index"].rule_name == null && module.orders["repair"].rule_name == null
    error_message = "a job without a schedule has no rule"
  }
  assert {
    condition     = module.orders["settle"].schedule_name == "shop-ec2-orders-settle" && module.orders["settle"].rule_name == null && module.reports.schedule_name == "shop-fargate-reports-mail"
    error_message = "a job with a time zone has a schedule"
  }
  assert {
    condition     = module.runs.submit_function_arn == "arn:aws:lambda:ap-northeast-2:123456789012:function:shop-ec2-submit-run"
    error_message = "the function is known while Terraform plans"
  }
  assert {
    condition     = module.reports.execution_role_arn != null && module.orders["settle"].execution_role_arn == null
    error_message = "Fargate and secrets need an execution role, instances do not"
  }
}
