# What a job is with no more than what must be given, on EC2.

mock_provider "aws" {
  mock_resource "aws_batch_job_definition" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:job-definition/made:1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
}

variables {
  name          = "my-service-do-something"
  namespace     = "batchtab-test"
  image         = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service:latest"
  command       = ["node", "app/jobs/do-something"]
  job_queue_arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-test-default"
}

run "by_hand" {
  assert {
    condition     = aws_batch_job_definition.job_definition.name == "batchtab-test-my-service-do-something"
    error_message = "the definition's name begins with the namespace"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.platform_capabilities == toset(["EC2"])
    error_message = "EC2 is the default"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.timeout[0].attempt_duration_seconds == 3600
    error_message = "there is always a timeout"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.retry_strategy[0].attempts == 1
    error_message = "nothing is tried twice by default"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties) == {
      command          = ["node", "app/jobs/do-something"]
      image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service:latest"
      jobRoleArn       = "arn:aws:iam::123456789012:role/made"
      logConfiguration = { logDriver = "awslogs", options = { awslogs-group = "/aws/batch/batchtab-test/my-service-do-something", awslogs-stream-prefix = "my-service-do-something", mode = "blocking" } }
      mountPoints      = [{ containerPath = "/tmp", sourceVolume = "batchtab-tmp" }]

      readonlyRootFilesystem = true
      resourceRequirements   = [{ type = "VCPU", value = "1" }, { type = "MEMORY", value = "2048" }]
      volumes                = [{ name = "batchtab-tmp" }]
    }
    error_message = "container properties are ${aws_batch_job_definition.job_definition.container_properties}"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.rule) == 0 && length(aws_cloudwatch_event_target.target) == 0
    error_message = "without a schedule nothing triggers the job"
  }
  assert {
    condition     = length(aws_iam_role.trigger_role) == 0 && length(aws_iam_role.execution_role) == 0
    error_message = "only a job role is needed"
  }
  assert {
    condition     = aws_iam_role.job_role[0].name == "batchtab-test-my-service-do-something-job"
    error_message = "the job role's name is ${aws_iam_role.job_role[0].name}"
  }
  assert {
    condition     = jsondecode(aws_iam_role.job_role[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "the account is the queue's"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement == [{ Action = ["sts:GetCallerIdentity"], Effect = "Allow", Resource = ["*"] }]
    error_message = "the program may do nothing by default"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group[0].retention_in_days == 30
    error_message = "logs end after 30 days"
  }
  assert {
    condition     = output.rule_name == null && output.rule_arn == null && output.trigger_role_arn == null && output.execution_role_arn == null
    error_message = "outputs of what is not made are null"
  }
}

run "on_a_schedule" {
  variables {
    schedule = "cron(0 0 * * ? *)"
  }
  assert {
    condition     = aws_cloudwatch_event_rule.rule[0].schedule_expression == "cron(0 0 * * ? *)" && aws_cloudwatch_event_rule.rule[0].state == "ENABLED"
    error_message = "the rule has the schedule"
  }
  assert {
    condition = aws_cloudwatch_event_target.target[0].batch_target[0].job_definition == "batchtab-test-my-service-do-something"

    error_message = "the trigger names the definition without a revision"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].batch_target[0].job_name == "my-service-do-something" && coalesce(aws_cloudwatch_event_target.target[0].batch_target[0].job_attempts, 0) == 0
    error_message = "the job's name has no namespace, and the trigger sets no attempts"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].retry_policy[0].maximum_event_age_in_seconds == 60 && length(aws_cloudwatch_event_target.target[0].dead_letter_config) == 0
    error_message = "a trigger that could not submit gives up after a minute"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.trigger_role_policy[0].policy).Statement == [{
      Action = ["batch:SubmitJob"]
      Effect = "Allow"
      Resource = [
        "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-test-default",
        "arn:aws:batch:ap-northeast-2:123456789012:job-definition/batchtab-test-my-service-do-something",
        "arn:aws:batch:ap-northeast-2:123456789012:job-definition/batchtab-test-my-service-do-something:*",
      ]
    }]
    error_message = "the trigger may submit ${aws_iam_role_policy.trigger_role_policy[0].policy}"
  }
  assert {
    condition     = flatten([jsondecode(aws_iam_role.trigger_role[0].assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"]])[0] == "arn:aws:events:ap-northeast-2:123456789012:rule/batchtab-test-my-service-do-something"
    error_message = "the trigger role is for this job's rules"
  }
  assert {
    condition     = output.rule_name == "batchtab-test-my-service-do-something" && output.trigger_role_arn == "arn:aws:iam::123456789012:role/made"
    error_message = "outputs name what is made"
  }
}

run "on_fargate" {
  variables {
    capacity   = "FARGATE"
    vcpus      = 0.25
    memory_mib = 512
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.platform_capabilities == toset(["FARGATE"])
    error_message = "the definition is Fargate's"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).resourceRequirements == [{ type = "VCPU", value = "0.25" }, { type = "MEMORY", value = "512" }]
    error_message = "a quarter of a vCPU stays a quarter"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).networkConfiguration.assignPublicIp == "DISABLED" && jsondecode(aws_batch_job_definition.job_definition.container_properties).fargatePlatformConfiguration.platformVersion == "LATEST"
    error_message = "no public address by default"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).executionRoleArn == "arn:aws:iam::123456789012:role/made"
    error_message = "Fargate needs an execution role, and one is made"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : s.Resource[0] if s.Action[0] == "ecr:BatchGetImage"] == ["arn:aws:ecr:ap-northeast-2:123456789012:repository/my-service"]
    error_message = "it may pull this image's repository"
  }
}

run "without_a_namespace" {
  variables {
    namespace = null
    schedule  = "rate(1 day)"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.name == "my-service-do-something" && aws_cloudwatch_event_rule.rule[0].name == "my-service-do-something" && aws_cloudwatch_log_group.log_group[0].name == "/aws/batch/my-service-do-something"
    error_message = "names are the job's alone"
  }
}

run "in_a_second_region" {
  variables {
    role_path        = "/batch/"
    role_name_suffix = "-use1"
  }
  assert {
    condition     = aws_iam_role.job_role[0].name == "${var.namespace}-${var.name}-job-use1" && aws_iam_role.job_role[0].path == "/batch/"
    error_message = "names end with the suffix"
  }
}

run "watched" {
  variables {
    schedule                = "0 9 * * MON-FRI"
    timezone                = "Asia/Seoul"
    flexible_window_minutes = 5
    late_after_seconds      = 600
    kms_key_arn             = "arn:aws:kms:ap-northeast-2:123456789012:key/mine"
  }
  assert {
    condition     = output.schedule_expression == "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"
    error_message = "the schedule is said in AWS's form"
  }
  assert {
    condition     = jsonencode(output.watch) == jsonencode({ schedule = "cron(0 9 ? * MON,TUE,WED,THU,FRI *)", job_queue_arn = var.job_queue_arn, late_after_seconds = 600, timezone = "Asia/Seoul", start = "", end = "", flexible_window_minutes = 5 })
    error_message = "job_alerts takes it as it is"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group[0].kms_key_id == var.kms_key_arn
    error_message = "the key encrypts the log"
  }
}

run "not_watched_while_suspended" {
  variables {
    schedule           = "0 9 * * MON-FRI"
    suspend            = true
    late_after_seconds = 600
  }
  assert {
    condition     = output.watch == null
    error_message = "nothing is due"
  }
}

run "a_queue_of_another_region" {
  command = plan
  variables {
    job_queue_arn = "arn:aws:batch:us-east-1:123456789012:job-queue/other"
  }
  expect_failures = [aws_batch_job_definition.job_definition]
}
