# Two places to run: instances for work that must not be interrupted, Fargate for what needs a quarter of a vCPU.

module "instances" {
  source = "../../modules/batch_environment"

  namespace          = "shop-ec2"
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  min_vcpus          = 0
  max_vcpus          = 32
  alarm_topic_arns   = [aws_sns_topic.oncall.arn]
  tags               = var.tags

  # Jobs that run every few minutes and may be interrupted try Spot first.
  queues                       = { default = 5, continuously = 3 }
  queue_settings               = { continuously = { compute_environments = ["spot", "default"] } }
  further_compute_environments = { spot = module.spot.compute_environment }
}

module "spot" {
  source = "../../modules/compute_environment"

  namespace          = "shop-ec2"
  name               = "spot"
  capacity           = "SPOT"
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  min_vcpus          = 0
  max_vcpus          = 64
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

# Decides which runs of the instances' jobs are submitted: those of jobs that must not overlap themselves.
module "runs" {
  source = "../../modules/job_runs"

  namespace                     = module.instances.namespace
  job_queue_arns                = values(module.instances.job_queue_arns)
  trigger_dead_letter_queue_arn = module.instances.trigger_dead_letter_queue_arn
  tags                          = var.tags
}

module "repository" {
  source   = "../../modules/runner_repository"
  for_each = var.image_tags

  name = each.key
  tags = var.tags
}
