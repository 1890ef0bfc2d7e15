"""A job as a container, where a Docker engine answers and holds the image."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from typing import Any

from batchtab.local_aws.batch.sizes import requirement

_ANSWER_SECONDS = 10


class Docker:
    """The Docker engine of this machine, through its command line; asked once whether it is there."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._program = shutil.which("docker", path=environment.get("PATH"))
        self._lock = threading.Lock()
        self._answers: bool | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment for its command line: that of local AWS, so that DOCKER_HOST and contexts hold."""
        return self._environment

    def has_image(self, image: str) -> bool:
        """Whether the engine answers and holds an image; never pulls one."""
        with self._lock:
            if self._answers is None:
                self._answers = self._succeeds("version", "--format", "{{.Server.Version}}")
        return self._answers and self._succeeds("image", "inspect", "--format", "{{.Id}}", image)

    def run_command(self, name: str, properties: dict[str, Any], variables: dict[str, str]) -> list[str]:
        """Return the command line that runs a job's container in the foreground.

        Values of variables are handed over through the environment of the command, so that they stay out of listings.
        """
        program = self._program or "docker"
        command = [program, "run", "--rm", "--name", name, "--network", "host"]
        for variable in sorted(variables):
            command += ["--env", variable]
        vcpus, memory = requirement(properties, "VCPU"), requirement(properties, "MEMORY")
        if vcpus:
            command += ["--cpus", f"{vcpus:g}"]
        if memory:
            command += ["--memory", f"{int(memory)}m"]
        if properties.get("user"):
            command += ["--user", properties["user"]]
        if properties.get("readonlyRootFilesystem"):
            command += ["--read-only"]
        if (properties.get("linuxParameters") or {}).get("initProcessEnabled"):
            command += ["--init"]
        return [*command, properties["image"], *properties["command"]]

    def endpoint(self, port: int) -> str:
        """Return where a container finds local AWS: the machine's loopback, which only Linux shares with containers."""
        host = "127.0.0.1" if sys.platform == "linux" else "host.docker.internal"
        return f"http://{host}:{port}"

    def kill(self, name: str) -> None:
        """Remove a container, running or not."""
        self._succeeds("rm", "--force", name)

    def _succeeds(self, *arguments: str) -> bool:
        if self._program is None:
            return False
        try:
            done = subprocess.run(
                [self._program, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0
