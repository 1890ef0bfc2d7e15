# Which trigger starts a job, what it hands on, and to whom.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
}

variables {
  name                  = "report"
  namespace             = "batchtab-test"
  image                 = "docker.io/library/python:3.13"
  command               = ["report"]
  job_queue_arn         = "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default"
  schedule              = "30 9 * * mon-fri"
  dead_letter_queue_arn = "arn:aws-cn:sqs:cn-north-1:123456789012:undelivered"
}

run "by_a_rule" {
  variables {
    starting_deadline_seconds = 90
    maximum_event_age_seconds = 300
  }
  assert {
    condition     = length(aws_scheduler_schedule.schedule) == 0 && aws_cloudwatch_event_rule.rule[0].schedule_expression == "cron(30 9 ? * MON,TUE,WED,THU,FRI *)"
    error_message = "crontab is AWS's cron in a rule"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].input_transformer[0].input_paths == tomap({ time = "$.time" })
    error_message = "the run is told of its time"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_target.target[0].input_transformer[0].input_template) == {
      ContainerOverrides = { Environment = [{ Name = "BATCHTAB_RUN_ID", Value = "report@<time>" }, { Name = "BATCHTAB_SCHEDULED_TIME", Value = "<time>" }] }
    }
    error_message = "Batch gets ${aws_cloudwatch_event_target.target[0].input_transformer[0].input_template}"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].retry_policy[0].maximum_event_age_in_seconds == 90
    error_message = "what Batch gets at once is not tried beyond the run's deadline"
  }
  assert {
    condition     = output.schedule_name == null && output.schedule_arn == null && output.rule_name == "batchtab-test-report"
    error_message = "outputs name the rule"
  }
}

run "by_a_schedule" {
  variables {
    timezone                  = "Europe/Berlin"
    start                     = "2199-01-01T00:00:00Z"
    end                       = "2199-02-01T00:00:00Z"
    flexible_window_minutes   = 15
    array_size                = 10
    maximum_event_age_seconds = 300
    description               = "Working days"
    schedule_group_name       = "batchtab-test-reports"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.rule) + length(aws_cloudwatch_event_target.target) == 0
    error_message = "one trigger is enough"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].name == "batchtab-test-report" && aws_scheduler_schedule.schedule[0].group_name == "batchtab-test-reports" && aws_scheduler_schedule.schedule[0].description == "Working days" && aws_scheduler_schedule.schedule[0].state == "ENABLED"
    error_message = "the schedule's name is the definition's"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].schedule_expression == "cron(30 9 ? * MON,TUE,WED,THU,FRI *)" && aws_scheduler_schedule.schedule[0].schedule_expression_timezone == "Europe/Berlin"
    error_message = "it has expression and time zone"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].start_date == "2199-01-01T00:00:00Z" && aws_scheduler_schedule.schedule[0].end_date == "2199-02-01T00:00:00Z"
    error_message = "it has start and end"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].flexible_time_window[0].mode == "FLEXIBLE" && aws_scheduler_schedule.schedule[0].flexible_time_window[0].maximum_window_in_minutes == 15
    error_message = "it has a window"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].target[0].arn == "arn:aws-cn:scheduler:::aws-sdk:batch:submitJob" && aws_scheduler_schedule.schedule[0].target[0].role_arn == "arn:aws:iam::123456789012:role/made"
    error_message = "it submits by itself"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].target[0].input == "{\"ArrayProperties\":{\"Size\":10},\"ContainerOverrides\":{\"Environment\":[{\"Name\":\"BATCHTAB_RUN_ID\",\"Value\":\"report@<aws.scheduler.scheduled-time>\"},{\"Name\":\"BATCHTAB_SCHEDULED_TIME\",\"Value\":\"<aws.scheduler.scheduled-time>\"}]},\"JobDefinition\":\"batchtab-test-report\",\"JobName\":\"report\",\"JobQueue\":\"arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default\"}"
    error_message = "Scheduler finds its keyword, in brackets that are not escaped: ${aws_scheduler_schedule.schedule[0].target[0].input}"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].target[0].retry_policy[0].maximum_event_age_in_seconds == 300 && aws_scheduler_schedule.schedule[0].target[0].dead_letter_config[0].arn == "arn:aws-cn:sqs:cn-north-1:123456789012:undelivered"
    error_message = "what cannot be submitted is kept"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.trigger_role_policy[0].policy).Statement == [
      { Action = ["batch:SubmitJob"], Effect = "Allow", Resource = ["arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default", "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/batchtab-test-report", "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/batchtab-test-report:*"] },
      { Action = ["sqs:SendMessage"], Effect = "Allow", Resource = ["arn:aws-cn:sqs:cn-north-1:123456789012:undelivered"] },
    ]
    error_message = "Scheduler needs both by the role: ${aws_iam_role_policy.trigger_role_policy[0].policy}"
  }
  assert {
    condition = jsondecode(aws_iam_role.trigger_role[0].assume_role_policy).Statement == [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = ["arn:aws-cn:scheduler:cn-north-1:123456789012:schedule-group/batchtab-test-reports", "arn:aws-cn:scheduler:cn-north-1:123456789012:schedule/batchtab-test-reports/*"] }
      }
    }]
    error_message = "only Scheduler takes the role, for this group: ${aws_iam_role.trigger_role[0].assume_role_policy}"
  }
  assert {
    condition     = output.rule_name == null && output.schedule_name == "batchtab-test-report"
    error_message = "outputs name the schedule"
  }
}

run "from_a_moment_that_has_passed" {
  variables {
    start   = "2020-01-01T00:00:00Z"
    suspend = true
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].start_date == null && aws_scheduler_schedule.schedule[0].state == "DISABLED"
    error_message = "Scheduler would refuse a start in the past"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].flexible_time_window[0].mode == "OFF" && aws_scheduler_schedule.schedule[0].flexible_time_window[0].maximum_window_in_minutes == null
    error_message = "no window is no window"
  }
}

run "once" {
  variables {
    schedule = "at(2199-01-01T09:00:00)"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].schedule_expression == "at(2199-01-01T09:00:00)"
    error_message = "only Scheduler knows at(…)"
  }
  assert {
    condition     = flatten([for s in jsondecode(aws_iam_role.trigger_role[0].assume_role_policy).Statement : s.Condition.ArnLike["aws:SourceArn"]])[0] == "arn:aws-cn:scheduler:cn-north-1:123456789012:schedule-group/default"
    error_message = "without a group it is in the default one"
  }
}

run "once_that_is_over" {
  variables {
    schedule = "at(2020-01-01T09:00:00)"
  }
  expect_failures = [check.is_ahead]
  assert {
    condition     = length(aws_scheduler_schedule.schedule) + length(aws_cloudwatch_event_rule.rule) == 0 && output.schedule_name == null
    error_message = "Scheduler would refuse a time in the past"
  }
}

run "once_in_a_zone_that_is_over" {
  variables {
    schedule = "at(2020-01-01T09:00:00)"
    timezone = "Asia/Seoul"
  }
  expect_failures = [check.is_ahead]
  assert {
    condition     = length(aws_scheduler_schedule.schedule) == 0
    error_message = "and in any zone"
  }
}

run "until_a_moment_that_has_passed" {
  variables {
    end = "2020-01-01T00:00:00Z"
  }
  expect_failures = [check.is_ahead]
  assert {
    condition     = length(aws_scheduler_schedule.schedule) + length(aws_cloudwatch_event_rule.rule) == 0
    error_message = "Scheduler would refuse an end in the past"
  }
}

run "once_in_a_zone_that_is_to_come" {
  variables {
    schedule = "at(2199-01-01T09:00:00)"
    timezone = "Asia/Seoul"
    end      = "2199-06-01T00:00:00Z"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].schedule_expression == "at(2199-01-01T09:00:00)"
    error_message = "what lies ahead is made"
  }
}

run "by_a_schedule_that_is_asked_for" {
  variables {
    schedule = "@daily"
    trigger  = "schedule"
    after    = ["extract"]
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].schedule_expression == "cron(0 0 * * ? *)"
    error_message = "the trigger may be chosen"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role.trigger_role[0].assume_role_policy).Statement : s.Principal.Service] == ["events.amazonaws.com", "scheduler.amazonaws.com"]
    error_message = "a rule on another job's end and a schedule share the role"
  }
}

run "after_all_of_others" {
  variables {
    schedule            = null
    after_all           = ["extract", "clean"]
    after_status        = "any"
    within_seconds      = 7200
    submit_function_arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:batchtab-test-submit-run"
  }
  assert {
    condition     = [for d in jsondecode(aws_cloudwatch_event_rule.upstream[0].event_pattern).detail.jobDefinition : d.prefix] == [for name in ["extract", "clean"] : "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/batchtab-test-${name}:"]
    error_message = "one rule sees the ends of all"
  }
  assert {
    condition     = aws_cloudwatch_event_target.upstream_delivery[0].arn == var.submit_function_arn && aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_paths == tomap({ time = "$.time", upstream = "$.detail.jobId", definition = "$.detail.jobDefinition" })
    error_message = "the function is told whose end it is"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_template) == {
      trigger = { scheduled_time = "<time>", upstream_job_id = "<upstream>", upstream_job_definition = "<definition>" }
      job = {
        name           = "report"
        job_queue      = "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default"
        job_definition = "batchtab-test-report"
        after_all      = ["batchtab-test-extract", "batchtab-test-clean"]
        within_seconds = 7200
      }
    }
    error_message = "the function gets ${aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_template}"
  }
}

run "through_the_function_by_a_rule" {
  variables {
    concurrency_policy        = "queue"
    queue_limit               = 3
    starting_deadline_seconds = 90
    maximum_event_age_seconds = 300
    array_size                = 10
    after                     = ["extract"]
    submit_function_arn       = "arn:aws-cn:lambda:cn-north-1:123456789012:function:batchtab-test-submit-run"
  }
  assert {
    condition     = alltrue([for target in [aws_cloudwatch_event_target.target[0], aws_cloudwatch_event_target.upstream_delivery[0]] : target.arn == var.submit_function_arn && target.role_arn == null && length(target.batch_target) == 0])
    error_message = "both rules ask the function, which lets them"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_target.target[0].input_transformer[0].input_template) == {
      trigger = { scheduled_time = "<time>" }
      job = {
        name                      = "report"
        job_queue                 = "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default"
        job_definition            = "batchtab-test-report"
        schedule                  = "cron(30 9 ? * MON,TUE,WED,THU,FRI *)"
        concurrency_policy        = "queue"
        queue_limit               = 3
        starting_deadline_seconds = 90
        array_size                = 10
      }
    }
    error_message = "the function gets ${aws_cloudwatch_event_target.target[0].input_transformer[0].input_template}"
  }
  assert {
    condition     = strcontains(aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_template, "{\"scheduled_time\":\"<time>\",\"upstream_job_id\":\"<upstream>\"}") && !can(jsondecode(aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_template).job.schedule)
    error_message = "after another job there is no schedule: ${aws_cloudwatch_event_target.upstream_delivery[0].input_transformer[0].input_template}"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].retry_policy[0].maximum_event_age_in_seconds == 300
    error_message = "the function itself tells what is late"
  }
  assert {
    condition     = length(aws_iam_role.trigger_role) == 0 && output.trigger_role_arn == null
    error_message = "rules need no role for a function"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).environment == [{ name = "BATCHTAB_RUN_POLICY", value = "queue" }]
    error_message = "the ends of its runs are told apart"
  }
}

run "through_the_function_by_a_schedule" {
  variables {
    schedule            = "0 */2 * * *"
    except              = ["2026-12-25", "2026-12-31/2027-01-02", "cron(* 0-5 ? * SUN *)"]
    timezone            = "Asia/Seoul"
    pause_on_failure    = true
    submit_function_arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:batchtab-test-submit-run"
  }
  assert {
    condition     = aws_scheduler_schedule.schedule[0].target[0].arn == var.submit_function_arn && aws_scheduler_schedule.schedule[0].target[0].role_arn == "arn:aws:iam::123456789012:role/made"
    error_message = "Scheduler asks the function by a role"
  }
  assert {
    condition = jsondecode(aws_scheduler_schedule.schedule[0].target[0].input) == {
      trigger = { scheduled_time = "<aws.scheduler.scheduled-time>" }
      job = {
        name             = "report"
        job_queue        = "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default"
        job_definition   = "batchtab-test-report"
        schedule         = "cron(0 */2 * * ? *)"
        timezone         = "Asia/Seoul"
        except           = ["2026-12-25", "2026-12-31/2027-01-02", "cron(* 0-5 ? * SUN *)"]
        pause_on_failure = true
      }
    }
    error_message = "the function gets ${aws_scheduler_schedule.schedule[0].target[0].input}"
  }
  assert {
    condition     = strcontains(aws_scheduler_schedule.schedule[0].target[0].input, "\"<aws.scheduler.scheduled-time>\"")
    error_message = "Scheduler finds its keyword"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.trigger_role_policy[0].policy).Statement == [
      { Action = ["lambda:InvokeFunction"], Effect = "Allow", Resource = [var.submit_function_arn] },
      { Action = ["sqs:SendMessage"], Effect = "Allow", Resource = ["arn:aws-cn:sqs:cn-north-1:123456789012:undelivered"] },
    ]
    error_message = "it need not submit: ${aws_iam_role_policy.trigger_role_policy[0].policy}"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).environment == [{ name = "BATCHTAB_RUN_POLICY", value = "allow" }]
    error_message = "the ends of its runs are told apart"
  }
}

run "forbid_by_the_function" {
  variables {
    concurrency_policy  = "forbid"
    submit_function_arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:batchtab-test-submit-run"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].arn == var.submit_function_arn && !strcontains(aws_iam_role_policy.job_role_policy[0].policy, "batch:ListJobs")
    error_message = "the container has nothing to ask"
  }
  assert {
    condition     = !can(jsondecode(aws_batch_job_definition.job_definition.container_properties).environment)
    error_message = "any image will do: ${aws_batch_job_definition.job_definition.container_properties}"
  }
}

run "not_needing_the_function" {
  variables {
    environment         = { A = "1" }
    submit_function_arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:batchtab-test-submit-run"
  }
  assert {
    condition     = aws_cloudwatch_event_target.target[0].arn == "arn:aws-cn:batch:cn-north-1:123456789012:job-queue/default" && aws_cloudwatch_event_target.target[0].role_arn == "arn:aws:iam::123456789012:role/made"
    error_message = "allow has no code in between"
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job_definition.container_properties).environment == [{ name = "A", value = "1" }]
    error_message = "the job's own environment stays"
  }
}

run "what_has_no_effect_is_a_warning" {
  variables {
    schedule              = null
    timezone              = null
    description           = "Started manually."
    dead_letter_queue_arn = "arn:aws-cn:sqs:cn-north-1:123456789012:triggers"
  }
  expect_failures = [check.has_effect]
  assert {
    condition     = length(aws_cloudwatch_event_rule.rule) + length(aws_scheduler_schedule.schedule) == 0
    error_message = "nothing starts the job"
  }
}

run "a_group_has_no_effect_on_a_rule" {
  variables {
    schedule            = "@daily"
    timezone            = null
    schedule_group_name = "jobs"
  }
  expect_failures = [check.has_effect]
  assert {
    condition     = length(aws_cloudwatch_event_rule.rule) == 1
    error_message = "a rule starts the job"
  }
}

run "a_key_has_no_effect_on_a_log_group_that_is_brought" {
  command = plan
  variables {
    create_log_group = false
    log_group_name   = "/jobs"
    kms_key_arn      = "arn:aws-cn:kms:cn-north-1:123456789012:key/k"
  }
  expect_failures = [check.has_effect]
}

run "rules_of_retries_have_no_effect_on_one_attempt" {
  command = plan
  variables {
    attempts         = 1
    evaluate_on_exit = [{ action = "RETRY", on_reason = "*" }]
  }
  expect_failures = [check.has_effect]
}

run "a_priority_has_no_effect_without_a_share" {
  command = plan
  variables {
    priority = 5
  }
  expect_failures = [check.has_effect]
}

run "role_path_has_no_effect_where_no_role_is_made" {
  command = plan
  variables {
    create_job_role     = false
    job_role_arn        = "arn:aws:iam::123456789012:role/x"
    create_trigger_role = false
    trigger_role_arn    = "arn:aws:iam::123456789012:role/x"
    role_path           = "/batch/"
  }
  expect_failures = [check.has_effect]
}

run "role_name_suffix_has_no_effect_where_no_role_is_made" {
  command = plan
  variables {
    create_job_role     = false
    job_role_arn        = "arn:aws:iam::123456789012:role/x"
    create_trigger_role = false
    trigger_role_arn    = "arn:aws:iam::123456789012:role/x"
    role_name_suffix    = "-use1"
  }
  expect_failures = [check.has_effect]
}

run "a_trigger_role_that_is_brought_needs_a_schedule_group" {
  command = plan
  variables {
    timezone            = "Asia/Seoul"
    create_trigger_role = false
    trigger_role_arn    = "arn:aws:iam::123456789012:role/x"
  }
  expect_failures = [check.may_start]
}
