mock_provider "aws" {
  source = "./mocks"
}

variables {
  region             = "us-east-1"
  account_id         = "123456789012"
  subnet_ids         = ["subnet-0a1b2c3d4e5f60718"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

# Before anything is there, each count must be known.
run "plans_without_knowing_anything" {
  command = plan
}

run "makes_the_jobs_of_the_file" {
  assert {
    condition     = output.job_definition_names == { orders-mail = "shop-production-orders-mail", orders-settle = "shop-production-orders-settle", orders-sync = "shop-production-orders-sync" }
    error_message = "the jobs are called after stage and service"
  }
}
