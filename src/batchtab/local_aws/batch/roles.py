"""The roles of a job: who pulls its secrets and writes its log, and whose credentials its code gets.

Where `enforce_iam` is off, nobody is asked.
https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ministack.core.responses import request_scope
from ministack.services import iam

from batchtab.local_aws import permissions
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.store import Record
from batchtab.local_aws.batch.task import Task

_TASKS = "ecs-tasks.amazonaws.com"
_INSTANCES = "ec2.amazonaws.com"
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws)/(?P<name>[^:@]+).*"
)


class RoleError(Exception):
    """A role cannot be taken, or lacks a permission; the text is as AWS has it."""


@dataclass(frozen=True)
class TaskRoles:
    """Who acts for an attempt: its execution role, or on EC2 without one the instance's.

    Attributes:
        execution_role: The execution role that the job names.
        agent: The role that reads secrets and writes the log; None where nobody is asked.
        job_role: The role whose credentials the job gets.
    """

    job: Job
    task_id: str
    execution_role: str | None
    agent: str | None
    job_role: str | None

    def check_trust(self) -> None:
        """Refuse an execution role or job role that ECS cannot take.

        Raises:
            RoleError: As RunTask has it.
        """
        source = f"arn:aws:ecs:{self.job.region}:{self.job.account_id}:*"
        for role in (self.execution_role, self.job_role):
            if role and permissions.enforced() and permissions.role_refusal(role, _TASKS, source) is not None:
                raise RoleError(
                    f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify that"
                    " the role being passed has the proper trust relationship and permissions and that your IAM user"
                    " has permissions to pass this role."
                )

    def check_image(self, image: str) -> None:
        """Refuse an image of ECR that the agent may not pull, though nothing is pulled here.

        Raises:
            RoleError: What is not allowed.
        """
        found = _ECR_IMAGE.fullmatch(image)
        if found is not None:
            self.check("ecr:GetAuthorizationToken", "*")
            repository = f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}"
            for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
                self.check(action, repository)

    def check(self, action: str, resource: str, context: dict[str, str] | None = None, *, as_job: bool = False) -> None:
        """Refuse what the agent, or the job's own role, may not do.

        Args:
            action: Such as logs:CreateLogStream.
            resource: What it is done to.
            context: More condition keys of the request.
            as_job: Whether the job's role is asked, and not the agent.

        Raises:
            RoleError: In the words of the service that is asked.
        """
        role = (self.job_role or "") if as_job else self.agent
        if role is None or not permissions.enforced():
            return
        with request_scope(self.job.account_id, self.job.region):
            allowed = permissions.role_allows(role, action, resource, context=context)
        if not allowed:
            session = f"arn:aws:sts::{self.job.account_id}:assumed-role/{role.rsplit('/', 1)[-1]}/{self.task_id}"
            raise RoleError(
                f"AccessDeniedException: User: {session} is not authorized to perform: {action} on resource: {resource}"
                f" because no identity-based policy allows the {action} action"
            )


def of_task(job: Job, task: Task, task_id: str, environment: Record) -> TaskRoles:
    """Return who acts for an attempt of a job in a compute environment."""
    agent = task.execution_role or instance_role(environment)
    return TaskRoles(job, task_id, task.execution_role, agent if permissions.enforced() else None, task.job_role)


def instance_role(environment: Record) -> str | None:
    """Return the role of an environment's instances; None on Fargate, and where the instances are not Batch's."""
    profile = (environment.get("computeResources") or {}).get("instanceRole")
    if not profile:
        return None
    account = environment["computeEnvironmentArn"].split(":")[4]
    found = iam._instance_profiles.get_scoped(account, None, profile.rsplit("/", 1)[-1]) or {}
    names = found.get("Roles") or [""]
    role = iam._roles.get_scoped(account, None, names[0])
    return str(role["Arn"]) if role else ""


def can_have_instances(environment: Record) -> bool:
    """Whether instances of an environment can join its cluster: EC2 has to be able to take their role."""
    role = instance_role(environment)
    return role is None or not permissions.enforced() or permissions.role_refusal(role, _INSTANCES) is None
