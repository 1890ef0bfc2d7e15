# Who is told: Slack of failed jobs, the topic of what the machinery itself could not do.

module "alerts" {
  source = "../../modules/job_alerts"

  namespace          = "shop"
  stage              = "production"
  job_queue_arns     = concat(values(module.instances.job_queue_arns), values(module.fargate.job_queue_arns))
  webhook_secret_arn = var.slack_webhook_secret_arn

  quiet  = true # repeats and storms are folded, and a job that works again is told
  routes = { reports = { channel = "#finance", mention = "@here" } }

  tell_failed_triggers          = true
  trigger_dead_letter_queue_arn = module.instances.trigger_dead_letter_queue_arn

  alarm_topic_arns = [aws_sns_topic.oncall.arn]
  tags             = var.tags
}

resource "aws_sns_topic" "oncall" {
  name              = "shop-oncall"
  kms_master_key_id = "alias/aws/sns"
  tags              = var.tags
}
