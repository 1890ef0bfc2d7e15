"""ARNs of what the stacks of one stage make: all names begin with its namespace."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.expressions import Expression, hcl, is_expression


def boundary_name(namespace: Any) -> str:
    """What the boundary is called that is made beside the two roles."""
    return f"{namespace}-ci-boundary"


class Names:
    """ARNs, each with a `*` for what follows the namespace."""

    def __init__(self, account: Account, namespace: Any) -> None:
        self._account = account
        self._namespace = namespace
        self.partition = account.partition

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        return self._account.arn(service, resource)

    def _named(self, service: str, kind: str, *, region: bool = True) -> list[str]:
        return [self._account.arn(service, f"{kind}{self._namespace}-*", region=region)]

    @property
    def compute_environments(self) -> list[str]:
        """Compute environments of a stage."""
        return self._named("batch", "compute-environment/")

    @property
    def generated_compute_environments(self) -> list[str]:
        """Compute environments whose names Terraform made: those of the module, and those of stages before 0.3."""
        return [self._account.arn("batch", "compute-environment/terraform-*")]

    @property
    def job_queues(self) -> list[str]:
        """Job queues."""
        return self._named("batch", "job-queue/")

    @property
    def scheduling_policies(self) -> list[str]:
        """Scheduling policies, which are called as their queues."""
        return self._named("batch", "scheduling-policy/")

    @property
    def job_definitions(self) -> list[str]:
        """Job definitions, in every revision."""
        return self._named("batch", "job-definition/")

    @property
    def rules(self) -> list[str]:
        """Rules on the default event bus."""
        return self._named("events", "rule/")

    @property
    def schedules(self) -> list[str]:
        """Schedules of EventBridge Scheduler, by their groups."""
        return self._named("scheduler", "schedule/")

    @property
    def schedule_groups(self) -> list[str]:
        """Groups of schedules, one for each service that has some."""
        return self._named("scheduler", "schedule-group/")

    @property
    def alarms(self) -> list[str]:
        """Alarms."""
        return self._named("cloudwatch", "alarm:")

    @property
    def tables(self) -> list[str]:
        """Tables of DynamoDB."""
        return self._named("dynamodb", "table/")

    @property
    def alert_tables(self) -> list[str]:
        """The tables of quiet alerts, into which Terraform writes too, of every namespace that begins with this one."""
        return [self._account.arn("dynamodb", f"table/{self._namespace}-{end}job-alerts") for end in ("", "*-")]

    @property
    def functions(self) -> list[str]:
        """Functions."""
        return self._named("lambda", "function:")

    @property
    def event_source_mappings(self) -> list[str]:
        """Mappings of event sources to functions; Lambda gives them their names."""
        return [self._account.arn("lambda", "event-source-mapping:*")]

    @property
    def message_queues(self) -> list[str]:
        """Message queues."""
        return self._named("sqs", "")

    @property
    def roles(self) -> list[str]:
        """Roles."""
        return self._named("iam", "role/", region=False)

    @property
    def submit_function(self) -> str:
        """The function that decides about runs."""
        return self._account.arn("lambda", f"function:{self._namespace}-submit-run")

    @property
    def boundary(self) -> str:
        """The boundary that is made beside the two roles."""
        return self._account.arn("iam", f"policy/{boundary_name(self._namespace)}", region=False)

    @property
    def of_workflows(self) -> list[str]:
        """The workflows' own roles and policies; also those of a stage with a name that continues this one's."""
        whose = (self._namespace, f"{self._namespace}-*")
        kinds = ("role/{}-ci-plan", "role/{}-ci-deploy", "policy/{}-ci-*")
        return [self._account.arn("iam", kind.format(name), region=False) for kind in kinds for name in whose]

    def service_linked_role(self, service: str) -> str:
        """The roles that AWS makes for a service of its own."""
        return self._account.arn("iam", f"role/aws-service-role/{service}/*", region=False)

    @property
    def instance_profiles(self) -> list[str]:
        """Instance profiles."""
        return self._named("iam", "instance-profile/", region=False)

    @property
    def log_groups(self) -> list[str]:
        """Log groups of jobs and functions."""
        prefix = self._namespace
        groups = (f"/aws/batch/{prefix}", f"/aws/batch/{prefix}/*", f"/aws/batch/{prefix}-*", f"/aws/lambda/{prefix}-*")
        return [self._account.arn("logs", f"log-group:{group}{end}") for group in groups for end in ("", ":*")]

    def repositories(self, *names: Any) -> Any:
        """Image repositories of these names, which are lists or expressions of lists."""
        if any(map(is_expression, names)):
            arn = self._account.arn("ecr", "repository/${name}")
            return Expression.of(f"[for name in concat({', '.join(map(hcl, names))}) : {hcl(arn)}]")
        return [self._account.arn("ecr", f"repository/{name}") for each in names for name in each]
