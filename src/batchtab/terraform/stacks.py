"""Synthesizes, plans and applies a stage's stacks, with Terraform."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from batchtab import frameworks
from batchtab.errors import UsageError
from batchtab.terraform.command import failure, terraform
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.log import BUSY, plain
from batchtab.terraform.placeholders import Inputs, folder_with
from batchtab.terraform.processes import in_parallel, run
from batchtab.terraform.providers import Providers
from batchtab.terraform.session import Session

OnEvent = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What Terraform would change in one stack.

    Attributes:
        configuration: A hash of what was planned, inputs included.
        provisional: Whether placeholders were in it.
    """

    stack: str
    changes: bool
    summary: str
    file: Path
    configuration: str
    provisional: bool = False
    _content: list[dict[str, Any]] = field(default_factory=list, repr=False, compare=False)


class Stacks(AbstractContextManager["Stacks"]):
    """A stage's stacks in `cdktf.out`. Its end is the end of the processes that it keeps."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._out = session.root / "cdktf.out" / "stacks"
        self.log = session.state / "terraform.log"
        self.providers = Providers(session, self.log)

    def __enter__(self) -> Self:
        self.log.write_bytes(b"")
        for killed in self.log.parent.glob(f"{self.log.stem}-*.log"):  # of stacks that may be gone
            killed.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.providers.close()
        shutil.rmtree(self._session.state / "placeholders", ignore_errors=True)  # they have the values of outputs

    def failure_text(self) -> str:
        """All that Terraform said of its failures and of what it applied, in this command."""
        return plain(self.log.read_text(errors="replace"))

    def synthesize(self, out: Path | None = None) -> None:
        """Writes the stacks.

        Args:
            out: The folder; by default `cdktf.out`.

        Raises:
            UsageError: the synth failed.
        """
        frameworks.choose()
        out = out or self._session.root / "cdktf.out"
        out.parent.mkdir(parents=True, exist_ok=True)  # the framework makes the last folder only
        environment = {**self._session.environment(), "CDKTF_OUTDIR": str(out)}
        shutil.rmtree(out / "stacks", ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=self._session.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or [f"main.py ended with status {done.returncode}"]
            raise UsageError(f"synth failed: {said[-1]}")

    def waves(self) -> list[list[Configuration]]:
        """What was synthesized; the stacks of a wave read only from earlier waves."""
        return [[self._configuration(stack) for stack in wave] for wave in self._session.waves()]

    def plan(
        self, wanted: Sequence[Configuration], inputs: Inputs, on_event: OnEvent, *, lock: bool = True
    ) -> list[Plan]:
        """Plans stacks against what is deployed, several at once.

        Args:
            wanted: The stacks.
            inputs: What they read from each other.
            on_event: Is called with the stack that is begun with, and the share that is done.
            lock: Whether to take the state's lock, which needs the right to write it.

        Raises:
            UsageError: a plan failed.
        """
        return self._at_once(wanted, lambda stack, _at: self._plan(stack, inputs, lock=lock), on_event)

    def show(self, plan: Plan) -> dict[str, Any]:
        """A plan as `terraform show -json` prints it. It has sensitive values.

        Raises:
            UsageError: Terraform cannot read it.
        """
        if not plan._content:
            stack = self._configuration(plan.stack)
            self.providers.prepare([stack])
            with self.providers.slot(stack, plan.file.parent) as environment:
                arguments = ("show", "-json", plan.file.name)
                _, text = terraform(
                    self._session, self.log, plan.file.parent, environment, *arguments, output_only=True
                )
            content: dict[str, Any] = json.loads(text)
            plan._content.append(content | ({"batchtab_provisional": True} if plan.provisional else {}))
        return plan._content[0]

    def shown(self, plans: Sequence[Plan]) -> list[dict[str, Any]]:
        """Plans as `show` gives them, several read at once.

        Raises:
            UsageError: Terraform cannot read one.
        """
        self.providers.prepare([self._configuration(plan.stack) for plan in plans], to_read=True)
        return in_parallel(self.providers.at_once, self.show, plans)

    def hash_of_written(self, plan: Plan, replaced: Mapping[str, str]) -> str:
        """A hash of what was synthesized of a plan's stack, whatever it was planned with.

        Args:
            plan: The plan.
            replaced: Texts that do not count, and what counts instead.
        """
        return self._configuration(plan.stack).hash_of_written(replaced)

    def apply(self, plans: Sequence[Plan], on_event: OnEvent, *, done: Callable[[Plan], None]) -> list[str | None]:
        """Does what plans say, and nothing else, several at once. What one of them fails at stops no other.

        Args:
            plans: The plans.
            on_event: Is called with what is being done.
            done: Is called with each plan that was applied, when it was.

        Returns:
            For each plan what went wrong; None where nothing did.
        """

        def apply(plan: Plan, at: OnEvent) -> str | None:
            try:
                self._change(self._configuration(plan.stack), plan.file.parent, at, "apply", plan.file.name)
            except UsageError as error:
                return error.message
            done(plan)
            return None

        return self._at_once(plans, apply, on_event)

    def destroy(self, stacks: Sequence[Configuration], on_event: OnEvent) -> None:
        """Destroys stacks that do not read from each other, several at once.

        Args:
            stacks: The stacks.
            on_event: Is called with what is being done.

        Raises:
            UsageError: one of them failed; none is begun with after it.
        """
        self._at_once(
            stacks, lambda stack, at: self._change(stack, stack.folder, at, "destroy", "-auto-approve"), on_event
        )

    def _at_once(self, things: Sequence[Any], do: Callable[[Any, OnEvent], Any], on_event: OnEvent) -> list[Any]:
        self.providers.prepare([self._configuration(thing.stack) for thing in things])
        done = 0

        def at(what: str) -> None:
            on_event(f"{done} of {len(things)} done, {what}")

        def one(thing: Any) -> Any:
            nonlocal done
            at(thing.stack)
            result = do(thing, at)
            done += 1
            return result

        return in_parallel(self.providers.at_once, one, things)

    def _plan(self, stack: Configuration, inputs: Inputs, *, lock: bool) -> Plan:
        folder = folder_with(stack, inputs, self._session)
        file = folder / "plan"
        with self.providers.slot(stack, folder) as environment:
            locking = () if lock else ("-lock=false",)
            arguments = ("plan", "-input=false", "-detailed-exitcode", *locking, f"-out={file.name}")
            code, text = terraform(self._session, self.log, folder, environment, *arguments, accept=(0, 2))
        summary = re.search(r"^(Plan: .+|Changes to Outputs:)$", text, re.MULTILINE)
        return Plan(
            stack.stack,
            code != 0,
            summary[1] if summary else "No changes.",
            file,
            stack.hash(inputs.values()),
            bool(inputs.missing(stack)),
        )

    def _change(self, stack: Configuration, folder: Path, on_event: OnEvent, command: str, *arguments: str) -> None:
        """Has Terraform apply or destroy; what it says goes to the log when it is done, for several run at once."""
        log = self.log.with_name(f"terraform-{stack.stack}.log")
        log.write_bytes(b"")
        try:
            with self.providers.slot(stack, folder) as environment:
                code = run(
                    [self._session.terraform, command, "-no-color", "-input=false", *arguments],
                    cwd=folder,
                    env=environment,
                    log=log,
                    on_line=lambda line: on_event(f"{stack.stack}: {busy[1]}") if (busy := BUSY.search(line)) else None,
                )
        finally:
            said = log.read_text(errors="replace")
            with self.log.open("a") as whole:
                whole.write(said)
            log.unlink()
        if code:
            raise failure(self._session, self.log, f"{command} of {stack.stack}", said)

    def _configuration(self, stack: str) -> Configuration:
        return Configuration(self._out / stack)
