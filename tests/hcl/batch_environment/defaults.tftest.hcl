# The environment with no more than what must be given: the original system's capacity and queues.

mock_provider "aws" {
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
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/batch/batchtab-test" }
  }
  mock_resource "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/made" }
  }
}

variables {
  namespace          = "batchtab-test"
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718", "subnet-18f70615243f4e5d6"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

run "on_demand_instances" {
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].type == "EC2" && aws_batch_compute_environment.compute_environment.compute_resources[0].min_vcpus == 2 && aws_batch_compute_environment.compute_environment.compute_resources[0].max_vcpus == 16 && aws_batch_compute_environment.compute_environment.compute_resources[0].instance_type == toset(["optimal"])
    error_message = "2 to 16 vCPUs of optimal instances, on demand"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].allocation_strategy == "BEST_FIT_PROGRESSIVE"
    error_message = "BEST_FIT would make every change a replacement"
  }
  assert {
    condition     = { for name, queue in aws_batch_job_queue.job_queue : queue.name => queue.priority } == { batchtab-test-default = 5, batchtab-test-continuously = 3 }
    error_message = "the queues are the original's two"
  }
  assert {
    condition     = alltrue([for queue in aws_batch_job_queue.job_queue : [for limit in queue.job_state_time_limit_action : limit.max_time_seconds] == [3600, 3600, 3600]])
    error_message = "a job that cannot be placed is cancelled after an hour"
  }
  assert {
    condition     = aws_launch_template.launch_template[0].metadata_options[0].http_tokens == "required" && aws_launch_template.launch_template[0].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, out of the containers' reach"
  }
  assert {
    condition     = aws_launch_template.launch_template[0].block_device_mappings[0].ebs[0].volume_size == 30 && aws_launch_template.launch_template[0].block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "the root volume is encrypted"
  }
  assert {
    condition     = length(aws_iam_role.instance_role) == 1 && length(aws_iam_role.execution_role) == 0
    error_message = "instances need a role, jobs on them no execution role"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group.name == "/aws/batch/batchtab-test" && aws_cloudwatch_log_group.log_group.retention_in_days == 30
    error_message = "the jobs' log group ends after 30 days"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.trigger_role_policy.policy).Statement[0].Resource[0] == "arn:aws:batch:ap-northeast-2:123456789012:job-definition/batchtab-test-*"
    error_message = "triggers submit this namespace's definitions only"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role.trigger_role.assume_role_policy).Statement : concat([s.Principal.Service], flatten([s.Condition.ArnLike["aws:SourceArn"]]))] == [
      ["events.amazonaws.com", "arn:aws:events:ap-northeast-2:123456789012:rule/batchtab-test-*"],
      ["scheduler.amazonaws.com", "arn:aws:scheduler:ap-northeast-2:123456789012:schedule-group/batchtab-test-*", "arn:aws:scheduler:ap-northeast-2:123456789012:schedule/batchtab-test-*/*"],
    ]
    error_message = "rules and schedules of this namespace take the role: ${aws_iam_role.trigger_role.assume_role_policy}"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.trigger_role_policy.policy).Statement : flatten([s.Action])[0]] == ["batch:SubmitJob", "lambda:InvokeFunction", "sqs:SendMessage"]
    error_message = "they submit, ask the function, and keep what they could not: ${aws_iam_role_policy.trigger_role_policy.policy}"
  }
  assert {
    condition     = aws_sqs_queue.trigger_dead_letter_queue.sqs_managed_sse_enabled && length(aws_cloudwatch_metric_alarm.trigger_dead_letter_alarm.alarm_actions) == 0
    error_message = "what triggers could not submit is kept"
  }
  assert {
    condition     = output.namespace == "batchtab-test" && output.capacity == "EC2" && output.execution_role_arn == null && output.instance_role_name == "batchtab-test-instance" && output.job_queue_names == { default = "batchtab-test-default", continuously = "batchtab-test-continuously" }
    error_message = "outputs are what jobs need"
  }
}

run "fargate" {
  variables {
    capacity = "FARGATE"
  }
  assert {
    condition     = length(aws_launch_template.launch_template) + length(aws_iam_role.instance_role) + length(aws_iam_instance_profile.instance_profile) == 0
    error_message = "Fargate has no instances"
  }
  assert {
    condition     = length(aws_batch_compute_environment.compute_environment.compute_resources[0].launch_template) == 0 && length(aws_batch_compute_environment.compute_environment.update_policy) == 0 && aws_batch_compute_environment.compute_environment.compute_resources[0].max_vcpus == 16
    error_message = "Fargate refuses launch templates and update policies"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : s.Resource] == [
      "*",
      ["arn:aws:ecr:ap-northeast-2:123456789012:repository/*"],
      ["arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/batch/batchtab-test:*", "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/batch/batchtab-test/*"],
    ]
    error_message = "the execution role may ${aws_iam_role_policy.execution_role_policy[0].policy}"
  }
  assert {
    condition     = output.execution_role_arn == "arn:aws:iam::123456789012:role/made" && output.instance_role_name == null
    error_message = "jobs on Fargate need an execution role"
  }
}

run "in_a_second_region" {
  variables {
    role_path        = "/batch/"
    role_name_suffix = "-use1"
  }
  assert {
    condition     = aws_iam_role.trigger_role.name == "${var.namespace}-trigger-use1" && aws_iam_role.instance_role[0].name == "${var.namespace}-instance-use1" && aws_iam_instance_profile.instance_profile[0].name == "${var.namespace}-instance-use1" && aws_iam_instance_profile.instance_profile[0].path == "/batch/" && aws_iam_role.trigger_role.path == "/batch/"
    error_message = "names end with the suffix"
  }
}
