"""Which container engine local AWS uses, and why none."""

from __future__ import annotations

import logging
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
_FORMATS = {
    "docker": _DOCKERS,
    "podman": "{{.Version.Version}}|{{.Host.CgroupsVersion}}||{{.Host.CgroupControllers}}",
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
        try:
            done = subprocess.run(
                [program, "info", "--format", _FORMATS[name]],
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
            return f"{name} does not answer"
        version, cgroups, security, controllers, *_ = [*done.stdout.strip().split("|"), "", "", ""]
        if done.returncode or not version:
            return f"{name} does not answer"
        if "rootless" in security and sys.platform == "linux":
            return f"{name} runs rootless, and its containers can't reach 127.0.0.1"
        return ContainerEngine(
            name,
            program,
            self._environment,
            version=version,
            cgroups=f"v{cgroups.removeprefix('v')}" if cgroups else "",
            controllers=frozenset(controllers.strip("[]").split()) if name == "podman" else None,
        )
