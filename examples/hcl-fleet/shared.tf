module "repository" {
  source = "../../modules/runner_repository"

  name = "fleet"
  tags = var.tags
}

resource "aws_ssm_parameter" "token" {
  #checkov:skip=CKV_AWS_337:AWS's own key suffices here; a key of one's own goes with secrets_kms_key_arns
  name  = "/fleet/token"
  type  = "SecureString"
  value = "set outside Terraform"
  tags  = var.tags

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_sqs_queue" "work" {
  name                    = "fleet-work"
  sqs_managed_sse_enabled = true
  tags                    = var.tags
}

# One role for several jobs, where they need the same.
resource "aws_iam_role" "workers" {
  name = "fleet-workers"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "workers" {
  name = "take-work"
  role = aws_iam_role.workers.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage"], Resource = aws_sqs_queue.work.arn }]
  })
}
