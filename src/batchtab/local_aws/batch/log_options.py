"""Rules for a container's logConfiguration.

https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html
"""

from __future__ import annotations

import re
from typing import Any

from batchtab.local_aws.batch import limits, multiline
from batchtab.local_aws.batch.errors import ClientError

_SIZE = re.compile(r"\d+[bkmg]?", re.IGNORECASE)
_CHOICES = {"mode": ("blocking", "non-blocking"), "awslogs-create-group": ("true", "false")}


def check(configuration: dict[str, Any], *, fargate: bool, multiple: bool) -> None:
    """Refuse drivers and options that Batch, or ECS behind it, refuses.

    Args:
        configuration: The logConfiguration.
        fargate: Whether the job is for Fargate.
        multiple: Whether the task may have a container that routes logs, which awsfirelens needs.

    Raises:
        ClientError: What is wrong.
    """
    if not configuration:
        return
    driver, options = configuration["logDriver"], configuration.get("options") or {}
    if fargate and driver not in limits.FARGATE_LOG_DRIVERS:
        raise ClientError(f"Log driver for Fargate is not valid: {driver}")
    if driver == "awsfirelens" and not multiple:
        raise ClientError("logConfiguration: awsfirelens needs a container with a firelensConfiguration: ecsProperties")
    if driver != "awslogs":
        return
    if unknown := [name for name in options if name not in limits.AWSLOGS_OPTIONS]:
        raise ClientError(f"Log driver awslogs disallows options: {', '.join(sorted(unknown))}")
    for name, allowed in _CHOICES.items():
        if name in options and options[name] not in allowed:
            raise ClientError(f"Log driver awslogs: {name} {options[name]!r} is not {' or '.join(allowed)}")
    if "max-buffer-size" in options:
        if options.get("mode", "non-blocking") != "non-blocking":
            raise ClientError("Log driver awslogs: max-buffer-size is only for mode non-blocking")
        if not _SIZE.fullmatch(options["max-buffer-size"]):
            raise ClientError(f"Log driver awslogs: max-buffer-size {options['max-buffer-size']!r} is not a size: 25m")
    try:
        multiline.pattern(options)
    except ValueError as error:
        raise ClientError(f"Log driver awslogs: {error}") from error
    if "awslogs-datetime-format" in options and "awslogs-multiline-pattern" in options:
        raise ClientError(
            "Log driver awslogs: awslogs-datetime-format and awslogs-multiline-pattern exclude each other"
        )
