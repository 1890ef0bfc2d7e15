"""The cdktf CLI: deploys and destroys a stage's stacks, in the order in which they read from each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.terraform.log import BUSY, first_error, plain
from batchtab.terraform.processes import run
from batchtab.terraform.session import Session

_DONE = re.compile(r"(?:Creation|Destruction|Modifications) complete")
_NODE_OPTIONS = "--no-deprecation --max-old-space-size=4096"  # the cdktf CLI warns where it finds no size


class Cdktf:
    """The cdktf CLI of a project, for one stage.

    Stacks read each other's outputs from the remote state, and cdktf does not know of it: it would refuse to deploy
    one stack alone. So they go in waves, of what was synthesized before.
    """

    def __init__(self, session: Session, log: Path, variables: Mapping[str, str]) -> None:
        """Begins a log.

        Args:
            session: The stage.
            log: Where all that the CLI says is written.
            variables: Further environment variables. With a running provider in them, stacks go one after another.
        """
        self._session = session
        self._log = log
        self._environment = {**session.environment(), "NODE_OPTIONS": _NODE_OPTIONS, **variables}
        self._options = ["--auto-approve", "--skip-provider-lock", "--skip-synth"]
        if variables:
            self._options += ["--parallelism", "1"]
        self._cli = session.state / "bin" / "cdktf"
        self._done = 0
        if not self._cli.exists():
            raise UsageError("the cdktf CLI is not installed in this project", "batchtab setup")
        log.write_bytes(b"")

    def deploy(self, stacks: list[str], on_event: Callable[[str], object]) -> None:
        """Deploys stacks that do not read from each other.

        Raises:
            UsageError: it failed; all that it said is in the log.
        """
        self._run("deploy", stacks, on_event)

    def destroy(self, stacks: list[str], on_event: Callable[[str], object]) -> None:
        """Destroys stacks that do not read from each other.

        Raises:
            UsageError: it failed.
        """
        self._run("destroy", stacks, on_event)

    def _run(self, verb: str, stacks: list[str], on_event: Callable[[str], object]) -> None:
        def on_line(raw: str) -> None:
            line = plain(raw).strip()
            self._done += bool(_DONE.search(line))
            if busy := BUSY.search(line):
                on_event(f"{self._done} resources done, now {busy[1]}")

        code = run(
            [self._session.state / "bin" / "node", self._cli, verb, *stacks, *self._options],
            cwd=self._session.root,
            env=self._environment,
            log=self._log,
            on_line=on_line,
        )
        if code:
            hint = f"all that it said is in {self._log.relative_to(self._session.root)}"
            raise UsageError(f"{verb} of {', '.join(stacks)} failed: {first_error(self._log)}", hint)
