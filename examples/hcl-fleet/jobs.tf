locals {
  image = "${module.repository.repository_url}:${var.image_tag}"

  jobs = {
    fill = {
      runs_on     = "instances"
      command     = ["fill", aws_sqs_queue.work.url]
      schedule    = "0 * * * *"
      memory_mib  = 8192
      secrets     = { TOKEN = aws_ssm_parameter.token.arn }
      permissions = [{ actions = ["sqs:SendMessage"], resources = [aws_sqs_queue.work.arn] }]
    }
    count = {
      runs_on     = "instances"
      command     = ["count"]
      schedule    = "15 3 * * *"
      environment = { QUEUE_URL = aws_sqs_queue.work.url }
      permissions = [{ actions = ["sqs:GetQueueAttributes"], resources = [aws_sqs_queue.work.arn] }]
    }
    work = {
      runs_on     = "fargate"
      command     = ["work"]
      schedule    = "*/10 * * * *"
      environment = { QUEUE_URL = aws_sqs_queue.work.url }
      has_role    = true # Terraform must know that before it knows the ARN
      role_arn    = aws_iam_role.workers.arn
    }
    work-once = {
      runs_on     = "fargate"
      command     = ["work", "--once"]
      environment = { QUEUE_URL = aws_sqs_queue.work.url }
      secrets     = { TOKEN = aws_ssm_parameter.token.arn }
      has_role    = true
      role_arn    = aws_iam_role.workers.arn
    }
  }

  # What a job may leave out.
  defaults = {
    schedule    = null
    memory_mib  = 2048
    environment = {}
    secrets     = {}
    permissions = []
    has_role    = false
    role_arn    = null
  }
}

module "job" {
  source   = "../../modules/scheduled_job"
  for_each = { for name, job in local.jobs : name => merge(local.defaults, job) }

  name          = each.key
  namespace     = module.environment[each.value.runs_on].namespace
  image         = local.image
  command       = each.value.command
  schedule      = each.value.schedule
  job_queue_arn = module.environment[each.value.runs_on].job_queue_arns["default"]
  capacity      = module.environment[each.value.runs_on].capacity
  memory_mib    = each.value.memory_mib
  environment   = each.value.environment
  secrets       = each.value.secrets
  permissions   = each.value.permissions

  create_job_role     = !each.value.has_role
  job_role_arn        = each.value.role_arn
  create_trigger_role = false
  trigger_role_arn    = module.environment[each.value.runs_on].trigger_role_arn
  create_log_group    = false
  log_group_name      = module.environment[each.value.runs_on].log_group_name

  # Only a trigger has events to lose.
  dead_letter_queue_arn = each.value.schedule == null ? null : module.environment[each.value.runs_on].trigger_dead_letter_queue_arn
  tags                  = var.tags
}

output "job_definition_names" {
  description = "For a manual run: aws batch submit-job --job-definition …"
  value       = { for name, job in module.job : name => job.job_definition_name }
}
