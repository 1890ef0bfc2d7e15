locals {
  image = "public.ecr.aws/docker/library/python:3.13-slim"

  jobs = {
    report  = { command = ["python", "-c", "print('good morning')"], schedule = "0 6 * * *" }
    cleanup = { command = ["python", "-c", "print('all clean')"], schedule = "30 2 * * 0" }
  }
}

module "seoul_job" {
  source   = "../../modules/scheduled_job"
  for_each = local.jobs

  name          = each.key
  namespace     = module.seoul.namespace
  image         = local.image
  command       = each.value.command
  schedule      = each.value.schedule
  job_queue_arn = module.seoul.job_queue_arns["default"]
  suspend       = var.runs_in_virginia

  create_trigger_role = false
  trigger_role_arn    = module.seoul.trigger_role_arn
}

module "virginia_job" {
  source    = "../../modules/scheduled_job"
  for_each  = local.jobs
  providers = { aws = aws.virginia }

  name             = each.key
  namespace        = module.virginia.namespace
  image            = local.image
  command          = each.value.command
  schedule         = each.value.schedule
  job_queue_arn    = module.virginia.job_queue_arns["default"]
  suspend          = !var.runs_in_virginia
  role_name_suffix = "-use1"

  create_trigger_role = false
  trigger_role_arn    = module.virginia.trigger_role_arn
}

output "job_definition_arns" {
  description = "The definitions of both regions."
  value       = concat(values(module.seoul_job)[*].job_definition_arn, values(module.virginia_job)[*].job_definition_arn)
}
