from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from batchtab.local_aws import permissions
from batchtab.local_aws.batch import images, secrets
from batchtab.local_aws.batch.docker import Docker
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.config import Config
from batchtab.local_aws.credentials import TaskCredentials, issue


class LaunchError(Exception):
    """An attempt cannot start; the text is the reason that AWS gives, as far as AWS has one."""


@dataclass(frozen=True)
class Launch:
    """How an attempt runs: as a container (then `container` is its name), or as a process in a folder."""

    command: list[str]
    folder: Path
    environment: dict[str, str]
    container: str | None = None


class Launcher:
    """Turns an attempt into a command, its folder and the environment that Batch would give it."""

    def __init__(self, config: Config, port: int, home: Path, path: str, docker: Docker) -> None:
        self._config = config
        self._port = port
        self._home = home
        self._path = os.pathsep.join([str(Path(sys.executable).parent), path])
        self._docker = docker
        self.credentials = TaskCredentials(port)

    @property
    def docker(self) -> Docker:
        """The Docker engine, which may not be there."""
        return self._docker

    def prepare(self, job: Job, attempt: int, environment_name: str, roles: TaskRoles) -> Launch:
        """Say how an attempt runs.

        Raises:
            LaunchError: A secret is missing or may not be read, or there is neither an image nor a folder for it.
        """
        properties = job.record["container"]
        try:
            secret_values = secrets.resolve(job, roles)
        except (secrets.SecretError, RoleError) as error:
            raise LaunchError(
                f"ResourceInitializationError: unable to pull secrets or registry auth: {error}"
            ) from error
        variables = {entry["name"]: entry.get("value", "") for entry in properties["environment"]}
        variables |= secret_values | batch_variables(job, attempt, environment_name)
        endpoint = f"http://127.0.0.1:{self._port}"
        variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": job.region,
            "AWS_DEFAULT_REGION": job.region,
            "AWS_EC2_METADATA_DISABLED": "true",  # this machine's own role, should it have one, is not the job's
            "LANG": "C.UTF-8",
        } | variables
        image = properties["image"]
        as_container = self._docker.has_image(image)
        if as_container:
            variables["AWS_ENDPOINT_URL"] = self._docker.endpoint(self._port)
        variables = self._credentials(job, roles, reaches=variables["AWS_ENDPOINT_URL"] == endpoint) | variables
        if as_container:
            name = f"batchtab-local-{roles.task_id}"
            command = self._docker.run_command(name, properties, variables)
            return Launch(command, self._home, {**self._docker.environment, **variables}, name)
        folder = self.folder_for(image)
        if not properties["command"]:
            raise LaunchError(
                f"CannotStartContainerError: the definition has no command, and local AWS runs {image} as a process,"
                " which has no default command; give the definition a command"
            )
        entrypoint = images.entry_for(image, self._config.entrypoints) or []
        command = [*entrypoint, *properties["command"]]
        return Launch(command, folder, {"PATH": self._path, "HOME": str(self._home)} | variables)

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
            LaunchError: The configuration names none.
        """
        folder = images.entry_for(image, self._config.images)
        if folder is not None:
            return folder
        where = self._config.source or "the file given with --config"
        raise LaunchError(
            f"CannotPullContainerError: {image} is in no Docker engine here, and local AWS knows no folder for it;"
            f" add '{images.short_name(image)}: <folder>' under local.images in {where}"
        )


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
