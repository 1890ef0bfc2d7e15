mock_provider "aws" {}

mock_provider "aws" {
  alias = "virginia"
}

variables {
  networks = {
    seoul    = { subnet_ids = ["subnet-0a1b2c3d4e5f60718"], security_group_ids = ["sg-0123456789abcdef0"] }
    virginia = { subnet_ids = ["subnet-18f70615243f4e5d6"], security_group_ids = ["sg-fedcba98765432100"] }
  }
}

run "one_name_in_two_regions" {
  command = plan

  assert {
    condition     = module.seoul_job["report"].job_definition_name == "ops-report" && module.virginia_job["report"].job_definition_name == "ops-report"
    error_message = "a job is called the same in both"
  }
  assert {
    condition     = module.seoul_job["report"].job_role_name == "ops-report-job" && module.virginia_job["report"].job_role_name == "ops-report-job-use1"
    error_message = "its roles are not"
  }
}
