provider "aws" {
  region = "ap-northeast-2"
}

provider "aws" {
  alias  = "virginia"
  region = "us-east-1"
}

module "seoul" {
  source = "../../modules/batch_environment"

  namespace          = "ops"
  subnet_ids         = var.networks.seoul.subnet_ids
  security_group_ids = var.networks.seoul.security_group_ids
  min_vcpus          = 0
  queues             = { default = 1 }
}

module "virginia" {
  source    = "../../modules/batch_environment"
  providers = { aws = aws.virginia }

  namespace          = "ops"
  subnet_ids         = var.networks.virginia.subnet_ids
  security_group_ids = var.networks.virginia.security_group_ids
  min_vcpus          = 0
  queues             = { default = 1 }
  role_name_suffix   = "-use1"
}
