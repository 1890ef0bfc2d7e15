"""Deploys, destroys and plans a stage's stacks, with cdktf and Terraform."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cli.processes import run
from cli.session import Session, refusal

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Terraform's lines, as cdktf repeats them: `aws_vpc.vpc (Default/vpc): Creation complete after 10s`.
_DONE = re.compile(r"(?:Creation|Destruction|Modifications) complete")
_BUSY = re.compile(r"((?:aws_|data\.)\S+)(?: \([^)]*\))?\S*: (?:Creating|Destroying|Modifying|Still \w+)")
_REPEATED = re.compile(r"^\S* ?(Synthesizing|Starting)$")
_NODE_OPTIONS = "--no-deprecation --max-old-space-size=4096"  # the cdktf CLI warns where it finds no size
_INPUTS = ("main.py", "cdktf.json", "config", "jobs", "lambda", "modules")


@dataclass(frozen=True)
class Plan:
    """What Terraform would change in one stack."""

    stack: str
    changes: bool
    summary: str
    file: Path


class Stacks:
    """A stage's stacks in `cdktf.out`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._out = session.root / "cdktf.out" / "stacks"
        self.log = session.state / "terraform.log"
        self._cdktf = session.root / "node_modules" / ".bin" / "cdktf"

    def fingerprint(self) -> str:
        """A hash of all that a synth reads, to tell whether a deployment would find anything new."""
        digest = hashlib.sha256()
        for name in _INPUTS:
            path = self._session.root / name
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            for file in files:
                if "__pycache__" not in file.parts:
                    digest.update(f"{file.relative_to(self._session.root)}\0".encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()

    def deploy(self, on_event: Callable[[str], None]) -> None:
        """`cdktf deploy` of all stacks.

        Raises:
            Problems: it failed; the end of the log is in the message's file.
        """
        self._cdktf_run("deploy", on_event, "--auto-approve", "--skip-provider-lock")

    def destroy(self, on_event: Callable[[str], None]) -> None:
        """`cdktf destroy` of all stacks, the last first.

        Raises:
            Problems: it failed.
        """
        self._cdktf_run("destroy", on_event, "--auto-approve", "--skip-provider-lock")

    def _cdktf_run(self, verb: str, on_event: Callable[[str], None], *options: str) -> None:
        if not self._cdktf.exists():
            raise refusal("the cdktf CLI is not installed in this checkout", "make setup")
        self.log.write_bytes(b"")
        errors: list[str] = []
        done = 0

        def on_line(raw: str) -> None:
            nonlocal done
            line = _ANSI.sub("", raw).strip()
            done += bool(_DONE.search(line))
            busy = _BUSY.search(line)
            if _REPEATED.match(line):
                on_event("synthesizing")
            elif busy:
                on_event(f"{done} resources done, now {busy[1]}")
            if "Error:" in line:
                errors.append(line)

        stacks = [*self._session.stacks()]
        node = self._session.state / "bin" / "node"
        code = run(
            [node, self._cdktf, verb, *stacks, *options],
            cwd=self._session.root,
            env={**self._session.environment(), "NODE_OPTIONS": _NODE_OPTIONS},
            log=self.log,
            on_line=on_line,
        )
        if code:
            raise refusal(
                f"{verb} failed: {_first_error(self.log)}", f"all that it said is in {_shown(self.log, self._session)}"
            )

    def failure_text(self) -> str:
        """All that the last run said."""
        return _ANSI.sub("", self.log.read_text(errors="replace"))

    def synthesize(self) -> None:
        """Writes `cdktf.out`.

        Raises:
            Problems: the synth failed.
        """
        self._cdktf_run_synth()

    def _cdktf_run_synth(self) -> None:
        python = self._session.root / ".venv" / "bin" / "python"
        environment = {**self._session.environment(), "CDKTF_OUTDIR": str(self._session.root / "cdktf.out")}
        out = self._session.root / "cdktf.out"
        shutil.rmtree(out / "stacks", ignore_errors=True)
        done = subprocess.run(
            [python, "main.py"], cwd=self._session.root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise refusal(f"synth failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")

    def plan(self, on_event: Callable[[str], None]) -> list[Plan]:
        """Synthesizes, and plans every stack against what is deployed.

        Raises:
            Problems: a plan failed.
        """
        on_event("synth")
        self.synthesize()
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(lambda stack: self._plan(stack, on_event), self._session.stacks()))

    def _plan(self, stack: str, on_event: Callable[[str], None]) -> Plan:
        on_event(stack)
        folder = self._out / stack
        file = folder / "plan"
        self._terraform(folder, "init", "-input=false", "-reconfigure")
        code, text = self._terraform(
            folder, "plan", "-input=false", "-detailed-exitcode", f"-out={file.name}", accept=(0, 2)
        )
        summary = re.search(r"^(Plan: .+|Changes to Outputs:)$", text, re.MULTILINE)
        return Plan(stack, code != 0, summary[1] if summary else "No changes.", file)

    def _terraform(self, folder: Path, *arguments: str, accept: tuple[int, ...] = (0,)) -> tuple[int, str]:
        done = subprocess.run(
            ["terraform", arguments[0], "-no-color", *arguments[1:]],
            cwd=folder,
            env=self._session.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        if done.returncode not in accept:
            self.log.write_text(text)
            raise refusal(
                f"terraform {arguments[0]} of {folder.name} failed: {_first_error(self.log)}",
                f"all that it said is in {_shown(self.log, self._session)}",
            )
        return done.returncode, text

    def deployed(self) -> dict[str, str]:
        """What was deployed last: the fingerprint and to which local AWS."""
        try:
            found: dict[str, str] = json.loads((self._session.state / "deployed.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def mark_deployed(self, record: dict[str, str] | None) -> None:
        """Remembers a deployment, or that there is none any more."""
        path = self._session.state / "deployed.json"
        if record is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(json.dumps(record))


def _first_error(log: Path) -> str:
    lines = [_ANSI.sub("", line).strip(" │╷╵") for line in log.read_text(errors="replace").splitlines()]
    found = next((i for i, line in enumerate(lines) if "Error:" in line), None)
    if found is None:
        said = [line for line in lines if line]
        return said[-1] if said else "it said nothing"
    return " ".join(lines[found].split())


def _shown(path: Path, session: Session) -> str:
    return str(path.relative_to(session.root))
