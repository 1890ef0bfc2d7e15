# What a container gets beside its image and command.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
}

variables {
  name          = "report"
  namespace     = "batchtab-test"
  image         = "123456789012.dkr-ecr-fips.us-east-1.on.aws/docker-hub/library/python:3.13"
  command       = ["python", "-m", "report"]
  job_queue_arn = "arn:aws:batch:us-east-1:123456789012:job-queue/default"
}

run "on_instances" {
  variables {
    gpus                      = 1
    user                      = "1000:1000"
    privileged                = true
    init_process              = true
    shared_memory_mib         = 128
    tmpfs                     = { "/scratch" = 64 }
    ulimits                   = { nofile = { soft = 1024, hard = 4096 } }
    devices                   = [{ host_path = "/dev/fuse", permissions = ["READ", "WRITE"] }]
    volumes                   = { data = { efs_file_system_id = "fs-0123456789abcdef0", access_point_id = "fsap-0123456789abcdef0" }, cache = { host_path = "/var/cache" }, files = { efs_file_system_id = "fs-00000000", root_directory = "/in", iam = false } }
    mounts                    = [{ volume = "data", path = "/data" }, { volume = "cache", path = "/cache", read_only = true }, { volume = "files", path = "/files" }]
    log                       = { multiline_pattern = "^[0-9]", options = { "max-buffer-size" = "4m" } }
    registry_credentials      = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf"
    managed_policy_arns       = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    exec                      = true
    read_only_root_filesystem = false
    share                     = "reports"
    priority                  = 10
    container                 = { linuxParameters = { swappiness = 60, maxSwap = 100 }, instanceType = "m6i.large", volumes = [{ name = "more", host = { sourcePath = "/more" } }] }
  }
  assert {
    condition = { for key, value in jsondecode(aws_batch_job_definition.job_definition.container_properties) : key => value if contains(["user", "privileged", "ulimits", "repositoryCredentials", "enableExecuteCommand", "instanceType"], key) } == {
      user                  = "1000:1000"
      privileged            = true
      ulimits               = [{ name = "nofile", softLimit = 1024, hardLimit = 4096 }]
      repositoryCredentials = { credentialsParameter = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf" }
      enableExecuteCommand  = true
      instanceType          = "m6i.large"
    }
    error_message = "plain settings arrive: ${aws_batch_job_definition.job_definition.container_properties}"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties).linuxParameters == {
      devices            = [{ hostPath = "/dev/fuse", containerPath = "/dev/fuse", permissions = ["READ", "WRITE"] }]
      initProcessEnabled = true
      maxSwap            = 100
      sharedMemorySize   = 128
      swappiness         = 60
      tmpfs              = [{ containerPath = "/scratch", size = 64 }]
    }
    error_message = "Linux's settings arrive, with those that have no field: ${aws_batch_job_definition.job_definition.container_properties}"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties).volumes == [
      { name = "cache", host = { sourcePath = "/var/cache" } },
      { name = "data", efsVolumeConfiguration = { fileSystemId = "fs-0123456789abcdef0", transitEncryption = "ENABLED", authorizationConfig = { accessPointId = "fsap-0123456789abcdef0", iam = "ENABLED" } } },
      { name = "files", efsVolumeConfiguration = { fileSystemId = "fs-00000000", rootDirectory = "/in", transitEncryption = "ENABLED" } },
      { name = "more", host = { sourcePath = "/more" } },
    ]
    error_message = "volumes arrive: ${aws_batch_job_definition.job_definition.container_properties}"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties).mountPoints == [
      { sourceVolume = "data", containerPath = "/data" },
      { sourceVolume = "cache", containerPath = "/cache", readOnly = true },
      { sourceVolume = "files", containerPath = "/files" },
    ]
    error_message = "mounts arrive"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties).logConfiguration == {
      logDriver = "awslogs"
      options   = { "awslogs-group" = "/aws/batch/batchtab-test/report", "awslogs-stream-prefix" = "report", "awslogs-multiline-pattern" = "^[0-9]", "max-buffer-size" = "4m", mode = "blocking" }
    }
    error_message = "no line is lost, and lines of one event stay together"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).resourceRequirements[2] == { type = "GPU", value = "1" }
    error_message = "a GPU arrives"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.scheduling_priority == 10
    error_message = "the priority arrives"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement == [
      { Action = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"], Effect = "Allow", Resource = ["*"] },
      { Action = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"], Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0" } }, Effect = "Allow", Resource = "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0123456789abcdef0" },
    ]
    error_message = "the job role may open a shell and mount: ${aws_iam_role_policy.job_role_policy[0].policy}"
  }
  assert {
    condition     = [for attached in aws_iam_role_policy_attachment.job_role_managed_policy : attached.policy_arn] == ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    error_message = "managed policies are attached"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : join(" ", concat(s.Action, s.Resource))] == [
      "ecr:GetAuthorizationToken *",
      "ecr:BatchGetImage ecr:GetDownloadUrlForLayer arn:aws:ecr:us-east-1:123456789012:repository/docker-hub/library/python",
      "ecr:BatchImportUpstreamImage ecr:CreateRepository arn:aws:ecr:us-east-1:123456789012:repository/docker-hub/library/python",
      "logs:CreateLogStream logs:PutLogEvents arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/batchtab-test/report:*",
      "secretsmanager:GetSecretValue arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf",
    ]
    error_message = "the execution role may ${aws_iam_role_policy.execution_role_policy[0].policy}"
  }
}

run "on_fargate" {
  variables {
    capacity         = "FARGATE"
    architecture     = "arm64"
    platform_version = "1.4.0"
    user             = "reporter"
    log              = { driver = "splunk", mode = "non-blocking", options = { "splunk-url" = "https://splunk.example.com" }, secret_options = { "splunk-token" = "arn:aws:secretsmanager:us-east-1:123456789012:secret:splunk" } }
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).runtimePlatform == { cpuArchitecture = "ARM64", operatingSystemFamily = "LINUX" } && jsondecode(aws_batch_job_definition.job_definition.container_properties).fargatePlatformConfiguration.platformVersion == "1.4.0"
    error_message = "the platform arrives"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.container_properties).logConfiguration == {
      logDriver     = "splunk"
      options       = { mode = "non-blocking", "splunk-url" = "https://splunk.example.com" }
      secretOptions = [{ name = "splunk-token", valueFrom = "arn:aws:secretsmanager:us-east-1:123456789012:secret:splunk" }]
    }
    error_message = "another driver has only its own options"
  }
  assert {
    condition     = contains(flatten([for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : s.Resource]), "arn:aws:secretsmanager:us-east-1:123456789012:secret:splunk-??????")
    error_message = "a secret's ARN may lack what Secrets Manager adds: ${aws_iam_role_policy.execution_role_policy[0].policy}"
  }
}

run "a_share_is_for_the_function" {
  variables {
    schedule            = "rate(1 hour)"
    share               = "reports"
    submit_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:submit"
  }
  assert {
    condition     = jsondecode(replace(replace(aws_cloudwatch_event_target.target[0].input_transformer[0].input_template, "<time>", "t"), "\"<", "\"")).job.share == "reports"
    error_message = "a rule's target knows no share, so the function submits: ${aws_cloudwatch_event_target.target[0].input_transformer[0].input_template}"
  }
}

run "a_file_system_without_an_access_point" {
  variables {
    volumes = { data = { efs_file_system_id = "fs-0123456789abcdef0" } }
    mounts  = [{ volume = "data", path = "/data", read_only = true }]
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement == [{ Action = ["elasticfilesystem:ClientMount"], Effect = "Allow", Resource = "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0123456789abcdef0" }]
    error_message = "the job role may ${aws_iam_role_policy.job_role_policy[0].policy}"
  }
}

run "tmp_is_writable_beside_a_read_only_root" {
  variables {
    volumes = { cache = { host_path = "/var/cache" } }
    mounts  = [{ volume = "cache", path = "/cache" }]
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).volumes[1] == { name = "batchtab-tmp" } && jsondecode(aws_batch_job_definition.job_definition.container_properties).mountPoints[1] == { sourceVolume = "batchtab-tmp", containerPath = "/tmp" }
    error_message = "/tmp is a volume: ${aws_batch_job_definition.job_definition.container_properties}"
  }
}

run "tmp_is_not_made_twice" {
  variables {
    volumes = { scratch = {} }
    mounts  = [{ volume = "scratch", path = "/tmp" }]
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).volumes == [{ name = "scratch" }]
    error_message = "who mounts /tmp has it"
  }
}

run "a_last_rule_of_ones_own" {
  variables {
    attempts = 3
    evaluate_on_exit = [
      { action = "RETRY", on_exit_code = "1" },
      { action = "RETRY", on_exit_code = "2" },
      { action = "RETRY", on_exit_code = "3" },
      { action = "RETRY", on_exit_code = "4" },
      { action = "EXIT", on_reason = "*" },
    ]
  }
  assert {
    condition     = [for rule in aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit : "${rule.action} ${coalesce(rule.on_exit_code, rule.on_reason)}"] == ["retry 1", "retry 2", "retry 3", "retry 4", "exit *"]
    error_message = "none is added behind a rule that catches all"
  }
}

run "a_rule_on_all_exit_codes" {
  variables {
    attempts         = 2
    evaluate_on_exit = [{ action = "EXIT", on_exit_code = "*" }]
  }
  assert {
    condition     = length(aws_batch_job_definition.job_definition.retry_strategy[0].evaluate_on_exit) == 2
    error_message = "a failure of the infrastructure has no exit code"
  }
}
