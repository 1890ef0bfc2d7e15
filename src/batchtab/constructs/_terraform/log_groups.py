"""Log groups of CloudWatch, which end what they keep."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.aws import CloudwatchLogGroup
from batchtab.constructs._terraform.expressions import Condition, as_map, as_number
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource


def log_group(
    scope: BatchtabConstruct,
    name: str,
    *,
    retention_days: Any,
    kms_key_arn: str | None,
    tags: Any,
    when: Condition = True,
) -> ResourceRef:
    """Makes a construct's log group, from whose ARN the rest may read where it is.

    Args:
        scope: The construct that it belongs to.
        name: The log group's name.
        retention_days: How long CloudWatch keeps what is written.
        kms_key_arn: Encrypts it.
        tags: On it.
        when: Whether it exists.

    See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    """
    return create_resource(
        scope,
        CloudwatchLogGroup,
        "log_group",
        when=when,
        name=name,
        retention_in_days=as_number(retention_days),
        kms_key_id=kms_key_arn,
        tags=as_map(tags),
    )
