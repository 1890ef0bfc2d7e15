mock_provider "aws" {
  source = "./mocks"
}

variables {
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

run "plans_without_knowing_anything" {
  command = plan
}

run "makes_one_job" {
  assert {
    condition     = module.report.job_definition_name == "nightly-report" && module.report.rule_name == "nightly-report"
    error_message = "the job is called after the environment"
  }
  assert {
    condition     = module.environment.job_queue_names == { default = "nightly-default", continuously = "nightly-continuously" }
    error_message = "there are two queues"
  }
}
