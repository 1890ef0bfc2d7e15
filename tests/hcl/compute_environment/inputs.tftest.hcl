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
}

variables {
  namespace          = "batchtab-test"
  name               = "spot"
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718", "subnet-18f70615243f4e5d6"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

run "by_default" {
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].type == "EC2" && aws_batch_compute_environment.compute_environment.compute_resources[0].allocation_strategy == "BEST_FIT_PROGRESSIVE" && aws_batch_compute_environment.compute_environment.state == "ENABLED"
    error_message = "on demand, and what changes in place"
  }
  assert {
    condition     = aws_iam_role.instance_role[0].name == "batchtab-test-spot-instance" && aws_batch_compute_environment.compute_environment.tags.Name == "batchtab-test-spot"
    error_message = "the name follows the namespace"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.update_policy[0].job_execution_timeout_minutes == 30 && !aws_batch_compute_environment.compute_environment.update_policy[0].terminate_jobs_on_update && aws_launch_template.launch_template[0].user_data == null
    error_message = "instances are replaced as always"
  }
  assert {
    condition     = output.compute_environment == { arn = "arn:aws:batch:ap-northeast-2:123456789012:compute-environment/made", capacity = "EC2" } && output.capacity == "EC2" && output.instance_role_name == "batchtab-test-spot-instance"
    error_message = "outputs are what queues need"
  }
}

run "spot" {
  variables {
    capacity                      = "SPOT"
    instance_types                = ["default_arm64"]
    min_vcpus                     = 0
    max_vcpus                     = 64
    state                         = "DISABLED"
    allocation_strategy           = null
    bid_percentage                = 60
    root_volume_gib               = 100
    user_data                     = "MIME-Version: 1.0\n"
    image_type                    = "ECS_AL2023_NVIDIA"
    image_id                      = "ami-0123456789abcdef0"
    job_execution_timeout_minutes = 5
    terminate_jobs_on_update      = true
    permissions_boundary_arn      = "arn:aws:iam::123456789012:policy/boundary"
    tags                          = { team = "platform" }
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].allocation_strategy == "SPOT_CAPACITY_OPTIMIZED" && aws_batch_compute_environment.compute_environment.compute_resources[0].bid_percentage == 60 && aws_batch_compute_environment.compute_environment.compute_resources[0].instance_type == toset(["default_arm64"])
    error_message = "Spot has a strategy of its own, and a price"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].min_vcpus == 0 && aws_batch_compute_environment.compute_environment.compute_resources[0].max_vcpus == 64 && aws_batch_compute_environment.compute_environment.state == "DISABLED"
    error_message = "vCPUs and state arrive"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].ec2_configuration[0].image_type == "ECS_AL2023_NVIDIA" && aws_batch_compute_environment.compute_environment.compute_resources[0].ec2_configuration[0].image_id_override == "ami-0123456789abcdef0"
    error_message = "the image arrives"
  }
  assert {
    condition     = aws_launch_template.launch_template[0].user_data == base64encode("MIME-Version: 1.0\n") && aws_launch_template.launch_template[0].block_device_mappings[0].ebs[0].volume_size == 100
    error_message = "the template has the script and the volume"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.update_policy[0].job_execution_timeout_minutes == 5 && aws_batch_compute_environment.compute_environment.update_policy[0].terminate_jobs_on_update
    error_message = "the update policy arrives"
  }
  assert {
    condition     = aws_iam_role.instance_role[0].permissions_boundary == var.permissions_boundary_arn && aws_batch_compute_environment.compute_environment.tags.team == "platform"
    error_message = "boundary and tags arrive"
  }
}

run "brought" {
  variables {
    create_launch_template  = false
    launch_template_id      = "lt-0fedcba9876543210"
    launch_template_version = 7
    create_instance_profile = false
    instance_profile_arn    = "arn:aws:iam::123456789012:instance-profile/mine"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].launch_template[0].launch_template_id == "lt-0fedcba9876543210" && aws_batch_compute_environment.compute_environment.compute_resources[0].launch_template[0].version == "7" && length(aws_launch_template.launch_template) == 0
    error_message = "the template is the caller's"
  }
  assert {
    condition     = aws_batch_compute_environment.compute_environment.compute_resources[0].instance_role == var.instance_profile_arn && length(aws_iam_role.instance_role) + length(aws_iam_instance_profile.instance_profile) == 0 && output.instance_role_name == null
    error_message = "the profile is the caller's"
  }
}

run "fargate" {
  variables {
    capacity = "FARGATE_SPOT"
  }
  assert {
    condition     = length(aws_launch_template.launch_template) + length(aws_iam_role.instance_role) + length(aws_batch_compute_environment.compute_environment.update_policy) + length(aws_batch_compute_environment.compute_environment.compute_resources[0].launch_template) == 0
    error_message = "Fargate has no instances"
  }
  assert {
    condition     = output.compute_environment.capacity == "FARGATE_SPOT" && output.compute_environment_arn == aws_batch_compute_environment.compute_environment.arn
    error_message = "outputs are what queues need"
  }
}

run "in_a_second_region" {
  variables {
    role_path        = "/batch/"
    role_name_suffix = "-use1"
  }
  assert {
    condition     = aws_iam_role.instance_role[0].name == "${var.namespace}-${var.name}-instance-use1" && aws_iam_role.instance_role[0].path == "/batch/"
    error_message = "names end with the suffix"
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
