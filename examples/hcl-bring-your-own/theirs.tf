# What the platform team makes.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  roles  = { job = "ecs-tasks", execution = "ecs-tasks", trigger = "events", instances = "ec2" }
  prefix = "arn:${data.aws_partition.current.partition}"
  here   = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"

  # What each role may do; that of the instances has AWS's policy.
  grants = {
    execution = [
      { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${aws_cloudwatch_log_group.jobs.arn}:*"] },
      { actions = ["ssm:GetParameters"], resources = [aws_ssm_parameter.token.arn] },
    ]
    trigger = [
      { actions = ["batch:SubmitJob"], resources = [for part in ["job-definition/acme-*", "job-queue/acme-*"] : "${local.prefix}:batch:${local.here}:${part}"] },
    ]
  }
}

resource "aws_iam_role" "theirs" {
  for_each = local.roles

  name = "acme-their-${each.key}"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "${each.value}.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "theirs" {
  for_each = local.grants

  name = "theirs"
  role = aws_iam_role.theirs[each.key].name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for grant in each.value : { Effect = "Allow", Action = grant.actions, Resource = grant.resources }]
  })
}

resource "aws_iam_role_policy_attachment" "instances" {
  role       = aws_iam_role.theirs["instances"].name
  policy_arn = "${local.prefix}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "instances" {
  name = "acme-their-instances"
  role = aws_iam_role.theirs["instances"].name
}

resource "aws_launch_template" "hardened" {
  name_prefix            = "acme-hardened-"
  image_id               = var.image_id
  update_default_version = true

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_batch_compute_environment" "spot" {
  type       = "MANAGED"
  depends_on = [aws_iam_role_policy_attachment.instances]

  compute_resources {
    type                = "SPOT"
    allocation_strategy = "SPOT_CAPACITY_OPTIMIZED"
    min_vcpus           = 0
    max_vcpus           = 64
    instance_type       = ["optimal"]
    instance_role       = aws_iam_instance_profile.instances.arn
    subnets             = var.subnet_ids
    security_group_ids  = var.security_group_ids
  }

  lifecycle {
    ignore_changes = [compute_resources[0].desired_vcpus]
  }
}

# CloudWatch Logs and EventBridge encrypt with it, besides those whom IAM allows to.
resource "aws_kms_key" "logs" {
  description         = "Logs and undelivered events of acme."
  enable_key_rotation = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "${local.prefix}:iam::${data.aws_caller_identity.current.account_id}:root" } },
      {
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Principal = { Service = ["logs.${data.aws_region.current.id}.amazonaws.com", "events.amazonaws.com", "cloudwatch.amazonaws.com"] }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "jobs" {
  name              = "/acme/jobs"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_ssm_parameter" "token" {
  #checkov:skip=CKV_AWS_337:AWS's own key suffices here
  name  = "/acme/token"
  type  = "SecureString"
  value = "set outside Terraform"

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_sqs_queue" "undelivered" {
  name_prefix             = "acme-undelivered-"
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.undelivered.arn
      Principal = { Service = "events.amazonaws.com" }
      Condition = { ArnLike = { "aws:SourceArn" = "${local.prefix}:events:${local.here}:rule/acme-*" } }
    }]
  })
}
