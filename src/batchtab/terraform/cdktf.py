"""The cdktf CLI: deploys and destroys a stage's stacks, in the order in which they read from each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from batchtab import frameworks
from batchtab.errors import UsageError
from batchtab.terraform.log import BUSY, first_error, plain
from batchtab.terraform.processes import run
from batchtab.terraform.session import Session

_DONE = re.compile(r"(?:Creation|Destruction|Modifications) complete")
_SPINNER = re.compile(r"^\S* ?(Synthesizing|Starting)$")
_NODE_OPTIONS = "--no-deprecation --max-old-space-size=4096"  # the cdktf CLI warns where it finds no size


class Cdktf:
    """The cdktf CLI of a project, for one stage.

    Stacks read each other's outputs from the remote state, and cdktf is not told so: it would refuse to deploy one
    stack alone. So they go in waves; only the first one synthesizes.
    """

    def __init__(self, session: Session, log: Path, before: Callable[[list[str]], object] = lambda _wave: None) -> None:
        """Takes what is to be done before each wave that is deployed.

        Args:
            session: The stage.
            log: Where all that the CLI says is written.
            before: Is told the wave's stacks.
        """
        self._session = session
        self._log = log
        self._before = before
        self._cli = session.state / "bin" / "cdktf"

    def deploy(self, on_event: Callable[[str], object]) -> None:
        """Deploys all stacks.

        Raises:
            UsageError: it failed; all that it said is in the log.
        """
        self._run("deploy", self._session.waves(), on_event)

    def destroy(self, on_event: Callable[[str], object]) -> None:
        """Destroys all stacks, the last first.

        Raises:
            UsageError: it failed.
        """
        self._run("destroy", self._session.waves()[::-1], on_event)

    def _run(self, verb: str, waves: list[list[str]], on_event: Callable[[str], object]) -> None:
        if not self._cli.exists():
            raise UsageError("the cdktf CLI is not installed in this project", "batchtab setup")
        frameworks.choose()
        self._log.write_bytes(b"")
        done = 0

        def on_line(raw: str) -> None:
            nonlocal done
            line = plain(raw).strip()
            done += bool(_DONE.search(line))
            if _SPINNER.match(line):
                on_event("synthesizing")
            elif busy := BUSY.search(line):
                on_event(f"{done} resources done, now {busy[1]}")

        for number, stacks in enumerate(waves):
            if verb == "deploy":
                self._before(stacks)
            options = ["--auto-approve", "--skip-provider-lock", *(["--skip-synth"] if number else [])]
            code = run(
                [self._session.state / "bin" / "node", self._cli, verb, *stacks, *options],
                cwd=self._session.root,
                env={**self._session.environment(), "NODE_OPTIONS": _NODE_OPTIONS},
                log=self._log,
                on_line=on_line,
            )
            if code:
                hint = f"all that it said is in {self._log.relative_to(self._session.root)}"
                raise UsageError(f"{verb} of {', '.join(stacks)} failed: {first_error(self._log)}", hint)
