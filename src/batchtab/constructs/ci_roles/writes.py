"""What a deployment may change: what the stacks of one stage make, by name or, where AWS makes the name, by tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.expressions import Condition, not_empty
from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names
from batchtab.constructs.ci_roles.tags import asks_for, has


def write_statements(
    names: Names, *, namespace: Any, state_bucket: Any, stage: Any, terraform_names_environments: Condition
) -> list[tuple[Condition, Mapping[str, Any]]]:
    """Statements that let a deployment make, change and remove a stage's resources, beside `read_statements`.

    Args:
        names: ARNs of what the stacks make.
        namespace: The stage's.
        state_bucket: The bucket of the remote state.
        stage: The stage, below whose name its state is.
        terraform_names_environments: Whether compute environments are made whose names say nothing of the namespace.

    Returns:
        Each with whether it applies.
    """
    state = f"arn:{names.partition}:s3:::{state_bucket}/{stage}"
    by_tag = [
        "batch:CreateJobQueue",
        "batch:DeleteComputeEnvironment",
        "batch:TagResource",
        "batch:UntagResource",
        "batch:UpdateComputeEnvironment",
        "batch:UpdateJobQueue",
    ]
    always = [
        allow(["s3:PutObject"], [f"{state}/*.tfstate", f"{state}/*.tflock", f"{state}/*.applied.json"]),
        allow(["s3:GetObject", "s3:DeleteObject"], [f"{state}/*.tflock"]),
        # A queue is made and changed on environments too.
        allow(["batch:CreateComputeEnvironment", *by_tag], names.compute_environments),
        *_by_name(names),
        *_templates(names, namespace),
    ]
    generated = [
        allow(by_tag, names.generated_compute_environments, condition=has(namespace)),
        allow(
            ["batch:CreateComputeEnvironment", "batch:TagResource"],
            names.generated_compute_environments,
            condition=asks_for(namespace),
        ),
    ]
    return [
        *((True, statement) for statement in always),
        *((terraform_names_environments, statement) for statement in generated),
    ]


def _by_name(names: Names) -> list[Mapping[str, Any]]:
    return [
        allow(
            [
                "batch:CreateJobQueue",
                "batch:DeleteJobQueue",
                "batch:TagResource",
                "batch:UntagResource",
                "batch:UpdateJobQueue",
            ],
            names.job_queues,
        ),
        # A queue is made and changed on its policy too.
        allow(
            [
                "batch:CreateJobQueue",
                "batch:CreateSchedulingPolicy",
                "batch:DeleteSchedulingPolicy",
                "batch:TagResource",
                "batch:UntagResource",
                "batch:UpdateJobQueue",
                "batch:UpdateSchedulingPolicy",
            ],
            names.scheduling_policies,
        ),
        allow(
            [
                "batch:DeregisterJobDefinition",
                "batch:RegisterJobDefinition",
                "batch:TagResource",
                "batch:UntagResource",
            ],
            names.job_definitions,
        ),
        allow(
            [
                "events:DeleteRule",
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
    ]


def _templates(names: Names, namespace: Any) -> list[Mapping[str, Any]]:
    """On launch templates, whose ARNs have a number of AWS's: EC2 treats a tag at creation and a later one apart."""
    templates = [names.arn("ec2", "launch-template/*")]
    created = {"StringEquals": {"ec2:CreateAction": "CreateLaunchTemplate"}}
    return [
        allow(["ec2:CreateLaunchTemplate"], templates, condition=asks_for(namespace)),
        allow(
            [
                "ec2:CreateLaunchTemplateVersion",
                "ec2:CreateTags",
                "ec2:DeleteLaunchTemplate",
                "ec2:DeleteTags",
                "ec2:ModifyLaunchTemplate",
            ],
            templates,
            condition=has(namespace),
        ),
        allow(["ec2:CreateTags"], templates, condition=created),
    ]


def image_statements(
    names: Names, *, repository_names: Any, pulled_repository_names: Any
) -> list[tuple[Condition, Mapping[str, Any]]]:
    """Statements on image repositories: making the stage's own and pushing to them, and pulling from others.

    What another stage of the account runs would otherwise be changed by this one's deployments.

    Args:
        names: Makes the ARNs.
        repository_names: Those that the stage makes.
        pulled_repository_names: Those that are made elsewhere.

    Returns:
        Each with whether it applies.
    """
    pulling = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]
    pushing = [
        "ecr:CompleteLayerUpload",
        "ecr:CreateRepository",
        "ecr:DeleteLifecyclePolicy",
        "ecr:DeleteRepository",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:PutImageScanningConfiguration",
        "ecr:PutImageTagMutability",
        "ecr:PutLifecyclePolicy",
        "ecr:TagResource",
        "ecr:UntagResource",
        "ecr:UploadLayerPart",
    ]
    return [
        (not_empty(repository_names), allow(sorted(pulling + pushing), names.repositories(repository_names))),
        (not_empty(pulled_repository_names), allow(pulling, names.repositories(pulled_repository_names))),
        (True, allow(["ecr:GetAuthorizationToken"], "*")),  # AWS limits it to no resource
    ]
