# Each input reaches what it is for.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
}

variables {
  name          = "report"
  namespace     = "batchtab-test"
  image         = "docker.io/library/python:3.13"
  command       = ["python", "-c", "print(\"Ref::day $HOME\")"]
  job_queue_arn = "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default"
  schedule      = "rate(10 minutes)"
  parameters    = { day = "today" }
}

run "everything_made_here" {
  variables {
    suspend                   = true
    description               = "Every ten minutes"
    vcpus                     = 2
    memory_mib                = 4096
    timeout_seconds           = 60
    attempts                  = 3
    evaluate_on_exit          = [{ action = "RETRY", on_status_reason = "Host EC2*" }]
    array_size                = 10
    environment               = { B = "$${HOME}", A = "1" }
    secrets                   = { TOKEN = "arn:aws:ssm:cn-north-1:123456789012:parameter/token", DB = "arn:aws:secretsmanager:cn-north-1:123456789012:secret:db-AbCdEf:password::" }
    secrets_kms_key_arns      = ["arn:aws:kms:cn-north-1:123456789012:key/k"]
    parameters                = { day = "today" }
    permissions               = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::data/*"] }]
    read_only_root_filesystem = false
    log_retention_days        = 7
    dead_letter_queue_arn     = "arn:aws:sqs:cn-north-1:123456789012:undelivered"
    maximum_event_age_seconds = 300
    permissions_boundary_arn  = "arn:aws:iam::123456789012:policy/boundary"
    tags                      = { team = "platform" }
  }
  assert {
    condition     = aws_cloudwatch_event_rule.rule[0].state == "DISABLED" && aws_cloudwatch_event_rule.rule[0].description == "Every ten minutes"
    error_message = "a suspended job keeps its rule"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.timeout[0].attempt_duration_seconds == 60 && aws_batch_job_definition.job_definition.retry_strategy[0].attempts == 3
    error_message = "timeout and attempts arrive"
  }
  assert {
    condition     = [for rule in aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit : rule.action] == ["retry", "exit"] && aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit[1].on_reason == "*"
    error_message = "the rules end with one that exits"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].batch_target[0].array_size == 10
    error_message = "the trigger submits an array"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).environment == [{ name = "A", value = "1" }, { name = "B", value = "$${HOME}" }]
    error_message = "environment is sorted, and text stays text"
  }
  assert {
    condition     = [for secret in jsondecode(aws_batch_job_definition.job_definition.container_properties).secrets : secret.name] == ["DB", "TOKEN"]
    error_message = "secrets are sorted"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : join(" ", concat(s.Action, s.Resource))] == [
      "ecr:GetAuthorizationToken *",
      "logs:CreateLogStream logs:PutLogEvents arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/batch/batchtab-test/report:*",
      "ssm:GetParameters arn:aws:ssm:cn-north-1:123456789012:parameter/token",
      "secretsmanager:GetSecretValue arn:aws:secretsmanager:cn-north-1:123456789012:secret:db-AbCdEf",
      "kms:Decrypt arn:aws:kms:cn-north-1:123456789012:key/k",
    ]
    error_message = "the execution role may ${aws_iam_role_policy.execution_role_policy[0].policy}"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.parameters == tomap({ day = "today" })
    error_message = "parameters arrive"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement == [{ Action = ["s3:GetObject"], Effect = "Allow", Resource = ["arn:aws:s3:::data/*"] }]
    error_message = "permissions are the job role's"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).readonlyRootFilesystem == false && jsondecode(aws_batch_job_definition.job_definition.container_properties).resourceRequirements[1].value == "4096" && jsondecode(aws_batch_job_definition.job_definition.container_properties).resourceRequirements[0].value == "2"
    error_message = "sizes and the file system arrive"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group[0].retention_in_days == 7
    error_message = "the log group keeps its output for 7 days"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].dead_letter_config[0].arn == "arn:aws:sqs:cn-north-1:123456789012:undelivered" && aws_cloudwatch_event_target.target[0].retry_policy[0].maximum_event_age_in_seconds == 300
    error_message = "what cannot be submitted in 5 minutes is kept"
  }
  assert {
    condition = alltrue([for role in [aws_iam_role.job_role[0], aws_iam_role.execution_role[0], aws_iam_role.trigger_role[0]] :
    role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary" && role.tags.team == "platform"])
    error_message = "every role has the boundary and the tags"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.tags.team == "platform" && aws_cloudwatch_event_rule.rule[0].tags.team == "platform" && aws_cloudwatch_log_group.log_group[0].tags.team == "platform" && aws_batch_job_definition.job_definition.propagate_tags
    error_message = "everything has the tags, and tasks get them"
  }
}

run "everything_brought" {
  variables {
    create_job_role       = false
    job_role_arn          = "arn:aws:iam::123456789012:role/job"
    create_execution_role = false
    execution_role_arn    = "arn:aws:iam::123456789012:role/execution"
    create_trigger_role   = false
    trigger_role_arn      = "arn:aws:iam::123456789012:role/trigger"
    create_log_group      = false
    log_group_name        = "/aws/batch/job"
  }
  assert {
    condition     = length(aws_iam_role.job_role) + length(aws_iam_role.execution_role) + length(aws_iam_role.trigger_role) + length(aws_cloudwatch_log_group.log_group) == 0
    error_message = "nothing is made beside what is brought"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).jobRoleArn == "arn:aws:iam::123456789012:role/job" && jsondecode(aws_batch_job_definition.job_definition.container_properties).executionRoleArn == "arn:aws:iam::123456789012:role/execution"
    error_message = "the definition has the roles"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].role_arn == "arn:aws:iam::123456789012:role/trigger"
    error_message = "the target has the role"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).logConfiguration.options.awslogs-group == "/aws/batch/job"
    error_message = "output goes to the log group"
  }
  assert {
    condition     = output.job_role_arn == "arn:aws:iam::123456789012:role/job" && output.job_role_name == null && output.log_group_name == "/aws/batch/job" && output.trigger_role_arn == "arn:aws:iam::123456789012:role/trigger"
    error_message = "outputs name what is brought"
  }
}

run "fargates_own" {
  variables {
    capacity              = "FARGATE_SPOT"
    assign_public_ip      = true
    ephemeral_storage_gib = 50
    evaluate_on_exit      = []
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).networkConfiguration.assignPublicIp == "ENABLED" && jsondecode(aws_batch_job_definition.job_definition.container_properties).ephemeralStorage.sizeInGiB == 50
    error_message = "Fargate's options arrive"
  }
  assert {
    condition     = length(aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit) == 0
    error_message = "without rules there is none that exits either"
  }
}

run "after_others" {
  variables {
    schedule           = null
    after              = ["extract", "load"]
    after_status       = "any"
    concurrency_policy = "forbid"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.upstream[0].event_pattern).detail.status == ["SUCCEEDED", "FAILED"]
    error_message = "either end of the jobs before counts"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.upstream[0].event_pattern).detail.jobDefinition == [
      { prefix = "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/batchtab-test-extract:" },
      { prefix = "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/batchtab-test-load:" },
    ]
    error_message = "it starts after two jobs, in any revision: ${aws_cloudwatch_event_rule.upstream[0].event_pattern}"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.rule) == 0 && aws_cloudwatch_event_target.upstream_delivery[0].batch_target[0].job_name == "report"
    error_message = "the end of another job is the only trigger"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement : s.Action] == [["batch:ListJobs"]]
    error_message = "to give way, a run has to see the others"
  }
  assert {
    condition     = contains(jsondecode(aws_batch_job_definition.job_definition.container_properties).environment, { name = "BATCHTAB_CONCURRENCY_POLICY", value = "forbid" })
    error_message = "the runner is told: ${aws_batch_job_definition.job_definition.container_properties}"
  }
}

run "an_image_that_ecr_fills_from_another_registry" {
  variables {
    image                     = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/docker-hub/library/redis:7"
    create_execution_role     = true
    execution_role_arn        = null
    capacity                  = "EC2"
    vcpus                     = 1
    ephemeral_storage_gib     = null
    assign_public_ip          = false
    platform_version          = null
    architecture              = "x86_64"
    containers                = { log = { vcpus = 1, memory_mib = 128, secrets = { TOKEN = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/token" } } }
    secrets                   = {}
    submit_function_arn       = "arn:aws-cn:lambda:cn-north-1:123456789012:function:submit"
    secrets_kms_key_arns      = ["arn:aws:kms:ap-northeast-2:123456789012:key/k"]
    attempts                  = 2
    evaluate_on_exit          = [{ action = "RETRY", on_exit_code = "1" }, { action = "EXIT", on_reason = "*" }]
    read_only_root_filesystem = true
  }
  assert {
    condition     = contains(flatten([for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : s.Action]), "ecr:BatchImportUpstreamImage")
    error_message = "on EC2 too a role of the job's own may do that"
  }
  assert {
    condition     = contains(flatten([for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : s.Action]), "kms:Decrypt")
    error_message = "keys are for the secrets of any container"
  }
  assert {
    condition     = [for rule in aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit : rule.action] == ["retry", "exit"]
    error_message = "no rule is added behind one that catches all"
  }
}
