mock_provider "aws" {
  mock_data "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/default" }
  }
  mock_data "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/theirs" }
  }
}

variables {
  job_role_name     = "my-service-job"
  trigger_role_name = "cron-rule"
}

run "makes_the_job_alone" {
  assert {
    condition     = module.do_something.job_definition_name == "my-service-do-something" && module.do_something.rule_name == "my-service-do-something"
    error_message = "names are the job's alone"
  }
  assert {
    condition     = module.do_something.job_role_arn == "arn:aws:iam::123456789012:role/theirs" && module.do_something.job_role_name == null && module.do_something.trigger_role_arn == "arn:aws:iam::123456789012:role/theirs" && module.do_something.log_group_name == "/aws/batch/job"
    error_message = "roles and logs are the company's"
  }
}
