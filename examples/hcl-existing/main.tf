# A company that has Batch already: its queue, its roles and its log group do not change; only the job is made here.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }
}

variable "job_queue_name" {
  type        = string
  description = "The queue that is there."
  default     = "default"
}

variable "job_role_name" {
  type        = string
  description = "What the program may do."
}

variable "trigger_role_name" {
  type        = string
  description = "A role that events.amazonaws.com may take and that may submit to the queue."
}

data "aws_batch_job_queue" "existing" {
  name = var.job_queue_name
}

data "aws_iam_role" "job" {
  name = var.job_role_name
}

data "aws_iam_role" "trigger" {
  name = var.trigger_role_name
}

module "do_something" {
  source = "../../modules/scheduled_job"

  name            = "my-service-do-something"
  namespace       = null # names are the job's alone, as the company writes them
  image           = "my-service:latest"
  command         = ["node", "app/jobs/do-something"]
  job_queue_arn   = data.aws_batch_job_queue.existing.arn
  schedule        = "cron(0 0 * * ? *)"
  memory_mib      = 1024
  timeout_seconds = 1800

  create_job_role     = false
  job_role_arn        = data.aws_iam_role.job.arn
  create_trigger_role = false
  trigger_role_arn    = data.aws_iam_role.trigger.arn
  create_log_group    = false
  log_group_name      = "/aws/batch/job" # Batch's own
}

output "job_definition_arn" {
  description = "The definition, with its revision."
  value       = module.do_something.job_definition_arn
}
