# The service `reports`, on Fargate: a secret, permissions, and another attempt when capacity was the reason.

module "reports" {
  source = "../../modules/scheduled_job"

  name            = "reports-mail"
  namespace       = module.fargate.namespace
  image           = "${module.repository["reports"].repository_url}:${var.image_tags["reports"]}"
  command         = ["python", "-m", "reports.mail", "Ref::audience"]
  parameters      = { audience = "finance" }
  schedule        = "30 6 * * MON-FRI"
  timezone        = "Asia/Seoul"
  job_queue_arn   = module.fargate.job_queue_arns["default"]
  capacity        = module.fargate.capacity
  vcpus           = 0.25
  memory_mib      = 512
  timeout_seconds = 900

  attempts = 3
  evaluate_on_exit = [
    { action = "RETRY", on_status_reason = "Timeout waiting for network interface provisioning to complete*" },
    { action = "RETRY", on_reason = "ResourceInitializationError*" },
  ]

  environment = { LANG = "C.UTF-8" }
  secrets     = { REPORTS_TOKEN = var.reports_token_arn }
  permissions = [{ actions = ["s3:GetObject", "s3:ListBucket"], resources = [var.sales_bucket_arn, "${var.sales_bucket_arn}/*"] }]

  create_trigger_role       = false
  trigger_role_arn          = module.fargate.trigger_role_arn
  schedule_group_name       = module.fargate.schedule_group_name
  dead_letter_queue_arn     = module.fargate.trigger_dead_letter_queue_arn
  maximum_event_age_seconds = 3600
  tags                      = var.tags
}
