# Defaults, and each input.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/made" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/made" }
  }
}

variables {
  namespace         = "batchtab-prod"
  stage             = "prod"
  github_repository = "my-company/batchtab"
  state_bucket      = "my-company-terraform-state"
  region            = "ap-northeast-2"
  repository_names  = ["batchtab-runner"]
}

run "defaults" {
  assert {
    condition     = aws_iam_role.plan_role.name == "batchtab-prod-ci-plan" && aws_iam_role.deploy_role.name == "batchtab-prod-ci-deploy"
    error_message = "there are two roles"
  }
  assert {
    condition     = jsondecode(aws_iam_role.plan_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:my-company/batchtab:pull_request", "repo:my-company/batchtab:ref:refs/heads/main"]
    error_message = "pull requests and the main branch may plan"
  }
  assert {
    condition     = jsondecode(aws_iam_role.deploy_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:my-company/batchtab:environment:prod"]
    error_message = "only the environment's jobs may deploy"
  }
  assert {
    condition     = jsondecode(aws_iam_role.deploy_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:ref"] == "refs/heads/main" && jsondecode(aws_iam_role.deploy_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:job_workflow_ref"] == "my-company/batchtab/.github/workflows/deploy.yml@refs/heads/main"
    error_message = "only the workflow deploy.yml on main may deploy"
  }
  assert {
    condition     = !strcontains(aws_iam_role.plan_role.assume_role_policy, "repository_id") && !strcontains(aws_iam_role.deploy_role.assume_role_policy, "null")
    error_message = "what is not given is left out"
  }
  assert {
    condition     = output.oidc_provider_arn == "arn:aws:iam::123456789012:oidc-provider/made" && length(aws_iam_policy.network_policy) == 0
    error_message = "the provider is made, a network is not managed"
  }
  assert {
    condition     = strcontains(aws_iam_policy.images_policy.policy, "repository/batchtab-runner") && strcontains(aws_iam_policy.read_policy.policy, "my-company-terraform-state")
    error_message = "repositories and the state are named"
  }
}

run "every_input" {
  variables {
    branch                   = "trunk"
    environment              = "production"
    manages_network          = true
    oidc_provider_arn        = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    tags                     = { team = "platform" }
  }
  assert {
    condition     = jsondecode(aws_iam_role.plan_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"][1] == "repo:my-company/batchtab:ref:refs/heads/trunk"
    error_message = "the branch is trunk"
  }
  assert {
    condition     = jsondecode(aws_iam_role.deploy_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:my-company/batchtab:environment:production"]
    error_message = "the environment is production"
  }
  assert {
    condition     = length(aws_iam_policy.network_policy) == 1 && length(aws_iam_openid_connect_provider.oidc_provider) == 0 && output.oidc_provider_arn == var.oidc_provider_arn
    error_message = "a network is managed, the provider is brought"
  }
  assert {
    condition     = alltrue([for role in [aws_iam_role.plan_role, aws_iam_role.deploy_role] : role.permissions_boundary == var.permissions_boundary_arn && role.tags.team == "platform"])
    error_message = "roles have the boundary and the tags"
  }
}

run "no_condition_is_null" {
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_policy.roles_policy.policy).Statement : alltrue(flatten([for operator in values(try(statement.Condition, {})) : [for value in values(operator) : value != null]]))])
    error_message = "AWS refuses a condition that is null"
  }
}

run "a_boundary_is_made" {
  variables {
    make_permissions_boundary    = true
    boundary_actions             = ["rekognition:DetectLabels"]
    passable_role_arns           = ["arn:aws:iam::123456789012:role/ours"]
    terraform_names_environments = false
  }
  assert {
    condition     = output.permissions_boundary_arn == "arn:aws:iam::123456789012:policy/batchtab-prod-ci-boundary" && aws_iam_policy.boundary_policy[0].name == "batchtab-prod-ci-boundary"
    error_message = "its ARN is known by its name"
  }
  assert {
    condition     = contains(jsondecode(aws_iam_policy.boundary_policy[0].policy).Statement[0].Action, "rekognition:DetectLabels")
    error_message = "it allows what it is given"
  }
  assert {
    condition     = strcontains(aws_iam_policy.passing_policy[0].policy, "role/ours") && !strcontains(aws_iam_policy.write_policy.policy, "aws:RequestTag/batchtab:namespace\":\"batchtab-prod\"}},\"Effect\":\"Allow\",\"Resource\":[\"arn:aws:batch")
    error_message = "own roles are passed, and no environment is known by a tag that a deployment gives"
  }
  assert {
    condition     = aws_iam_role.deploy_role.permissions_boundary == null
    error_message = "the boundary is not that of the workflows' roles"
  }
}

run "a_boundary_is_given_or_made" {
  command = plan
  variables {
    make_permissions_boundary = true
    permissions_boundary_arn  = "arn:aws:iam::123456789012:policy/boundary"
  }
  expect_failures = [aws_iam_role.deploy_role]
}

run "an_image_of_another_stage" {
  variables {
    repository_names        = []
    pulled_repository_names = ["shared-runner"]
  }
  assert {
    condition     = strcontains(aws_iam_policy.images_policy.policy, "repository/shared-runner") && !strcontains(aws_iam_policy.images_policy.policy, "ecr:PutImage") && strcontains(aws_iam_policy.read_policy.policy, "repository/shared-runner")
    error_message = "it is looked at and pulled, and not changed"
  }
}

run "immutable_subjects" {
  variables {
    owner_id      = "123456"
    repository_id = "456789"
  }
  assert {
    condition     = jsondecode(aws_iam_role.plan_role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:my-company@123456/batchtab@456789:pull_request", "repo:my-company@123456/batchtab@456789:ref:refs/heads/main"]
    error_message = "subjects have names and numbers"
  }
  assert {
    condition     = alltrue([for role in [aws_iam_role.plan_role, aws_iam_role.deploy_role] : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:repository_id"] == "456789"])
    error_message = "no other repository is let in"
  }
}

run "an_owner_without_its_repository" {
  command = plan
  variables {
    owner_id = "123456"
  }
  expect_failures = [aws_iam_role.deploy_role]
}

run "another_way_to_deploy" {
  variables {
    deploy_workflow     = null
    deploys_from_branch = false
  }
  assert {
    condition     = !strcontains(aws_iam_role.deploy_role.assume_role_policy, "ref") && strcontains(aws_iam_role.deploy_role.assume_role_policy, "environment:prod")
    error_message = "the environment's rules decide"
  }
}
