"""`batchtab ci synth`: the stacks of stages, written where no credentials are, for the jobs that have some."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import complete_stages
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.runner_image.lookup import DIGEST_VARIABLE, NOT_BUILT
from batchtab.terraform import scan
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks
from batchtab.terraform.synthesized import FINDINGS, digest

VARIABLE = "BATCHTAB_STAGES"
_FOLDERS = ("jobs", ".github/workflows")


def ci_synth(
    out: Annotated[Path, typer.Option(help="Folder to write; what is in it is removed.")],
    stage: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A stage; may be repeated. Default: those of {VARIABLE}, such as '[\"prod\"]'.",
            autocompletion=complete_stages,
        ),
    ] = None,
    scanned: Annotated[
        bool, typer.Option("--scan", help=f"Scan them with checkov; `ci scan --synthesized` reads {FINDINGS}.")
    ] = False,
) -> None:
    """Synthesize stages for `plan --synthesized` and `deploy --synthesized`, which then need neither cdktf nor Node.

    Prints the digest of what was written; in a workflow, it is the step's output `digest`. The runner image is a digest
    of zeros, which those commands replace.
    """
    names = stage or _named()
    os.environ[DIGEST_VARIABLE] = NOT_BUILT
    shutil.rmtree(out, ignore_errors=True)
    for name in names:
        session = Session.open(name)
        folder = out.absolute() / name
        Stacks(session).synthesize(folder)
        for path in folder.iterdir():
            if path.name != "stacks":  # the framework's own notes name the machine's folders
                path.unlink()
        if scanned:
            folders = [folder / "stacks", *(session.root / each for each in _FOLDERS)]
            found, _ = scan.scan_all(session.root, [_below(each, session.root) for each in folders if each.is_dir()])
            (folder / FINDINGS).write_text(json.dumps(scan.report(found), indent=2) + "\n", encoding="utf-8")
    found_digest = digest(out)
    typer.echo(found_digest)
    actions.set_output("GITHUB_OUTPUT", "digest", found_digest)


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _named() -> list[str]:
    text = os.environ.get(VARIABLE)
    if not text:
        raise UsageError(f"ci synth: {VARIABLE} is not set, and no --stage is given", f"{VARIABLE}='[\"prod\"]'")
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UsageError(f"ci synth: {VARIABLE}: '{text}' is not a list of stages", f"{VARIABLE}='[\"prod\"]'")
    return names
