"""runner_repository, by both doors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.constructs.template import KEY_ARN, Template, in_python, module

from batchtab.constructs.runner_repository import RunnerRepository


def repository(**arguments: Any) -> Template:
    given = {"name": "batchtab-runner", **arguments}
    return in_python(lambda stack: RunnerRepository(stack, "Default", **given))


@pytest.fixture(scope="module")
def default() -> Template:
    return repository()


def test_tags_are_immutable_and_images_scanned_and_encrypted(default: Template) -> None:
    made = default.one("aws_ecr_repository")
    assert made["name"] == "batchtab-runner"
    assert made["image_tag_mutability"] == "IMMUTABLE"
    assert made["image_scanning_configuration"] == {"scan_on_push": True}
    assert made["encryption_configuration"] == [{"encryption_type": "AES256"}]
    assert made["force_delete"] is False


def test_old_images_go(default: Template) -> None:
    untagged, tagged = json.loads(default.one("aws_ecr_lifecycle_policy")["policy"])["rules"]
    assert untagged["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert tagged["selection"] == {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": 50,
    }
    # ECR wants the rules' priorities to differ, and takes the lower first.
    assert [untagged["rulePriority"], tagged["rulePriority"]] == [1, 2]
    assert untagged["action"] == tagged["action"] == {"type": "expire"}


def test_each_argument_arrives() -> None:
    template = repository(
        name="team/runner",
        image_tag_mutability="MUTABLE",
        keep_tagged_images=3,
        untagged_days=1,
        kms_key_arn=KEY_ARN,
        force_delete=True,
        tags={"team": "platform"},
    )
    made = template.one("aws_ecr_repository")
    assert made["name"] == "team/runner"
    assert made["image_tag_mutability"] == "MUTABLE"
    assert made["encryption_configuration"] == [{"encryption_type": "KMS", "kms_key": KEY_ARN}]
    assert made["force_delete"] is True
    assert made["tags"] == {"team": "platform"}
    rules = json.loads(template.one("aws_ecr_lifecycle_policy")["policy"])["rules"]
    assert [rule["selection"]["countNumber"] for rule in rules] == [1, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "Runner"}, "name: 'Runner' is not allowed: lower-case letters and digits"),
        ({"image_tag_mutability": "FROZEN"}, "'FROZEN' is not allowed: IMMUTABLE or MUTABLE"),
        ({"keep_tagged_images": 0}, "keep_tagged_images: 0 is too small: 1 to 2147483647 (images)"),
        ({"kms_key_arn": "alias/images"}, "kms_key_arn: 'alias/images' is not allowed: the ARN of a KMS key"),
        ({"untagged_days": 0}, "untagged_days: 0 is too short: 1 to 2147483647 (days)"),
    ],
)
def test_what_ecr_would_refuse_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        repository(**arguments)


def test_nobody_is_let_in_from_outside(default: Template) -> None:
    assert default.count("aws_ecr_repository_policy") == 0
    assert module("runner_repository").count("aws_ecr_repository_policy") == 0


def test_the_module_has_the_constructs_addresses(default: Template) -> None:
    hcl = module("runner_repository")
    assert hcl.addresses() == default.addresses()
    assert hcl.addresses() == {"aws_ecr_repository.repository", "aws_ecr_lifecycle_policy.lifecycle_policy"}
    assert sorted(hcl.content["output"]) == ["repository_arn", "repository_name", "repository_url"]


def test_the_modules_policy_takes_the_callers_numbers() -> None:
    policy = module("runner_repository").one("aws_ecr_lifecycle_policy")["policy"]
    assert '"countNumber" = var.untagged_days' in policy
    assert '"countNumber" = var.keep_tagged_images' in policy
