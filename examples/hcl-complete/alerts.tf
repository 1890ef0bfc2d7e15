# Who is notified: Slack of failed jobs, the topic of what Batchtab itself could not do.

module "alerts" {
  source = "../../modules/job_alerts"

  namespace          = "shop-alerts" # of what the alerts are made of; the jobs' own are the environments'
  further_namespaces = [module.instances.namespace, module.fargate.namespace]
  stage              = "production"
  job_queue_arns     = concat(values(module.instances.job_queue_arns), values(module.fargate.job_queue_arns))
  webhook_secret_arn = var.slack_webhook_secret_arn

  quiet  = true                                # repeats and storms are grouped, and recoveries are sent
  routes = { reports = { mention = "@here" } } # a webhook has one channel; a function could take another for each service

  # Each job with late_after_seconds is watched.
  schedules      = { for name, job in module.orders : "orders-${name}" => job.watch if job.watch != null }
  runs_table_arn = module.runs.table_arn

  tell_failed_triggers                   = true
  trigger_dead_letter_queue_arn          = module.instances.trigger_dead_letter_queue_arn
  further_trigger_dead_letter_queue_arns = [module.fargate.trigger_dead_letter_queue_arn]

  alarm_topic_arns = [aws_sns_topic.oncall.arn]
  tags             = var.tags
}

resource "aws_sns_topic" "oncall" {
  #checkov:skip=CKV_AWS_26:CloudWatch's alarms may not use alias/aws/sns; a key of your own has to let cloudwatch.amazonaws.com use it
  name = "shop-oncall"
  tags = var.tags
}
