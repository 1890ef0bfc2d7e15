# Two places to run: instances for work that must not be interrupted, Fargate for what needs a quarter of a vCPU.

module "instances" {
  source = "../../modules/batch_environment"

  namespace          = "shop-ec2"
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  min_vcpus          = 0
  max_vcpus          = 32
  queues             = { default = 5, continuously = 3 }
  alarm_topic_arns   = [aws_sns_topic.oncall.arn]
  tags               = var.tags
}

module "fargate" {
  source = "../../modules/batch_environment"

  namespace             = "shop-fargate"
  capacity              = "FARGATE"
  subnet_ids            = var.subnet_ids
  security_group_ids    = var.security_group_ids
  max_vcpus             = 8
  queues                = { default = 1 }
  image_repository_arns = [module.repository["reports"].repository_arn]
  alarm_topic_arns      = [aws_sns_topic.oncall.arn]
  tags                  = var.tags
}

module "repository" {
  source   = "../../modules/runner_repository"
  for_each = var.image_tags

  name = each.key
  tags = var.tags
}
