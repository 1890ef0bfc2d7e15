"""Where a container's output goes."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.documents import Conditional, members
from batchtab.constructs._terraform.expressions import Condition, Expression, hcl, is_expression, is_set, not_empty
from batchtab.constructs._terraform.items import Item, each_value
from batchtab.declarations.container_fields import Log


def configuration(log: Any, log_group_name: Any, stream_prefix: Any) -> dict[str, Any]:
    """A container's log configuration.

    The mode is always given: ECS's default became `non-blocking` in June 2025, which loses a container's last lines.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html
    """
    item = Item(Log, log)
    options, driver = item["options"], item["driver"]
    own = {"mode": item["mode"]}
    awslogs = {
        "awslogs-group": log_group_name,
        "awslogs-stream-prefix": stream_prefix,
        "awslogs-multiline-pattern": Conditional(is_set(item["multiline_pattern"]), item["multiline_pattern"]),
    }
    is_awslogs = writes_to_group(log)
    if is_expression(options) or isinstance(is_awslogs, Expression):
        kept = f"{{ for k, v in {members(awslogs)} : k => v if {hcl(is_awslogs)} }}"
        all_options: Any = Expression.of(f"merge({members(own)}, {kept}, {hcl(options)})")
    else:
        all_options = {**own, **(awslogs if is_awslogs else {}), **options}
    secrets = item["secret_options"]
    return {
        "logDriver": driver,
        "options": all_options,
        "secretOptions": Conditional(
            not_empty(secrets), each_value(secrets, lambda name, arn: {"name": name, "valueFrom": arn})
        ),
    }


def writes_to_group(log: Any) -> Condition:
    """Whether the output goes to the log group."""
    driver = Item(Log, log)["driver"]
    return Expression.of(f'{hcl(driver)} == "awslogs"') if is_expression(driver) else driver == "awslogs"
