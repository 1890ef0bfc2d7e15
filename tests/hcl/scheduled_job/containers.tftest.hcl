# Containers beside a job's own, time to end, and several nodes.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
}

variables {
  name          = "report"
  namespace     = "batchtab-test"
  image         = "123456789012.dkr.ecr.us-east-1.amazonaws.com/report:1"
  command       = ["python", "-m", "report"]
  job_queue_arn = "arn:aws:batch:us-east-1:123456789012:job-queue/default"
}

run "containers_beside_the_jobs_own" {
  variables {
    environment     = { A = "1" }
    volumes         = { data = { efs_file_system_id = "fs-0123456789abcdef0" } }
    mounts          = [{ volume = "data", path = "/data", read_only = true }]
    grace_seconds   = 90
    main_depends_on = { migrate = "SUCCESS", proxy = "START" }
    containers = {
      migrate = {
        command    = ["python", "-m", "migrate"]
        vcpus      = 1
        memory_mib = 128
        mounts     = [{ volume = "data", path = "/data" }]
        secrets    = { PASSWORD = "arn:aws:ssm:us-east-1:123456789012:parameter/password" }
      }
      proxy = {
        image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/proxy:2"
        essential                 = true
        depends_on                = { migrate = "COMPLETE" }
        vcpus                     = 1
        memory_mib                = 64
        environment               = { B = "2" }
        user                      = "1000"
        tmpfs                     = { "/tmp" = 16 }
        ulimits                   = { nofile = { soft = 64, hard = 64 } }
        read_only_root_filesystem = false
        grace_seconds             = 30
        log                       = { options = { "max-buffer-size" = "4m" } }
      }
    }
    schedule            = "rate(1 hour)"
    submit_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:submit"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.container_properties == null && aws_batch_job_definition.job_definition.node_properties == null && aws_batch_job_definition.job_definition.type == "container"
    error_message = "a job of several containers is told of as a task"
  }
  assert {
    condition = { for key, value in jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0] : key => value if key != "containers" } == {
      taskRoleArn      = "arn:aws:iam::123456789012:role/made"
      executionRoleArn = "arn:aws:iam::123456789012:role/made"
      volumes = [
        { name = "data", efsVolumeConfiguration = { fileSystemId = "fs-0123456789abcdef0", transitEncryption = "ENABLED", authorizationConfig = { iam = "ENABLED" } } },
        { name = "batchtab-tmp" },
        { name = "batchtab-tmp-migrate" },
      ]
    }
    error_message = "what containers share is the task's: ${aws_batch_job_definition.job_definition.ecs_properties}"
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].containers == [
      {
        name                   = "main"
        essential              = true
        image                  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/report:1"
        command                = ["python", "-m", "report"]
        environment            = [{ name = "A", value = "1" }]
        dependsOn              = [{ containerName = "migrate", condition = "SUCCESS" }, { containerName = "proxy", condition = "START" }]
        stopTimeout            = 90
        readonlyRootFilesystem = true
        resourceRequirements   = [{ type = "VCPU", value = "1" }, { type = "MEMORY", value = "2048" }]
        mountPoints            = [{ sourceVolume = "data", containerPath = "/data", readOnly = true }, { sourceVolume = "batchtab-tmp", containerPath = "/tmp" }]
        logConfiguration       = { logDriver = "awslogs", options = { "awslogs-group" = "/aws/batch/batchtab-test/report", "awslogs-stream-prefix" = "report", mode = "blocking" } }
      },
      {
        name                   = "migrate"
        essential              = false
        image                  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/report:1"
        command                = ["python", "-m", "migrate"]
        secrets                = [{ name = "PASSWORD", valueFrom = "arn:aws:ssm:us-east-1:123456789012:parameter/password" }]
        readonlyRootFilesystem = true
        resourceRequirements   = [{ type = "VCPU", value = "1" }, { type = "MEMORY", value = "128" }]
        mountPoints            = [{ sourceVolume = "data", containerPath = "/data" }, { sourceVolume = "batchtab-tmp-migrate", containerPath = "/tmp" }]
        logConfiguration       = { logDriver = "awslogs", options = { "awslogs-group" = "/aws/batch/batchtab-test/report", "awslogs-stream-prefix" = "report", mode = "blocking" } }
      },
      {
        name                   = "proxy"
        essential              = true
        image                  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/proxy:2"
        dependsOn              = [{ containerName = "migrate", condition = "COMPLETE" }]
        environment            = [{ name = "B", value = "2" }]
        user                   = "1000"
        stopTimeout            = 30
        linuxParameters        = { tmpfs = [{ containerPath = "/tmp", size = 16 }] }
        ulimits                = [{ name = "nofile", softLimit = 64, hardLimit = 64 }]
        readonlyRootFilesystem = false
        resourceRequirements   = [{ type = "VCPU", value = "1" }, { type = "MEMORY", value = "64" }]
        logConfiguration       = { logDriver = "awslogs", options = { "awslogs-group" = "/aws/batch/batchtab-test/report", "awslogs-stream-prefix" = "report", mode = "blocking", "max-buffer-size" = "4m" } }
      },
    ]
    error_message = "each container says its own: ${aws_batch_job_definition.job_definition.ecs_properties}"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.execution_role_policy[0].policy).Statement : join(" ", concat(s.Action, s.Resource))] == [
      "ecr:GetAuthorizationToken *",
      "ecr:BatchGetImage ecr:GetDownloadUrlForLayer arn:aws:ecr:us-east-1:123456789012:repository/report arn:aws:ecr:us-east-1:123456789012:repository/proxy",
      "logs:CreateLogStream logs:PutLogEvents arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/batchtab-test/report:*",
      "ssm:GetParameters arn:aws:ssm:us-east-1:123456789012:parameter/password",
    ]
    error_message = "the execution role may what all containers need: ${aws_iam_role_policy.execution_role_policy[0].policy}"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.job_role_policy[0].policy).Statement[0].Action == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    error_message = "one container that writes is enough"
  }
  assert {
    condition     = jsondecode(replace(replace(aws_cloudwatch_event_target.target[0].input_transformer[0].input_template, "<time>", "t"), "\"<", "\"")).job.container == "main"
    error_message = "a rule's target has variables for no such job, so the function submits: ${aws_cloudwatch_event_target.target[0].input_transformer[0].input_template}"
  }
}

run "on_fargate_containers_share_the_jobs_size" {
  variables {
    capacity   = "FARGATE"
    containers = { proxy = {} }
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].platformVersion == "LATEST" && jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].networkConfiguration == { assignPublicIp = "DISABLED" }
    error_message = "the platform is the task's"
  }
  assert {
    condition     = !can(jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].containers[1].resourceRequirements)
    error_message = "a container that asks for nothing gets what the others leave"
  }
}

run "settings_without_a_field_are_the_tasks_or_mains" {
  variables {
    init_process = true
    containers   = { proxy = { vcpus = 1, memory_mib = 64 } }
    container = {
      linuxParameters = { swappiness = 60, maxSwap = 100 }
      volumes         = [{ name = "more", host = { sourcePath = "/more" } }]
      mountPoints     = [{ sourceVolume = "more", containerPath = "/more" }]
    }
  }
  assert {
    condition = jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].volumes == [
      { name = "batchtab-tmp" }, { name = "batchtab-tmp-proxy" }, { name = "more", host = { sourcePath = "/more" } }
    ]
    error_message = "volumes are the task's: ${aws_batch_job_definition.job_definition.ecs_properties}"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].containers[0].linuxParameters == { initProcessEnabled = true, swappiness = 60, maxSwap = 100 } && jsondecode(aws_batch_job_definition.job_definition.ecs_properties).taskProperties[0].containers[0].mountPoints[1] == { sourceVolume = "more", containerPath = "/more" }
    error_message = "the rest is main's: ${aws_batch_job_definition.job_definition.ecs_properties}"
  }
}

run "several_nodes" {
  variables {
    nodes               = 3
    schedule            = "rate(1 hour)"
    submit_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:submit"
  }
  assert {
    condition     = aws_batch_job_definition.job_definition.container_properties == null && aws_batch_job_definition.job_definition.ecs_properties == null && aws_batch_job_definition.job_definition.type == "multinode"
    error_message = "a multi-node job is of its own type"
  }
  assert {
    condition = merge(jsondecode(aws_batch_job_definition.job_definition.node_properties), { nodeRangeProperties = [for range in jsondecode(aws_batch_job_definition.job_definition.node_properties).nodeRangeProperties : { targets = range.targetNodes, command = range.container.command, keys = keys(range) }] }) == {
      mainNode            = 0
      numNodes            = 3
      nodeRangeProperties = [{ targets = "0:", command = ["python", "-m", "report"], keys = ["container", "targetNodes"] }]
    }
    error_message = "all nodes are alike: ${aws_batch_job_definition.job_definition.node_properties}"
  }
  assert {
    condition     = jsondecode(replace(replace(aws_cloudwatch_event_target.target[0].input_transformer[0].input_template, "<time>", "t"), "\"<", "\"")).job.nodes == 3
    error_message = "the function must know that there are nodes"
  }
}

run "several_nodes_of_several_containers" {
  variables {
    nodes      = 2
    containers = { proxy = { vcpus = 1, memory_mib = 64 } }
  }
  assert {
    condition     = [for container in jsondecode(aws_batch_job_definition.job_definition.node_properties).nodeRangeProperties[0].ecsProperties.taskProperties[0].containers : container.name] == ["main", "proxy"]
    error_message = "each node has all containers: ${aws_batch_job_definition.job_definition.node_properties}"
  }
}
