"""Synthesizes, plans and applies a stage's stacks, with Terraform."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from batchtab import frameworks
from batchtab.errors import UsageError
from batchtab.terraform import provisional_plan
from batchtab.terraform.log import BUSY, first_error, plain
from batchtab.terraform.processes import capture, run
from batchtab.terraform.session import Session

_INPUTS = ("main.py", "cdktf.json", "config", "jobs")
_PACKAGE = Path(__file__).resolve().parents[1]
_TOOL = (_PACKAGE, _PACKAGE.parents[1] / "lambda")  # the tool itself; in a checkout its functions are beside it


@dataclass(frozen=True)
class Plan:
    """What Terraform would change in one stack."""

    stack: str
    changes: bool
    summary: str
    file: Path
    provisional: bool = False


class Stacks:
    """A stage's stacks in `cdktf.out`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._out = session.root / "cdktf.out" / "stacks"
        self.log = session.state / "terraform.log"
        self._deployed = session.state / f"deployed-{session.catalog.stage.name}.json"

    def fingerprint(self) -> str:
        """A hash of all that a synth reads, to tell whether a deployment would find anything new."""
        digest = hashlib.sha256()
        for path in (*(self._session.root / name for name in _INPUTS), *_TOOL):
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            for file in files:
                if "__pycache__" not in file.parts:
                    digest.update(f"{file.relative_to(path.parent)}\0".encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()

    def failure_text(self) -> str:
        """All that the last run said."""
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

    def plan(self, on_event: Callable[[str], None], *, lock: bool = True) -> list[Plan]:
        """Synthesizes, and plans every stack against what is deployed.

        Args:
            on_event: Is told what it is at.
            lock: Whether to take the state's lock, which needs the right to write it.

        Raises:
            UsageError: a plan failed.
        """
        on_event("synth")
        self.synthesize()
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(lambda stack: self.plan_one(stack, on_event, lock=lock), self._session.stacks()))

    def plan_one(self, stack: str, on_event: Callable[[str], None], *, lock: bool = True) -> Plan:
        """Plans one stack; with stand-ins for what stacks will tell that are not deployed yet.

        Raises:
            UsageError: the plan failed.
        """
        on_event(stack)
        folder = self._out / stack
        try:
            return self._plan(stack, folder, lock=lock)
        except UsageError as problems:
            copy = provisional_plan.make(folder, self._session, str(problems))
            if copy is None:
                raise
            return replace(self._plan(stack, copy, lock=lock), provisional=True)

    def _plan(self, stack: str, folder: Path, *, lock: bool) -> Plan:
        file = folder / "plan"
        self._terraform(folder, "init", "-input=false", "-reconfigure")
        locking = () if lock else ("-lock=false",)
        code, text = self._terraform(
            folder, "plan", "-input=false", "-detailed-exitcode", *locking, f"-out={file.name}", accept=(0, 2)
        )
        summary = re.search(r"^(Plan: .+|Changes to Outputs:)$", text, re.MULTILINE)
        return Plan(stack, code != 0, summary[1] if summary else "No changes.", file)

    def show(self, plan: Plan) -> dict[str, Any]:
        """A plan as `terraform show -json` tells it. It holds sensitive values.

        Raises:
            UsageError: Terraform cannot read it.
        """
        _, text = self._terraform(plan.file.parent, "show", "-json", plan.file.name, output_only=True)
        content: dict[str, Any] = json.loads(text)
        return content | ({"batchtab_provisional": True} if plan.provisional else {})

    def apply(self, plan: Plan, on_event: Callable[[str], None]) -> None:
        """Does what a plan says, and nothing else.

        Raises:
            UsageError: it failed, or the plan is stale.
        """
        self.log.write_bytes(b"")
        code = run(
            [self._session.terraform, "apply", "-no-color", "-input=false", plan.file.name],
            cwd=plan.file.parent,
            env=self._session.environment(),
            log=self.log,
            on_line=lambda line: on_event(f"{plan.stack}: {busy[1]}") if (busy := BUSY.search(line)) else None,
        )
        if code:
            raise UsageError(
                f"apply of {plan.stack} failed: {first_error(self.log)}",
                f"all that it said is in {_shown(self.log, self._session)}",
            )

    def _terraform(
        self, folder: Path, *arguments: str, accept: tuple[int, ...] = (0,), output_only: bool = False
    ) -> tuple[int, str]:
        options = () if arguments[0] == "show" else ("-no-color",)
        code, output, errors = capture(
            [self._session.terraform, arguments[0], *options, *arguments[1:]],
            cwd=folder,
            env=self._session.environment(),
        )
        text = output if output_only and code in accept else output + errors
        if code not in accept:
            self.log.write_text(text)
            raise UsageError(
                f"terraform {arguments[0]} of {folder.name} failed: {first_error(self.log)}",
                f"all that it said is in {_shown(self.log, self._session)}",
            )
        return code, text

    def deployed(self) -> dict[str, str]:
        """What was deployed last: the fingerprint and to which local AWS."""
        try:
            found: dict[str, str] = json.loads(self._deployed.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def mark_deployed(self, record: dict[str, str] | None) -> None:
        """Remembers a deployment, or that there is none any more."""
        path = self._deployed
        if record is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(json.dumps(record))


def _shown(path: Path, session: Session) -> str:
    return str(path.relative_to(session.root))
