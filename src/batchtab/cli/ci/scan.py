"""`batchtab ci scan`: a policy scan of what a stage's stacks, image and workflows are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.terraform.scan import report, scan_all
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks
from batchtab.terraform.synthesized import FINDINGS

_SYNTHESIZED = Path(".batchtab") / "scan" / "cdktf.out"
_FOLDERS = (f"{_SYNTHESIZED.as_posix()}/stacks", "jobs", ".github/workflows")
FAILED = 1


def scan(
    folders: Annotated[
        list[str] | None, typer.Argument(help="Folders to scan beside the stage's stacks. Default: image, workflows.")
    ] = None,
    stage: StageOption = "local",
    sarif: Annotated[Path | None, typer.Option(help="Write all findings as SARIF.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write what failed as JSON, for `ci summary`.")] = None,
    synthesized: Annotated[
        Path | None, typer.Option(help="Scan nothing; say what `ci synth --scan` found in all stages of this folder.")
    ] = None,
) -> int:
    """Scan the stage's stacks, the image's Dockerfile and the workflows with checkov.

    Exit status 1: a check failed, or something could not be scanned.
    """
    if synthesized:
        return _say_found(synthesized)
    session = Session.open(stage)
    Stacks(session).synthesize(session.root / _SYNTHESIZED)
    named = [*_FOLDERS[:1], *(folders or _FOLDERS[1:])]
    for name in folders or []:
        if not (session.root / name).is_dir():
            raise UsageError(f"ci scan: {name} is not a folder")
    scans, findings = scan_all(session.root, [name for name in named if (session.root / name).is_dir()])
    if sarif:
        _write(sarif, findings)
    if json_:
        _write(json_, report(scans))
    for found in scans:
        typer.echo(
            f"{found.folder:<32} passed {found.passed:>4}  failed {len(found.failed):>3}  skipped {found.skipped:>3}"
        )
        for check in found.failed:
            typer.echo(f"  {check['check_id']} {check['resource']} ({check['file_path']}): {check['check_name']}")
        for fault in found.faults:
            typer.echo(f"  not scanned: {fault}")
    return FAILED if any(found.failed or found.faults for found in scans) else 0


def _say_found(folder: Path) -> int:
    """Says what was found in stages that were synthesized before; the exit status is 1 if anything was."""
    reports = sorted(folder.glob(f"*/{FINDINGS}"))
    if not reports:
        raise UsageError(f"ci scan: {folder} has no {FINDINGS}", f"batchtab ci synth --scan --out {folder}")
    failed = False
    for path in reports:
        found = json.loads(path.read_text(encoding="utf-8"))
        counts = f"passed {found['passed']:>4}  failed {len(found['failed']):>3}  skipped {found['skipped']:>3}"
        typer.echo(f"{path.parent.name:<32} {counts}")
        for check in found["failed"]:
            typer.echo(f"  {check['check_id']} {check['resource']} ({check['file_path']}): {check['check_name']}")
        for fault in found["faults"]:
            typer.echo(f"  not scanned: {fault}")
        failed = failed or bool(found["failed"] or found["faults"])
    return FAILED if failed else 0


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
