mock_provider "aws" {
  mock_data "aws_subnet" {
    defaults = { vpc_id = "vpc-0123456789abcdef0" }
  }
}

variables {
  subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-18f70615243f4e5d6"]
}

# Before anything is there, Terraform must know how many of each there are.
run "plans_without_knowing_anything" {
  command = plan

  assert {
    condition     = module.job["fill"].job_definition_name == "fleet-instances-fill" && module.job["work"].job_definition_name == "fleet-fargate-work"
    error_message = "a job runs where it says"
  }
  assert {
    condition     = module.job["count"].job_role_name == "fleet-instances-count-job" && module.job["work"].job_role_name == null
    error_message = "a job has a role of its own unless it brings one"
  }
  assert {
    condition     = module.job["fill"].rule_name == "fleet-instances-fill" && module.job["work-once"].rule_name == null
    error_message = "a job has a rule if it has a schedule"
  }
}
