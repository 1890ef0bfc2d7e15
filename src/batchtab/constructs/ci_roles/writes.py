"""What a deployment may change: what the stacks of one stage make, by name or, where AWS makes the name, by tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names

_TAG = "batchtab:namespace"


def write_statements(names: Names, *, namespace: Any, state_bucket: Any, stage: Any) -> list[Mapping[str, Any]]:
    """Statements that let a deployment make, change and remove a stage's resources, beside `read_statements`."""
    state = f"arn:{names.partition}:s3:::{state_bucket}/{stage}"
    asked = {"StringEquals": {f"aws:RequestTag/{_TAG}": namespace}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{_TAG}": namespace}}
    environments = [names.arn("batch", "compute-environment/*")]
    definitions, queues = names.job_definitions, names.job_queues
    templates = [names.arn("ec2", "launch-template/*")]
    return [
        allow(["s3:PutObject"], [f"{state}/*.tfstate", f"{state}/*.tflock", f"{state}/*.applied.json"]),
        allow(["s3:GetObject", "s3:DeleteObject"], [f"{state}/*.tflock"]),
        # Batch gives compute environments their names, so that a new one can be there before the old one goes.
        allow(["batch:CreateComputeEnvironment", "batch:TagResource"], environments, condition=asked),
        allow(
            ["batch:DeleteComputeEnvironment", "batch:UntagResource", "batch:UpdateComputeEnvironment"],
            environments,
            condition=tagged,
        ),
        # A queue is made and changed on environments too.
        allow(["batch:CreateJobQueue", "batch:UpdateJobQueue"], environments, condition=tagged),
        allow(
            [
                "batch:CreateJobQueue",
                "batch:DeleteJobQueue",
                "batch:TagResource",
                "batch:UntagResource",
                "batch:UpdateJobQueue",
            ],
            queues,
        ),
        allow(
            [
                "batch:DeregisterJobDefinition",
                "batch:RegisterJobDefinition",
                "batch:TagResource",
                "batch:UntagResource",
            ],
            definitions,
        ),
        allow(
            [
                "events:DeleteRule",
                "events:DisableRule",
                "events:EnableRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
            ],
            names.rules,
        ),
        allow(["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"], names.schedules),
        allow(
            [
                "scheduler:CreateScheduleGroup",
                "scheduler:DeleteScheduleGroup",
                "scheduler:TagResource",
                "scheduler:UntagResource",
            ],
            names.schedule_groups,
        ),
        allow(["ec2:CreateLaunchTemplate"], templates, condition=asked),
        allow(
            ["ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate", "ec2:ModifyLaunchTemplate"],
            templates,
            condition=tagged,
        ),
        allow(["ec2:CreateTags", "ec2:DeleteTags"], templates, condition=tagged),
        allow(["ec2:CreateTags"], templates, condition={"StringEquals": {"ec2:CreateAction": "CreateLaunchTemplate"}}),
    ]


def image_statements(names: Names, *, repository_names: Any) -> list[Mapping[str, Any]]:
    """Statements on the stage's image repositories: making them, and pushing to them."""
    return [
        allow(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DeleteLifecyclePolicy",
                "ecr:DeleteRepository",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
                "ecr:UntagResource",
                "ecr:UploadLayerPart",
            ],
            names.repositories(repository_names),
        ),
        allow(["ecr:GetAuthorizationToken"], "*"),  # AWS limits it to no resource
    ]
