# Defaults, and each input.

mock_provider "aws" {
  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:ap-northeast-2:123456789012:repository/made", repository_url = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service" }
  }
}

variables {
  name = "my-service"
}

run "defaults" {
  assert {
    condition     = aws_ecr_repository.repository.name == "my-service" && aws_ecr_repository.repository.image_tag_mutability == "IMMUTABLE" && !aws_ecr_repository.repository.force_delete
    error_message = "tags stay what they are, and images are not deleted with the repository"
  }
  assert {
    condition     = aws_ecr_repository.repository.image_scanning_configuration[0].scan_on_push && aws_ecr_repository.repository.encryption_configuration[0].encryption_type == "AES256"
    error_message = "images are scanned and encrypted"
  }
  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.lifecycle_policy.policy).rules : rule.selection.countNumber] == [14, 50]
    error_message = "images without a tag go after 14 days, others after 50 newer ones"
  }
  assert {
    condition     = output.repository_url == "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service" && output.repository_name == "my-service"
    error_message = "outputs name the repository"
  }
}

run "every_input" {
  variables {
    image_tag_mutability = "MUTABLE"
    keep_tagged_images   = 5
    untagged_days        = 1
    kms_key_arn          = "arn:aws:kms:ap-northeast-2:123456789012:key/k"
    force_delete         = true
    tags                 = { team = "platform" }
  }
  assert {
    condition     = aws_ecr_repository.repository.image_tag_mutability == "MUTABLE" && aws_ecr_repository.repository.force_delete && aws_ecr_repository.repository.tags.team == "platform"
    error_message = "inputs arrive"
  }
  assert {
    condition     = aws_ecr_repository.repository.encryption_configuration[0].encryption_type == "KMS" && aws_ecr_repository.repository.encryption_configuration[0].kms_key == var.kms_key_arn
    error_message = "the key arrives"
  }
  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.lifecycle_policy.policy).rules : rule.selection.countNumber] == [1, 5]
    error_message = "counts arrive"
  }
}
