# The service `orders`, on instances: a map of jobs, and one module for each.

locals {
  orders_jobs = {
    settle = {
      command  = ["node", "app/jobs/settle"]
      schedule = "0 9 * * *" # nine o'clock in Seoul, as crontab says it
      timezone = "Asia/Seoul"
      policy   = "queue" # a day that is not settled yet is settled before the next one
      except   = ["2027-01-01", "2027-02-06/2027-02-09"]
      timeout  = 1800
      late     = 3600
    }
    sync-stock = {
      command  = ["node", "app/jobs/sync-stock"]
      schedule = "cron(7/10 * * * ? *)"
      timeout  = 60
      queue    = "continuously" # its own queue, because it would flood the list of the others
      policy   = "forbid"       # a run is skipped while an earlier one waits or runs
    }
    rebuild-index = {
      command = ["node", "app/jobs/rebuild-index"]
      after   = ["orders-settle"] # no schedule of its own: it starts when settle has succeeded
      timeout = 14400
    }
    repair = {
      command = ["node", "app/jobs/repair"] # run manually
      timeout = 3600
    }
  }
}

module "orders" {
  source   = "../../modules/scheduled_job"
  for_each = local.orders_jobs

  name               = "orders-${each.key}"
  namespace          = module.instances.namespace
  image              = "${module.repository["orders"].repository_url}:${var.image_tags["orders"]}"
  command            = each.value.command
  schedule           = try(each.value.schedule, null)
  timezone           = try(each.value.timezone, null)
  except             = try(each.value.except, [])
  late_after_seconds = try(each.value.late, null)
  job_queue_arn      = module.instances.job_queue_arns[try(each.value.queue, "default")]
  capacity           = module.instances.capacity
  memory_mib         = 1024
  timeout_seconds    = each.value.timeout

  after               = try(each.value.after, [])
  concurrency_policy  = try(each.value.policy, "allow")
  submit_function_arn = module.runs.submit_function_arn
  schedule_group_name = can(each.value.timezone) ? module.instances.schedule_group_name : null # a rule has none

  create_trigger_role   = false
  trigger_role_arn      = module.instances.trigger_role_arn
  create_log_group      = false
  log_group_name        = module.instances.log_group_name
  dead_letter_queue_arn = can(each.value.schedule) || can(each.value.after) ? module.instances.trigger_dead_letter_queue_arn : null
  tags                  = var.tags
}
