# Each input reaches what it is for.

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
  mock_resource "aws_batch_scheduling_policy" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:scheduling-policy/made" }
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

run "instances" {
  variables {
    capacity                 = "SPOT"
    instance_types           = ["m6i", "c6i.large"]
    min_vcpus                = 0
    max_vcpus                = 64
    queues                   = { batch = 10, slow = 0 }
    queue_name_prefix        = ""
    runnable_timeout_seconds = null
    root_volume_gib          = 100
    log_retention_days       = 365
    kms_key_arn              = "arn:aws:kms:ap-northeast-2:123456789012:key/k"
    alarm_topic_arns         = ["arn:aws:sns:ap-northeast-2:123456789012:oncall"]
    create_schedule_group    = false
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    tags                     = { team = "platform" }
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].allocation_strategy == "SPOT_CAPACITY_OPTIMIZED" && aws_batch_compute_environment.compute_environment.compute_resources[0].instance_type == toset(["m6i", "c6i.large"])
    error_message = "Spot has a strategy of its own"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].min_vcpus == 0 && aws_batch_compute_environment.compute_environment.compute_resources[0].max_vcpus == 64
    error_message = "vCPUs arrive"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].subnets == toset(var.subnet_ids) && aws_batch_compute_environment.compute_environment.compute_resources[0].security_group_ids == toset(var.security_group_ids)
    error_message = "the network arrives"
  }
  assert {
    condition     = { for queue in aws_batch_job_queue.job_queue : queue.name => queue.priority } == { batch = 10, slow = 0 }
    error_message = "queues may keep their names"
  }
  assert {
    condition     = alltrue([for queue in aws_batch_job_queue.job_queue : length(queue.job_state_time_limit_action) == 0])
    error_message = "null lets a job wait for ever"
  }
  assert {
    condition     = aws_launch_template.launch_template[0].block_device_mappings[0].ebs[0].volume_size == 100
    error_message = "the volume's size arrives"
  }
  assert {
    condition     = aws_cloudwatch_log_group.log_group.retention_in_days == 365 && aws_cloudwatch_log_group.log_group.kms_key_id == var.kms_key_arn && aws_sqs_queue.trigger_dead_letter_queue.kms_master_key_id == var.kms_key_arn
    error_message = "logs and undelivered events are encrypted with the key"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.trigger_role_policy.policy).Statement : s.Resource if s.Action == ["kms:Decrypt", "kms:GenerateDataKey"]] == [[var.kms_key_arn]]
    error_message = "who sends to the queue has to use its key: ${aws_iam_role_policy.trigger_role_policy.policy}"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.trigger_dead_letter_alarm.alarm_actions == toset(var.alarm_topic_arns)
    error_message = "the topic is told"
  }
  assert {
    condition     = alltrue([for role in [aws_iam_role.instance_role[0], aws_iam_role.trigger_role] : role.permissions_boundary == var.permissions_boundary_arn && role.tags.team == "platform"])
    error_message = "roles have the boundary and the tags"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.tags == tomap({ team = "platform", Name = "batchtab-test" }) && aws_batch_compute_environment.compute_environment.compute_resources[0].tags == null
    error_message = "tags stand beside compute_resources, never in them: there each change is a replacement"
  }
}

run "fargate" {
  variables {
    capacity              = "FARGATE_SPOT"
    image_repository_arns = ["arn:aws:ecr:ap-northeast-2:123456789012:repository/my-service"]
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement[1].Resource == ["arn:aws:ecr:ap-northeast-2:123456789012:repository/my-service"]
    error_message = "only these repositories may be pulled"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].type == "FARGATE_SPOT"
    error_message = "Fargate Spot is a capacity"
  }
}

run "spot_first" {
  variables {
    queues = { default = 5, nightly = 3 }
    further_compute_environments = {
      spot = { arn = "arn:aws:batch:ap-northeast-2:123456789012:compute-environment/spot", capacity = "SPOT" }
    }
    queue_settings = {
      nightly = {
        compute_environments     = ["spot", "default"]
        state                    = "DISABLED"
        runnable_timeout_seconds = 900
        scheduling_policy        = { share_decay_seconds = 60, share_distribution = { a = 0.5, "b*" = 2 } }
      }
    }
  }
  assert {
    condition = { for name, queue in aws_batch_job_queue.job_queue : name => [for each in queue.compute_environment_order : "${each.order} ${each.compute_environment}"] } == {
      default = ["1 arn:aws:batch:ap-northeast-2:123456789012:compute-environment/made"]
      nightly = ["1 arn:aws:batch:ap-northeast-2:123456789012:compute-environment/spot", "2 arn:aws:batch:ap-northeast-2:123456789012:compute-environment/made"]
    }
    error_message = "Spot is tried first, on demand behind it"
  }
  assert {
    condition     = { for name, queue in aws_batch_job_queue.job_queue : name => queue.state } == { default = "ENABLED", nightly = "DISABLED" }
    error_message = "each queue has its state"
  }
  assert {
    condition     = jsonencode({ for name, queue in aws_batch_job_queue.job_queue : name => distinct(queue.job_state_time_limit_action[*].max_time_seconds) }) == jsonencode({ default = [3600], nightly = [900] })
    error_message = "and its time"
  }
  assert {
    condition     = jsonencode({ for name, queue in aws_batch_job_queue.job_queue : name => queue.scheduling_policy_arn }) == jsonencode({ default = null, nightly = "arn:aws:batch:ap-northeast-2:123456789012:scheduling-policy/made" })
    error_message = "only one shares"
  }
  assert {
    condition     = aws_batch_scheduling_policy.scheduling_policy["nightly"].name == "batchtab-test-nightly" && aws_batch_scheduling_policy.scheduling_policy["nightly"].fair_share_policy[0].share_decay_seconds == 60 && aws_batch_scheduling_policy.scheduling_policy["nightly"].fair_share_policy[0].compute_reservation == 0
    error_message = "the policy has the queue's name"
  }
  assert {
    condition     = { for share in aws_batch_scheduling_policy.scheduling_policy["nightly"].fair_share_policy[0].share_distribution : share.share_identifier => share.weight_factor } == { a = 0.5, "b*" = 2 }
    error_message = "and the shares' weights"
  }
  assert {
    condition     = output.queue_capacities == { default = "EC2", nightly = "SPOT" } && output.execution_role_arn == null
    error_message = "jobs are told what they run on"
  }
}

run "fargate_behind_another" {
  variables {
    queues = { default = 5, small = 3 }
    further_compute_environments = {
      fargate = { arn = "arn:aws:batch:ap-northeast-2:123456789012:compute-environment/fargate", capacity = "FARGATE" }
    }
    queue_settings = { small = { compute_environments = ["fargate"] } }
  }
  assert {
    condition     = output.execution_role_arn != null && output.instance_role_name != null && output.queue_capacities.small == "FARGATE"
    error_message = "both kinds have the roles that they need"
  }
}

run "brought" {
  variables {
    state                         = "DISABLED"
    capacity                      = "SPOT"
    allocation_strategy           = "SPOT_PRICE_CAPACITY_OPTIMIZED"
    bid_percentage                = 60
    user_data                     = null
    create_launch_template        = false
    launch_template_id            = "lt-0fedcba9876543210"
    launch_template_version       = 7
    image_type                    = "ECS_AL2023"
    image_id                      = "ami-0123456789abcdef0"
    create_instance_profile       = false
    instance_profile_arn          = "arn:aws:iam::123456789012:instance-profile/mine"
    job_execution_timeout_minutes = 5
    terminate_jobs_on_update      = true
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].launch_template[0].launch_template_id == "lt-0fedcba9876543210" && aws_batch_compute_environment.compute_environment.compute_resources[0].instance_role == var.instance_profile_arn && aws_batch_compute_environment.compute_environment.state == "DISABLED" && aws_batch_compute_environment.compute_environment.compute_resources[0].bid_percentage == 60
    error_message = "the environment's own takes what compute_environment takes"
  }
}

run "instance_types_has_no_effect_on_fargate" {
  command = plan
  variables {
    capacity       = "FARGATE"
    instance_types = ["m6i"]
  }
  expect_failures = [check.has_effect]
}

run "min_vcpus_has_no_effect_on_fargate" {
  command = plan
  variables {
    capacity  = "FARGATE"
    min_vcpus = 8
  }
  expect_failures = [check.has_effect]
}

run "root_volume_gib_has_no_effect_on_fargate" {
  command = plan
  variables {
    capacity        = "FARGATE"
    root_volume_gib = 100
  }
  expect_failures = [check.has_effect]
}

run "job_execution_timeout_minutes_has_no_effect_on_fargate" {
  command = plan
  variables {
    capacity                      = "FARGATE"
    job_execution_timeout_minutes = 60
  }
  expect_failures = [check.has_effect]
}

run "terminate_jobs_on_update_has_no_effect_on_fargate" {
  command = plan
  variables {
    capacity                 = "FARGATE"
    terminate_jobs_on_update = true
  }
  expect_failures = [check.has_effect]
}

run "root_volume_gib_has_no_effect_beside_a_launch_template" {
  command = plan
  variables {
    create_launch_template  = false
    launch_template_id      = "lt-0123456789abcdef0"
    launch_template_version = 1
    root_volume_gib         = 100
  }
  expect_failures = [check.has_effect]
}

run "a_topic_of_another_region" {
  command = plan
  variables {
    alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:oncall"]
  }
  expect_failures = [aws_cloudwatch_metric_alarm.trigger_dead_letter_alarm]
}

run "a_compute_environment_of_another_region" {
  command = plan
  variables {
    further_compute_environments = { spot = { arn = "arn:aws:batch:us-east-1:123456789012:compute-environment/spot", capacity = "SPOT" } }
  }
  expect_failures = [aws_batch_compute_environment.compute_environment]
}

run "a_compute_environment_of_another_account" {
  command = plan
  variables {
    further_compute_environments = { spot = { arn = "arn:aws:batch:ap-northeast-2:210987654321:compute-environment/spot", capacity = "SPOT" } }
  }
  expect_failures = [aws_batch_compute_environment.compute_environment]
}
