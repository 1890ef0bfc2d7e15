"""The CLI's calls to ECS that open a session in a container of a job: DescribeTasks and ExecuteCommand.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.errors import NotFoundError, UsageError, listed
from batchtab.main_container import main_container, task_of

_AGENT = "ExecuteCommandAgent"
_RUNNING = "RUNNING"
#: What ECS calls the one container of most of Batch's jobs.
_ONLY = "default"
_PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"
_CUT_OFF = f"job_role_arn with the four ssmmessages: actions, a way to ssmmessages from the subnet: {_PAGE}"


@dataclass(frozen=True)
class TaskContainer:
    """A container of a task.

    Attributes:
        runtime_id: What the engine calls it.
        agent: The status of ECS Exec's agent in it; empty without one.
        reason: Why the agent is in it.
    """

    name: str
    runtime_id: str
    agent: str
    reason: str


@dataclass(frozen=True)
class EcsTask:
    """The task of a job that runs.

    Attributes:
        cluster: Its cluster's name.
        id: The end of its ARN.
        is_enabled: Whether it was started with ECS Exec.
    """

    cluster: str
    id: str
    is_enabled: bool
    containers: tuple[TaskContainer, ...]

    def container(self, name: str, job: Mapping[str, Any]) -> TaskContainer:
        """The one that is called so; without a name the job's main one.

        Raises:
            UsageError: there is none.
        """
        by_name = {each.name: each for each in self.containers}
        if name and name not in by_name:
            raise UsageError(f"exec: job {job['jobId']} has no container '{name}': {listed(by_name)}")
        # Beside a job's own containers there may be others of AWS's, such as GuardDuty's.
        for wanted in (name, str(main_container(job).get("name") or ""), _ONLY):
            if wanted in by_name:
                return by_name[wanted]
        if not self.containers:
            raise UsageError(f"exec: ECS knows no container of job {job['jobId']} yet", "try again")
        return self.containers[0]

    def target(self, container: TaskContainer) -> str:
        """As Systems Manager names it."""
        return f"ecs:{self.cluster}_{self.id}_{container.runtime_id}"


def task_arn(job: Mapping[str, Any]) -> str:
    """The task of a job, of a child or of a node, as DescribeJobs returns it; empty where there is none yet."""
    return str(task_of(job).get("taskArn") or main_container(job).get("taskArn") or "")


class EcsExec:
    """ECS Exec."""

    def __init__(self, aws: Aws) -> None:
        self._ecs = aws.client("ecs")

    @property
    def endpoint_url(self) -> str:
        """Where ECS is called."""
        return str(self._ecs.meta.endpoint_url)

    def task(self, arn: str) -> EcsTask:
        """A task.

        Raises:
            NotFoundError: ECS knows none (any more).
        """
        cluster, _, task_id = arn.partition(":task/")[2].rpartition("/")
        found = self._ecs.describe_tasks(cluster=cluster, tasks=[task_id])["tasks"] if cluster else []
        if not found:
            raise NotFoundError(f"exec: ECS knows no task {arn}", "it has just ended? batchtab describe RUN")
        containers = tuple(_container(each) for each in found[0].get("containers") or ())
        return EcsTask(cluster, task_id, bool(found[0].get("enableExecuteCommand")), containers)

    def start(self, task: EcsTask, container: TaskContainer, command: str) -> Mapping[str, Any]:
        """Opens a session; returns what its other end needs, with a token.

        Raises:
            UsageError: the agent does not answer.
        """
        refuse_without_agent(container)
        try:
            answer = self._ecs.execute_command(
                cluster=task.cluster, task=task.id, container=container.name, command=command, interactive=True
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TargetNotConnectedException":
                raise
            raise UsageError(f"exec: ECS Exec does not reach container {container.name}", _CUT_OFF) from None
        session: Mapping[str, Any] = answer["session"]
        return session


def refuse_without_agent(container: TaskContainer) -> None:
    """Makes sure that ECS Exec's agent runs in a container.

    Raises:
        UsageError: it does not.
    """
    if container.agent == _RUNNING:
        return
    reason = f": {container.reason}" if container.reason else ""
    text = f"exec: ECS Exec's agent in container {container.name} is {container.agent or 'not there'}{reason}"
    raise UsageError(text, "it starts after the container: try again" if container.agent == "PENDING" else _CUT_OFF)


def _container(described: Mapping[str, Any]) -> TaskContainer:
    agents = (each for each in described.get("managedAgents") or () if each.get("name") == _AGENT)
    agent: Mapping[str, Any] = next(agents, {})
    return TaskContainer(
        str(described["name"]),
        str(described.get("runtimeId") or ""),
        str(agent.get("lastStatus") or ""),
        str(agent.get("reason") or ""),
    )
