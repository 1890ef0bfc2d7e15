"""The seam to container engines: what local AWS asks of one, in the words of Docker's command line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.containers import variables as handed
from batchtab.local_aws.containers.client import Client, EngineError

NAMES = ("docker", "podman", "nerdctl", "finch")
LIMITS = frozenset({"cpu", "memory"})

_ENDED = ("exited", "stopped", "dead")  # neither is one that is being stopped or removed
_CREATE_SECONDS = 180  # engines that copy an image for each container take their time where many start at once
_WAIT_SECONDS = 15.0  # an engine that went away in between may never answer a client that waits
_IMAGES_KNOWN_SECONDS = 3.0
_NOT_RUNNING = re.compile(r"container (\S+ )?is not running|only kill running|state improper", re.IGNORECASE)


@dataclass(frozen=True)
class State:
    """What an engine says of a container that was started."""

    running: bool
    exit_code: int
    out_of_memory: bool
    stop_signal: str


class ContainerEngine:
    """One engine of this machine. Each call is a short-lived client, but for `follow` and `wait`.

    Exit codes of containers are never taken from a client: `docker run` can lose them.

    Attributes:
        name: docker, podman, nerdctl or finch.
        version: As the engine says.
        cgroups: v1 or v2 where the engine says so, else nothing.
        limits: Which of cpu and memory it can limit. Podman without root often can't, and refuses what asks for it.
    """

    def __init__(
        self,
        name: str,
        program: str,
        environment: dict[str, str],
        *,
        version: str = "",
        cgroups: str = "",
        controllers: frozenset[str] | None = None,
    ) -> None:
        self.name = name
        self.program = program
        self.version = version
        self.cgroups = cgroups
        self.limits = LIMITS if controllers is None else LIMITS & controllers
        self._client = Client(name, program, environment)
        self._environment = environment
        self._lock = threading.Lock()
        self._images: dict[str, tuple[float, bool | EngineError]] = {}

    def endpoint(self, port: int) -> str:
        """Where a container finds local AWS: the machine's loopback, which only Linux shares with containers."""
        host = "127.0.0.1" if sys.platform == "linux" else "host.docker.internal"
        return f"http://{host}:{port}"

    def has_image(self, image: str) -> bool:
        """Whether the engine has an image, as it was at most three seconds ago; never pulls one.

        Raises:
            EngineError: It does not answer.
        """
        with self._lock:
            asked, found = self._images.get(image, (0.0, False))
            if not asked or time.monotonic() - asked > _IMAGES_KNOWN_SECONDS:
                try:
                    found = self._client.ask("image", "inspect", image).returncode == 0
                except EngineError as error:  # kept too: whoever waits here is not to wait as long once more
                    found = error
                self._images[image] = (time.monotonic(), found)
        if isinstance(found, EngineError):
            raise EngineError(str(found))
        return found

    def create(
        self,
        name: str,
        flags: list[str],
        words: list[str],
        variables: dict[str, str],
        child_processes: ChildProcesses | None = None,
    ) -> None:
        """Make a container, without starting it. Values of variables are on no command line.

        Args:
            name: Its name.
            flags: What the job's definition asks for.
            words: The image, and the command that replaces the image's own.
            variables: The job's environment.
            child_processes: Who ends the client if local AWS ends, so that it makes no container afterwards. Other
                clients end by themselves when their container is removed.

        Raises:
            EngineError: The engine refuses.
        """
        with handed.over(variables, self._environment) as (more, environment):
            own = ["--name", name, "--pull", "never", "--network", "host", "--stop-timeout", "0"]
            # Another driver than a file may be the engine's default, and may keep nothing to be read.
            own += ["--log-driver", "k8s-file" if self.name == "podman" else "json-file"]
            if self.name == "podman":
                own.append("--http-proxy=false")  # this machine's proxy is none of a job's business
                if "--read-only" in flags:
                    own.append("--read-only-tmpfs=false")  # Batch gives no writable /tmp that was not asked for
            command = ["create", *own, *flags, *more, *words]
            self._client.check(
                self._client.call(
                    *command, environment=environment, seconds=_CREATE_SECONDS, child_processes=child_processes
                )
            )

    def start(self, name: str) -> None:
        """Start a container that was created.

        Raises:
            EngineError: It can't start: there is no such program in the image, for example.
        """
        self._client.check(self._client.call("start", name, seconds=_CREATE_SECONDS))

    def follow(self, name: str) -> subprocess.Popen[bytes]:
        """Read a container's output from its begin; the client ends some time after the container."""
        return self._client.start("logs", "--follow", name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def logs(self, name: str) -> subprocess.Popen[bytes]:
        """Read what a container has written, and end."""
        return self._client.start("logs", name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait(self, name: str) -> None:
        """Return when a container has ended, or after a while, or when the engine can't say."""
        self._client.call("wait", name, seconds=_WAIT_SECONDS)

    def state(self, name: str) -> State | None:
        """How a container is; None if there is none of that name.

        Raises:
            EngineError: The engine does not answer.
        """
        found = self._inspect([name])
        if not found:
            return None
        state = found[0]["State"]
        asked = (found[0].get("Config") or {}).get("StopSignal") or signal.SIGTERM.value
        return State(
            running=bool(state.get("Running")) or state.get("Status", "exited") not in _ENDED,
            exit_code=int(state["ExitCode"]),
            out_of_memory=self._is_out_of_memory(state),
            stop_signal=str(asked),
        )

    def signal(self, name: str, number: str) -> bool:
        """Send a container's first process a signal, by name or number; whether there was one to send it to.

        Raises:
            EngineError: The engine does not answer.
        """
        return self._client.ask("kill", "--signal", number, name, also=_NOT_RUNNING).returncode == 0

    def remove(self, *names: str) -> None:
        """Remove containers and their own volumes, running or not; those that are gone already do no harm.

        Raises:
            EngineError: The engine does not answer, or can't.
        """
        self._client.ask("rm", "--force", "--volumes", *names)

    def labelled(self, label: str) -> dict[str, dict[str, str]]:
        """The containers with a label, `name` or `name=value`: id to all labels of each.

        Raises:
            EngineError: The engine does not answer.
        """
        ids = self._client.ask("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").stdout.split()
        return {str(one["Id"]): (one.get("Config") or {}).get("Labels") or {} for one in self._inspect(ids)}

    def _is_out_of_memory(self, state: dict[str, Any]) -> bool:
        if state.get("OOMKilled"):
            return True
        # There Podman does not notice. What local AWS has killed itself is known to be no such case.
        return self.name == "podman" and self.cgroups == "v1" and state["ExitCode"] == 128 + signal.SIGKILL

    def _inspect(self, names: list[str]) -> list[dict[str, Any]]:
        if not names:
            return []
        done = self._client.ask("container", "inspect", *names)
        try:
            found = json.loads(done.stdout.strip() or "[]")
        except ValueError as error:
            raise EngineError(f"{self.name} said of {names[0]} what is no JSON: {error}") from error
        if not isinstance(found, list) or (not found and not done.returncode):
            raise EngineError(f"{self.name} said nothing of {names[0]}")
        return found
