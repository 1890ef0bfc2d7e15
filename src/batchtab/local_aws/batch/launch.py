from __future__ import annotations

import os
import sys
from pathlib import Path

from batchtab.local_aws import permissions
from batchtab.local_aws.batch import images, secrets
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.process import ProcessRun
from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.run import Run, StartError
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.config import Config
from batchtab.local_aws.containers import flags, leftovers
from batchtab.local_aws.containers.choice import ChoiceOfEngine
from batchtab.local_aws.containers.client import EngineError
from batchtab.local_aws.containers.engine import ContainerEngine
from batchtab.local_aws.containers.run import ContainerRun
from batchtab.local_aws.credentials import TaskCredentials, issue


class Launcher:
    """Turns an attempt into a container or a process, with the environment that Batch would give it."""

    def __init__(self, config: Config, port: int, home: Path, path: str, containers: ChoiceOfEngine) -> None:
        self._config = config
        self._port = port
        self._home = home
        self._path = os.pathsep.join([str(Path(sys.executable).parent), path])
        self._containers = containers
        self.credentials = TaskCredentials(port)

    def prepare(
        self, job: Job, attempt: int, environment_name: str, roles: TaskRoles, child_processes: ChildProcesses
    ) -> Run:
        """Say how an attempt runs: as a container where an engine is used and has the image, else as a process.

        Raises:
            StartError: A secret is missing or may not be read, there is neither an image nor a folder for it, or the
                engine does not say whether it has the image.
        """
        engine = self._containers.engine
        image = job.record["container"]["image"]
        if engine is not None and _has(engine, image):
            variables = self._variables(job, attempt, environment_name, roles, engine.endpoint(self._port))
            return _container(engine, job, roles.task_id, variables, child_processes)
        variables = self._variables(job, attempt, environment_name, roles, self._own_endpoint)
        folder = self.folder_for(image)
        command = job.record["container"]["command"]
        if not command:
            raise StartError(
                f"CannotStartContainerError: the definition has no command, and local AWS runs {image} as a process,"
                " which has no default command; give the definition a command"
            )
        words = [*(images.entry_for(image, self._config.entrypoints) or []), *command]
        own = {"PATH": self._path, "HOME": str(self._home), "LANG": "C.UTF-8"}
        return ProcessRun(words, folder, own | variables, child_processes)

    @property
    def _own_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _variables(
        self, job: Job, attempt: int, environment_name: str, roles: TaskRoles, endpoint: str
    ) -> dict[str, str]:
        """A job's environment: what Batch sets wins over secrets, those over the definition's, that over the rest."""
        try:
            roles.check_image(job.record["container"]["image"])
            secret_values = secrets.resolve(job, roles)
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
            **{entry["name"]: entry.get("value", "") for entry in job.record["container"]["environment"]},
            **secret_values,
            **batch_variables(job, attempt, environment_name),
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


def _has(engine: ContainerEngine, image: str) -> bool:
    try:
        return engine.has_image(image)
    except EngineError as error:  # what its definition asks for is not to be dropped because of that
        raise StartError(f"CannotInspectContainerError: {error}") from error


def _container(
    engine: ContainerEngine, job: Job, task_id: str, variables: dict[str, str], child_processes: ChildProcesses
) -> ContainerRun:
    properties = job.record["container"]
    fargate = "FARGATE" in job.record["platformCapabilities"]
    asked = flags.of(properties, engine.limits, fargate=fargate, swappiness=engine.cgroups != "v2")
    words = [properties["image"], *properties["command"]]
    name = f"batchtab-local-{task_id}"
    return ContainerRun(engine, name, [*leftovers.flags(job.id), *asked], words, variables, child_processes)


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
    return variables
