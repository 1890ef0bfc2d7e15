terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }
}

variable "subnet_ids" { type = list(string) }
variable "security_group_ids" { type = list(string) }

module "environment" {
  source             = "../../modules/batch_environment"
  namespace          = "nightly"
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
}

module "report" {
  source        = "../../modules/scheduled_job"
  name          = "report"
  namespace     = module.environment.namespace
  image         = "public.ecr.aws/docker/library/python:3.13-slim"
  command       = ["python", "-c", "print('good morning')"]
  job_queue_arn = module.environment.job_queue_arns["default"]
  schedule      = "cron(0 6 * * ? *)"
}
