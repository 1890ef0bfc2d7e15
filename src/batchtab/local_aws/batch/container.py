"""Rules for containerProperties."""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch import limits, references
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.sizes import check_sizes, requirement

# Lists that Batch gives back empty when they were not given.
_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets", "resourceRequirements")


def normalised(properties: dict[str, Any]) -> dict[str, Any]:
    """Return containerProperties as Batch gives them back."""
    return {**{member: [] for member in _LISTS}, **properties}


def check(properties: dict[str, Any], *, fargate: bool) -> None:
    """Refuse containerProperties that Batch refuses.

    Raises:
        ClientError: What is wrong, by member.
    """
    if not properties.get("image"):
        raise ClientError("Container properties should specify an image")
    check_sizes(properties, fargate=fargate)
    check_environment(properties.get("environment") or [])
    for member in ("jobRoleArn", "executionRoleArn"):
        if properties.get(member):
            references.check_role(properties[member], f"containerProperties.{member}")
    if properties.get("secrets") and not properties.get("executionRoleArn"):
        raise ClientError("containerProperties.executionRoleArn is required where secrets are given")
    if fargate:
        _check_fargate(properties)


def check_environment(environment: list[dict[str, Any]]) -> None:
    """Refuse the names that Batch keeps for itself."""
    for entry in environment:
        name = entry.get("name") or ""
        if name.startswith("AWS_BATCH"):
            raise ClientError(f"Environment variable {name}: names that start with AWS_BATCH are reserved")


def _check_fargate(properties: dict[str, Any]) -> None:
    if not properties.get("executionRoleArn"):
        raise ClientError("containerProperties.executionRoleArn is required for FARGATE")
    for member in limits.FARGATE_REFUSED:
        if properties.get(member):
            raise ClientError(f"containerProperties.{member} is not applicable to FARGATE")
    for member in limits.FARGATE_REFUSED_LINUX:
        if (properties.get("linuxParameters") or {}).get(member):
            raise ClientError(f"containerProperties.linuxParameters.{member} is not applicable to FARGATE")
    if requirement(properties, "GPU"):
        raise ClientError("resourceRequirements: GPU is not applicable to FARGATE")
    driver = (properties.get("logConfiguration") or {}).get("logDriver", "awslogs")
    if driver not in limits.FARGATE_LOG_DRIVERS:
        raise ClientError(f"logConfiguration.logDriver: {driver} is not applicable to FARGATE")
