"""Rules for containerProperties, and for what a container of a task has in common with them."""

from __future__ import annotations

import copy
from typing import Any

from batchtab.local_aws.batch import linux, log_options, platform, references, volumes
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.sizes import check_sizes, requirement

# Lists that Batch gives back empty when they were not given.
_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "secrets", "resourceRequirements")
_IMAGE_CHARACTERS = 255


def normalised(properties: dict[str, Any], *, fargate: bool) -> dict[str, Any]:
    """Return containerProperties as Batch gives them back."""
    made = {**{member: [] for member in _LISTS}, **copy.deepcopy(properties)}
    if "linuxParameters" in made:
        made["linuxParameters"] = {"devices": [], "tmpfs": [], **made["linuxParameters"]}
    if "logConfiguration" in made:
        made["logConfiguration"] = {"options": {}, "secretOptions": [], **made["logConfiguration"]}
    if fargate:
        made.setdefault("fargatePlatformConfiguration", {"platformVersion": platform.LATEST})
    return made


def check(properties: dict[str, Any], *, fargate: bool, node: bool = False) -> None:
    """Refuse containerProperties that Batch refuses.

    Args:
        properties: They.
        fargate: Whether the job is for Fargate.
        node: Whether they are those of a multi-node job's nodes.

    Raises:
        ClientError: What is wrong, by member.
    """
    if not properties.get("image"):
        raise ClientError("Container properties should specify an image")
    version = (properties.get("fargatePlatformConfiguration") or {}).get("platformVersion")
    windows = platform.is_windows(properties)
    platform.check(properties, version=version, fargate=fargate)
    check_sizes(properties, fargate=fargate)
    check_roles(properties.get("executionRoleArn"), properties.get("jobRoleArn"), fargate=fargate)
    check_one(properties, properties.get("executionRoleArn"), fargate=fargate, windows=windows)
    log_options.check(properties.get("logConfiguration") or {}, fargate=fargate, multiple=False)
    if properties.get("instanceType") and not node:
        raise ClientError("containerProperties.instanceType is for multi-node jobs only")
    found = properties.get("volumes") or []
    volumes.check(
        found,
        job_role=properties.get("jobRoleArn"),
        fargate=fargate,
        platform_version=version,
        windows=windows,
    )
    volumes.check_mounts(properties.get("mountPoints") or [], found, windows=windows)


def check_roles(execution: str | None, job: str | None, *, fargate: bool) -> None:
    """Refuse roles that are missing or do not exist.

    Raises:
        ClientError: Which one.
    """
    if fargate and not execution:
        raise ClientError("executionRoleArn is required for Fargate jobs.")
    for member, arn in (("executionRoleArn", execution), ("jobRoleArn", job)):
        if arn:
            references.check_role(arn, member)


def check_one(container: dict[str, Any], execution_role: str | None, *, fargate: bool, windows: bool) -> None:
    """Refuse what Batch refuses of any container, be it alone in its task or not.

    Raises:
        ClientError: What is wrong, by member.
    """
    if len(container["image"]) > _IMAGE_CHARACTERS:
        raise ClientError(f"image: {len(container['image'])} characters, at most {_IMAGE_CHARACTERS} are allowed")
    check_environment(container.get("environment") or [])
    log = container.get("logConfiguration") or {}
    if (container.get("secrets") or log.get("secretOptions")) and not execution_role:
        raise ClientError("executionRoleArn cannot be empty when using secrets or secretOptions")
    if container.get("repositoryCredentials"):
        _check_credentials(container["repositoryCredentials"]["credentialsParameter"], execution_role)
    if windows:
        platform.check_windows(container)
    if fargate:
        if container.get("privileged"):
            raise ClientError("Fargate requires that the 'privileged' setting be 'false' at the container level.")
        if container.get("ulimits"):
            raise ClientError("ulimits is not applicable for Fargate.")
        if requirement(container, "GPU"):
            raise ClientError("GPU is not applicable for Fargate.")
    linux.check(container.get("linuxParameters") or {}, fargate=fargate)
    linux.check_ulimits(container.get("ulimits") or [])


def check_environment(environment: list[dict[str, Any]]) -> None:
    """Refuse the names that Batch keeps for itself."""
    for entry in environment:
        name = entry.get("name") or ""
        if name.startswith("AWS_BATCH"):
            raise ClientError(f"Environment variable {name}: names that start with AWS_BATCH are reserved")


def _check_credentials(arn: str, execution_role: str | None) -> None:
    if not arn.startswith("arn:") or ":secretsmanager:" not in arn:
        raise ClientError(f"repositoryCredentials.credentialsParameter: {arn} is not the ARN of a secret")
    if not execution_role:
        raise ClientError("executionRoleArn cannot be empty when using repositoryCredentials")
