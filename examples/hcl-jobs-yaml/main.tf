terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }
}

variable "subnet_ids" { type = list(string) }
variable "security_group_ids" { type = list(string) }
variable "region" { default = "ap-northeast-2" }
variable "account_id" { type = string }

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

module "batchtab" {
  source             = "../../modules/batchtab"
  namespace          = "shop"
  stage              = "production"
  region             = var.region
  account_id         = var.account_id
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  min_vcpus          = 0
  alerts             = { channel = "#shop-jobs", quiet = true }
  jobs               = yamldecode(file("${path.module}/jobs.yaml"))
}

output "job_definition_names" {
  value = module.batchtab.job_definition_names
}
