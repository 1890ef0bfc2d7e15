# Who is told: Slack of failed jobs, the topic of triggers that could not submit and of alerts that did not arrive.

module "alerts" {
  source = "../../modules/job_alerts"

  namespace        = "shop"
  job_queue_arns   = concat(values(module.instances.job_queue_arns), values(module.fargate.job_queue_arns))
  channel          = "#cron-error"
  alarm_topic_arns = [aws_sns_topic.oncall.arn]
  tags             = var.tags
}

resource "aws_sns_topic" "oncall" {
  name              = "shop-oncall"
  kms_master_key_id = "alias/aws/sns"
  tags              = var.tags
}
