"""A function `SendToSlack` for local AWS, where none exists."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.log_groups import log_group
from batchtab.constructs._terraform.resources import BatchtabConstruct
from batchtab.constructs._terraform.roles import RoleSettings

_TIMEOUT_SECONDS = 15
_MEMORY_MIB = 128


class StandInSlack(BatchtabConstruct):
    """Takes what `SendToSlack` takes and hands it to local AWS, which shows it; on AWS it raises."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        function_name: str = limits.ALERT_DEFAULTS["function_name"],
        log_retention_days: int = limits.STAGE_DEFAULTS["log_retention_days"],
        permissions_boundary_arn: str | None = None,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the function.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            function_name: The function's and its role's name.
            log_retention_days: How long CloudWatch keeps its log.
            permissions_boundary_arn: For its role.
            tags: On everything.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        check("function_name", function_name, limits.FUNCTION_NAME)
        check("log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
        self.log_group = log_group(
            self, f"/aws/lambda/{function_name}", retention_days=log_retention_days, kms_key_arn=None, tags=tags
        )
        made = python_function(
            self,
            name=function_name,
            package="send_to_slack",
            description="Takes Slack's place on local AWS.",
            environment={},
            may=[],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            kms_key_arn=None,
            roles=RoleSettings(permissions_boundary_arn, tags=tags),
            log_group=self.log_group,
            tags=tags,
        )
        self.function, self.role = made.function, made.role
