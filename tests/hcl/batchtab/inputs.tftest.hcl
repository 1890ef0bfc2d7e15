# What a stage is given reaches what it is for.

mock_provider "aws" {
  source = "./mocks"
}

variables {
  stage              = "test"
  region             = "us-east-1"
  account_id         = "123456789012"
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

run "one_service" {
  command = plan
  variables {
    jobs = {
      service = "shop"
      image   = { repository = "shop", tag = "v1" }
      jobs = {
        sync   = { command = ["sync", 5], schedule = "*/5 * * * *" }
        report = { command = ["report"], schedule = "0 9 * * *", timezone = "Asia/Seoul" }
      }
    }
  }
  assert {
    condition     = output.namespace == "batchtab-test" && keys(output.job_definition_names) == ["shop-report", "shop-sync"]
    error_message = "jobs are called after their service"
  }
  assert {
    condition     = { for name, group in aws_scheduler_schedule_group.schedule_group : name => group.name } == { shop = "batchtab-test-shop" }
    error_message = "a service with a time zone has a group for its schedules"
  }
}

run "all_of_a_stage" {
  variables {
    namespace                    = "shop"
    services                     = { a = { service = "orders", jobs = { sync = { command = ["sync"], queue = "slow" } } }, b = { service = "mail", jobs = { sync = { command = ["sync"], queue = "slow", secrets = { TOKEN = "/token" } } } } }
    runner_image                 = { repository = "runner", tag = "v1" }
    alerts                       = { channel = "#shop", quiet = true, alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:oncall"] }
    repositories                 = ["runner"]
    history_days                 = 30
    secrets_kms_key_arns         = ["arn:aws:kms:us-east-1:123456789012:key/secrets"]
    capacity                     = "SPOT"
    instance_types               = ["m6i"]
    min_vcpus                    = 0
    max_vcpus                    = 64
    state                        = "ENABLED"
    allocation_strategy          = "SPOT_CAPACITY_OPTIMIZED"
    bid_percentage               = 50
    root_volume_gib              = 100
    image_type                   = "ECS_AL2023"
    image_id                     = "ami-0123456789abcdef0"
    queues                       = { slow = 1, fair = 2 }
    queue_settings               = { fair = { compute_environments = ["default", "spot"] } }
    queue_name_prefix            = "x-"
    further_compute_environments = { spot = { arn = "arn:aws:batch:us-east-1:123456789012:compute-environment/spot", capacity = "SPOT" } }
    runnable_timeout_seconds     = null
    log_retention_days           = 365
    kms_key_arn                  = "arn:aws:kms:us-east-1:123456789012:key/k"
    permissions_boundary_arn     = "arn:aws:iam::123456789012:policy/boundary"
    role_path                    = "/batch/"
    role_name_suffix             = "-use1"
    tags                         = { team = "platform" }

    job_execution_timeout_minutes = 60
    terminate_jobs_on_update      = false
    user_data                     = null
    create_launch_template        = true
    launch_template_id            = null
    launch_template_version       = null
    create_instance_profile       = false
    instance_profile_arn          = "arn:aws:iam::123456789012:instance-profile/mine"
  }
  assert {
    condition     = keys(output.job_definition_names) == ["mail-sync", "orders-sync"] && output.namespace == "shop-test"
    error_message = "all services are made"
  }
  assert {
    condition     = keys(output.job_queue_arns) == ["fair", "slow"]
    error_message = "the queues are those that are given"
  }
}

run "wrong_files" {
  command = plan
  variables {
    jobs = { service = "shop", image = { repository = "shop", tag = "v1" }, jobs = { sync = { command = ["sync"], timeout_seconds = 5 } } }
  }
  expect_failures = [output.job_definition_names]
}

run "another_region_than_the_provider" {
  command = plan
  variables {
    region = "ap-northeast-2"
    jobs   = { service = "shop", image = { repository = "shop", tag = "v1" }, jobs = { sync = { command = ["sync"] } } }
  }
  expect_failures = [output.namespace]
}

run "another_account_id_than_the_provider" {
  command = plan
  variables {
    account_id = "210987654321"
    jobs       = { service = "shop", image = { repository = "shop", tag = "v1" }, jobs = { sync = { command = ["sync"] } } }
  }
  expect_failures = [output.namespace]
}
