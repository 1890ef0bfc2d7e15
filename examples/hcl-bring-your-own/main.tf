module "environment" {
  source = "../../modules/batch_environment"

  namespace          = "acme"
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  min_vcpus          = 0
  kms_key_arn        = aws_kms_key.logs.arn

  create_launch_template  = false
  launch_template_id      = aws_launch_template.hardened.id
  launch_template_version = aws_launch_template.hardened.latest_version
  create_instance_profile = false
  instance_profile_arn    = aws_iam_instance_profile.instances.arn

  further_compute_environments = { spot = { arn = aws_batch_compute_environment.spot.arn, capacity = "SPOT" } }
  queues                       = { default = 5, cheap = 1 }
  queue_settings               = { cheap = { compute_environments = ["spot", "default"] } }
}

module "report" {
  source = "../../modules/scheduled_job"

  name          = "report"
  namespace     = module.environment.namespace
  image         = var.image
  command       = ["python", "-c", "print('good morning')"]
  schedule      = "0 6 * * *"
  job_queue_arn = module.environment.job_queue_arns["cheap"]
  secrets       = { TOKEN = aws_ssm_parameter.token.arn }

  create_job_role       = false
  job_role_arn          = aws_iam_role.theirs["job"].arn
  create_execution_role = false
  execution_role_arn    = aws_iam_role.theirs["execution"].arn
  create_trigger_role   = false
  trigger_role_arn      = aws_iam_role.theirs["trigger"].arn
  create_log_group      = false
  log_group_name        = aws_cloudwatch_log_group.jobs.name
  dead_letter_queue_arn = aws_sqs_queue.undelivered.arn
}

output "job_definition_arn" {
  description = "The definition, with its revision."
  value       = module.report.job_definition_arn
}
