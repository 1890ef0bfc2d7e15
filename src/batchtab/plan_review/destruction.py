"""What a plan destroys or replaces, and what is lost with it."""

from __future__ import annotations

from dataclasses import dataclass

from batchtab.plan_review.plan import Plan
from batchtab.plan_review.resource import DELETE, FORGET, REPLACE, Resource

# What goes with a resource that is destroyed or replaced, for those with which more goes than a line of configuration.
_LOST = {
    "aws_batch_job_queue": "jobs that wait in it are cancelled, and its list of runs is gone",
    "aws_batch_compute_environment": "jobs that run in it are stopped",
    "aws_cloudwatch_log_group": "its logs are deleted",
    "aws_ecr_repository": "its images are deleted, and jobs that need them cannot start",
    "aws_scheduler_schedule_group": "its schedules are deleted",
    "aws_sqs_queue": "the messages in it are deleted",
    "aws_dynamodb_table": "its items are deleted",
    "aws_s3_bucket": "its objects are deleted",
    "aws_db_instance": "its data is deleted",
    "aws_efs_file_system": "its files are deleted",
    "aws_secretsmanager_secret": "its value is deleted",
    "aws_ssm_parameter": "its value is deleted",
    "aws_kms_key": "what it encrypted cannot be read any more",
    "aws_sns_topic": "its subscriptions are deleted",
    "aws_lambda_function": "",
    "aws_vpc": "everything in it loses its network",
    "aws_subnet": "jobs that run in it lose their network",
    "aws_security_group": "jobs that use it lose their network",
}


@dataclass(frozen=True)
class Destruction:
    """A resource that is destroyed or replaced.

    Attributes:
        lost: What goes with it; empty if it is only configuration.
        is_moved: Whether the job's other trigger takes its place, so that nothing is lost.
        forced_by: The attributes that make a replacement necessary.
    """

    stack: str
    address: str
    kind: str
    name: str
    action: str
    lost: str
    forced_by: tuple[str, ...]
    is_moved: bool = False


def destruction(resource: Resource, plan: Plan, *, is_moved: bool = False) -> Destruction | None:
    """What is lost by a resource's change; None if nothing is destroyed."""
    if resource.action not in {DELETE, REPLACE, FORGET}:
        return None
    before = resource.before or {}
    name = before.get("name") or before.get("function_name") or (before.get("tags") or {}).get("Name") or resource.name
    lost = "it stays in AWS, but Terraform forgets it" if resource.action == FORGET else _LOST.get(resource.type, "")
    return Destruction(
        stack=plan.stack,
        address=resource.address,
        kind=kind(resource.type),
        name=plan.short(str(name)),
        action=resource.action,
        lost=lost,
        forced_by=resource.forced_by,
        is_moved=is_moved and resource.action == DELETE,
    )


def kind(type_: str) -> str:
    """A resource type in words: `job queue` for `aws_batch_job_queue`."""
    known = {
        "aws_cloudwatch_event_rule": "rule",
        "aws_cloudwatch_event_target": "rule's target",
        "aws_cloudwatch_log_group": "log group",
        "aws_cloudwatch_metric_alarm": "alarm",
        "aws_ecr_repository": "image repository",
        "aws_iam_role": "role",
        "aws_iam_role_policy": "role's policy",
        "aws_sqs_queue": "message queue",
        "aws_lambda_function": "function",
        "aws_scheduler_schedule": "schedule",
        "aws_scheduler_schedule_group": "schedule group",
    }
    words = type_.removeprefix("aws_").removeprefix("batch_").replace("_", " ")
    return known.get(type_, words)
