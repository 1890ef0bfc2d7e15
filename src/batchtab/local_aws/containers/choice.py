"""Which container engine local AWS uses, and why none."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable

from batchtab.local_aws.containers.engine import LIMITS, NAMES, ContainerEngine
from batchtab.local_aws.errors import UserError

logger = logging.getLogger("batchtab.local_aws.containers")

AUTO, NONE = "auto", "none"
WANTED = (AUTO, *NAMES, NONE)

_ANSWER_SECONDS = 15
_DOCKERS = "{{.ServerVersion}}|{{.CgroupVersion}}|{{.SecurityOptions}}"
_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z0-9+.-]+)://)?(?:[^@/]*@)?(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)?([:/].*)?", re.I)
_SOCKETS = ("unix", "npipe", "fd")
_OTHERS_LOOPBACK = "its containers can't reach 127.0.0.1 of this machine"
_FORMATS = {
    "docker": f"{_DOCKERS}||{{{{.OperatingSystem}}}}",
    "podman": "{{.Version.Version}}|{{.Host.CgroupsVersion}}||{{.Host.CgroupControllers}}|{{.Host.ServiceIsRemote}}",
    "nerdctl": _DOCKERS,
    "finch": _DOCKERS,
}


class ChoiceOfEngine:
    """The engine, chosen once: asking a machine's engines takes a moment, in which local AWS starts already."""

    def __init__(self, wanted: str, environment: dict[str, str], where: str = "container_engine") -> None:
        self._wanted = wanted
        self._environment = environment
        self._where = where
        self._engine: ContainerEngine | None = None
        self._said = "Jobs run as processes: the engines of this machine could not be asked"
        self._known = threading.Event()

    def require(self) -> None:
        """Ask an engine that is wanted by name at once.

        Raises:
            UserError: It does not answer.
        """
        if self._wanted in NAMES:
            self._choose()

    def start(self, then: Callable[[ChoiceOfEngine], None]) -> None:
        """Choose in the background, and call back."""

        def choose() -> None:
            try:
                if not self._known.is_set():
                    self._choose()
            except Exception:  # jobs run as processes then, as `said` says
                logger.exception("the container engines of this machine could not be asked")
            then(self)

        threading.Thread(target=choose, name="container-engine", daemon=True).start()

    @property
    def engine(self) -> ContainerEngine | None:
        """The engine, once it is known; None if jobs run as processes."""
        self._known.wait()
        return self._engine

    @property
    def said(self) -> str:
        """One line for people: which engine is used, or why none is."""
        self._known.wait()
        return self._said

    def _choose(self) -> None:
        try:
            self._ask_all()
        finally:  # whoever waits for the answer must not wait for ever
            self._known.set()

    def _ask_all(self) -> None:
        """Ask the engines of this machine, one after another, until one answers."""
        names = {AUTO: NAMES, NONE: ()}.get(self._wanted, (self._wanted,))
        reasons: list[str] = []
        for name in names:
            answer = self._ask(name)
            if isinstance(answer, ContainerEngine):
                self._engine = answer
                self._said = (
                    f"Jobs run as containers of {name} {answer.version} where it has their image, others as processes"
                )
                if missing := LIMITS - answer.limits:
                    self._said += f"; {name} can't limit {' and '.join(sorted(missing))} here"
                break
            reasons.append(answer)
        else:
            if self._wanted in NAMES:
                raise UserError(
                    f"{self._where}: {reasons[0]}; start it, or write {AUTO} (the first of {', '.join(NAMES)} that"
                    f" answers) or {NONE} (jobs run as processes)"
                )
            self._said = f"Jobs run as processes: {'; '.join(reasons) or f'{self._where} is {NONE}'}"

    def _ask(self, name: str) -> ContainerEngine | str:
        program = shutil.which(name, path=self._environment.get("PATH"))
        if program is None:
            return f"{name} is not installed"
        if place := _elsewhere(self._address(name, program)):
            return f"{name} runs elsewhere ({place}), and {_OTHERS_LOOPBACK}"
        done = self._call(program, "info", "--format", _FORMATS[name])
        version, cgroups, security, controllers, place, *_ = [*done.split("|"), "", "", "", ""]
        if not version:
            return f"{name} does not answer"
        if sys.platform == "linux":  # elsewhere a machine of their own is expected, and has a name for this one
            if "rootless" in security:
                return f"{name} runs rootless, and its containers can't reach 127.0.0.1"
            if place == "Docker Desktop":
                return f"{name} is Docker Desktop, which runs a machine of its own, and {_OTHERS_LOOPBACK}"
            if place == "true":
                return f"{name} only asks a service, which may run elsewhere, and then {_OTHERS_LOOPBACK}"
        return ContainerEngine(
            name,
            program,
            self._environment,
            version=version,
            cgroups=f"v{cgroups.removeprefix('v')}" if cgroups else "",
            controllers=frozenset(controllers.strip("[]").split()) if name == "podman" else None,
        )

    def _address(self, name: str, program: str) -> str:
        """Where a client finds its engine, as far as that is a matter of settings; nothing where it is not."""
        if name == "docker":  # the contexts that it may have been pointed at are known to itself only
            return self._environment.get("DOCKER_HOST") or self._call(
                program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
            )
        return self._environment.get("CONTAINER_HOST", "") if name == "podman" else ""

    def _call(self, *command: str) -> str:
        """What a client says; nothing if it fails."""
        try:
            done = subprocess.run(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ANSWER_SECONDS,
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return "" if done.returncode else done.stdout.strip()


def _elsewhere(address: str) -> str:
    """Which other machine an address leads to, without a password; nothing if it leads to none.

    The engine of a Mac is in a machine of its own, to which a tunnel may lead.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not found["host"] or found["scheme"] in _SOCKETS:
        return ""
    if sys.platform != "linux" and found["host"] in ("127.0.0.1", "[::1]", "localhost"):
        return ""
    return f"{found['scheme'] or 'tcp'}://{found['host']}"
