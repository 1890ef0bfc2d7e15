mock_provider "aws" {
  source = "./mocks"
}

variables {
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
  image_id           = "ami-0123456789abcdef0"
}

# Before anything is there, Terraform must know that none of it is to be made.
run "plans_without_knowing_anything" {
  command = plan

  assert {
    condition     = module.environment.instance_role_name == null && module.report.job_role_name == null
    error_message = "no role is made for instances or the job"
  }
  assert {
    condition     = module.report.log_group_name == "/acme/jobs"
    error_message = "the job writes to the log group that is there"
  }
  assert {
    condition     = module.environment.queue_capacities == { cheap = "SPOT", default = "EC2" }
    error_message = "a queue tries the compute environment that is there first"
  }
}
