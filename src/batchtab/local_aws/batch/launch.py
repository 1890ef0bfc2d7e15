from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from batchtab.local_aws import permissions
from batchtab.local_aws.batch import images, mounts, secrets
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.logs import LogStream
from batchtab.local_aws.batch.member import Member
from batchtab.local_aws.batch.process import ProcessRun
from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.run import StartError
from batchtab.local_aws.batch.sizes import requirement
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.batch.task import Container, Task
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock
from batchtab.local_aws.config import Config
from batchtab.local_aws.containers import flags, leftovers
from batchtab.local_aws.containers.choice import ChoiceOfEngine
from batchtab.local_aws.containers.client import EngineError
from batchtab.local_aws.containers.engine import ContainerEngine
from batchtab.local_aws.containers.run import ContainerRun
from batchtab.local_aws.credentials import TaskCredentials, issue


@dataclass(frozen=True)
class _Launch:
    """One attempt that is being prepared."""

    task: Task
    attempt: int
    environment_name: str
    roles: TaskRoles
    sources: dict[str, str | None]
    child_processes: ChildProcesses


class Launcher:
    """Turns an attempt into a container or a process, with the environment that Batch would give it."""

    def __init__(
        self, config: Config, port: int, home: Path, path: str, containers: ChoiceOfEngine, clock: Clock
    ) -> None:
        self._config = config
        self._port = port
        self._home = home
        self._path = os.pathsep.join([str(Path(sys.executable).parent), path])
        self._containers = containers
        self._clock = clock
        self.credentials = TaskCredentials(port)

    def prepare(
        self, task: Task, attempt: int, environment_name: str, roles: TaskRoles, child_processes: ChildProcesses
    ) -> list[Member]:
        """Say how each container of an attempt's task runs: as one where an engine has its image, else as a process.

        Raises:
            StartError: A secret is missing or may not be read, a file system may not be mounted, there is neither an
                image nor a folder for one of them, or the engine does not say whether it has the image.
        """
        if task.windows:
            raise StartError("CannotPullContainerError: local AWS runs no Windows containers")
        try:
            mounts.check(task, roles)
        except RoleError as error:
            raise StartError(f"ResourceInitializationError: {error}") from error
        sources = mounts.sources(task, roles)
        launch = _Launch(task, attempt, environment_name, roles, sources, child_processes)
        return [self._member(launch, each) for each in task.containers]

    def close(self, task_id: str) -> None:
        """Leave nothing of a task that has ended."""
        self.credentials.close(task_id)
        mounts.forget(task_id)

    def _member(self, launch: _Launch, container: Container) -> Member:
        engine = self._containers.engine
        image = container.properties["image"]
        log = LogStream(launch.roles.job, container, launch.roles.task_id, self._clock)
        if engine is not None and _has(engine, image):
            variables = self._variables(launch, container, engine.endpoint(self._port))
            return Member(container, _container(engine, launch, container, variables), log, _note(container))
        variables = self._variables(launch, container, self._own_endpoint)
        folder = self.folder_for(image)
        command = container.properties["command"]
        if not command:
            raise StartError(
                f"CannotStartContainerError: the definition has no command, and local AWS runs {image} as a process,"
                " which has no default command; give the definition a command"
            )
        words = [*(images.entry_for(image, self._config.entrypoints) or []), *command]
        # Unbuffered, as in the runner image: the log has the lines in the order in which the program prints them.
        own = {"PATH": self._path, "HOME": str(self._home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        run = ProcessRun(words, folder, own | variables, launch.child_processes)
        return Member(container, run, log, _note(container))

    @property
    def _own_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _variables(self, launch: _Launch, container: Container, endpoint: str) -> dict[str, str]:
        """A job's environment: what Batch sets wins over secrets, those over the definition's, that over the rest."""
        roles, job, properties = launch.roles, launch.roles.job, container.properties
        try:
            if credentials := properties.get("repositoryCredentials"):
                secrets.check_credentials(credentials, job, roles)
            roles.check_image(properties["image"])
            secret_values = secrets.resolve(properties.get("secrets") or [], job, roles)
            log = properties.get("logConfiguration") or {}
            secrets.resolve(log.get("secretOptions") or [], job, roles)  # the driver gets them; here they have to exist
        except (secrets.SecretError, RoleError) as error:
            raise StartError(
                f"ResourceInitializationError: unable to pull secrets or registry auth: {error}"
            ) from error
        return {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": job.region,
            "AWS_DEFAULT_REGION": job.region,
            "AWS_EC2_METADATA_DISABLED": "true",  # this machine's own role, should it have one, is not the job's
            **self._credentials(job, roles, reaches=endpoint == self._own_endpoint),
            **{entry["name"]: entry.get("value", "") for entry in properties["environment"]},
            **secret_values,
            **batch_variables(job, launch.attempt, launch.environment_name),
        }

    def _credentials(self, job: Job, roles: TaskRoles, *, reaches: bool) -> dict[str, str]:
        """Return the variables by which an SDK finds the job role's credentials; none without a job role.

        Args:
            job: The job.
            roles: Its roles.
            reaches: Whether it finds local AWS at 127.0.0.1: SDKs fetch credentials from no other name over HTTP.
        """
        if not permissions.enforced():
            account = job.account_id if job.account_id != self._config.account_id else "test"
            return {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "test"}
        if roles.job_role is None:
            return {}
        if reaches:
            return self.credentials.open(roles.task_id, roles.job_role)
        made = issue(roles.job_role, roles.task_id)
        return {
            "AWS_ACCESS_KEY_ID": made.access_key_id,
            "AWS_SECRET_ACCESS_KEY": made.secret_access_key,
            "AWS_SESSION_TOKEN": made.session_token,
        }

    def folder_for(self, image: str) -> Path:
        """Return the folder in which an image's jobs run.

        Raises:
            StartError: The configuration names none.
        """
        folder = images.entry_for(image, self._config.images)
        if folder is not None:
            return folder
        where = self._config.source or "the file given with --config"
        raise StartError(
            f"CannotPullContainerError: no container engine here has {image}, and local AWS knows no folder for it;"
            f" add '{images.short_name(image)}: <folder>' under local.images in {where}"
        )


def _note(container: Container) -> str:
    gpus = requirement(container.properties, "GPU")
    return f"(local AWS: the container asks for {gpus:g} GPU, and gets none on this machine)" if gpus else ""


def _has(engine: ContainerEngine, image: str) -> bool:
    try:
        return engine.has_image(image)
    except EngineError as error:  # its definition's settings must not be dropped because of that
        raise StartError(f"CannotInspectContainerError: {error}") from error


def _container(
    engine: ContainerEngine, launch: _Launch, container: Container, variables: dict[str, str]
) -> ContainerRun:
    properties, job = container.properties, launch.roles.job
    fargate = "FARGATE" in job.record["platformCapabilities"]
    asked = flags.of(properties, launch.sources, engine.limits, fargate=fargate, swappiness=engine.cgroups != "v2")
    words = [properties["image"], *properties["command"]]
    name = f"batchtab-local-{launch.roles.task_id}"
    if len(launch.task.containers) > 1:
        name += f"-{launch.task.containers.index(container)}"
    return ContainerRun(engine, name, [*leftovers.flags(job.id), *asked], words, variables, launch.child_processes)


def batch_variables(job: Job, attempt: int, environment_name: str) -> dict[str, str]:
    """Return the variables that Batch sets.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    variables = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        "AWS_BATCH_JQ_NAME": name_of(job.record["jobQueue"]),
        "AWS_BATCH_CE_NAME": environment_name,
    }
    if job.parent is not None:
        variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.record["arrayProperties"]["index"])
        variables["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.parent.record["arrayProperties"]["size"])
    if job.node_of is not None:
        properties, details = job.node_of.record["nodeProperties"], job.record["nodeDetails"]
        variables["AWS_BATCH_JOB_NUM_NODES"] = str(properties["numNodes"])
        variables["AWS_BATCH_JOB_NODE_INDEX"] = str(details["nodeIndex"])
        variables["AWS_BATCH_JOB_MAIN_NODE_INDEX"] = str(properties["mainNode"])
        if not details["isMainNode"]:  # all nodes are on this machine
            variables["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = "127.0.0.1"
    return variables
