"""What `batchtab doctor` finds in the project itself: its files, its version, its tools. Calls no AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchtab import frameworks
from batchtab.aws.checkup.finding import Finding, Status, fail, warn
from batchtab.declarations import catalog
from batchtab.declarations.diagnostics import Diagnostics
from batchtab.errors import UsageError
from batchtab.project.manifest import FILE_NAME, Manifest
from batchtab.project.pin import pinned
from batchtab.project.version import Version, installed
from batchtab.terraform import provider_lock
from batchtab.toolchain.checks import made
from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.folder import Folder
from batchtab.toolchain.terraform import Terraform

_SETUP = "batchtab setup"
_INSTALL = "pip install ."
_PYPROJECT = "pyproject.toml"
#: What a deployment calls.
_PARTS = ("terraform", "node", "cdktf")


def files(stage: str, root: Path) -> Finding:
    """Whether a stage's files are in order.

    Raises:
        UsageError: there is no such stage.
    """
    command = f"batchtab check --stage {stage}"
    try:
        catalog.load(stage, root)
    except Diagnostics as error:
        if not (root / "config" / f"{stage}.yaml").is_file():
            raise
        number = len(error.problems)
        first = str(error.problems[0])
        text = f"have an error: {first}" if number == 1 else f"have {number} errors, the first: {first}"
        return fail("project", "config/ and jobs/", text, command)
    return Finding(Status.OK, "project", "config/ and jobs/ have no errors")


def version(root: Path) -> Iterator[Finding]:
    """Whether this Batchtab is the one that the project wants: by its manifest, and by its pin."""
    runs = installed()
    subject = f"Batchtab {runs}"
    found: list[Finding] = []
    try:
        wanted = Manifest.read(root).version if (root / FILE_NAME).exists() else runs
    except UsageError as error:
        found.append(fail("version", FILE_NAME, error.message, error.hint))
        wanted = runs
    if wanted != runs:
        # `upgrade` refuses to go back to an older version.
        is_newer = Version.parse(runs) > Version.parse(wanted)
        fix = f"{_INSTALL}, or batchtab upgrade" if is_newer else _INSTALL
        found.append(warn("version", subject, f"runs, and the project's files are of {wanted}", fix))
    try:
        pins = pinned((root / _PYPROJECT).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # a project may install Batchtab otherwise
        pins = []
    for pin in sorted(set(pins) - {runs, wanted}):
        found.append(warn("version", subject, f"runs, and {_PYPROJECT} pins {pin}", _INSTALL))
    yield from found or [Finding(Status.OK, "version", f"{subject} is the project's version")]


def tools(root: Path, *, is_local: bool) -> Iterator[Finding]:
    """Whether the programs that a deployment calls are there."""
    folder = Folder(root, lambda _: None)
    terraform = Terraform(folder)
    parts = (*_PARTS, "local") if is_local else _PARTS
    found: list[Finding] = []
    for part in parts:
        if made(folder, part, terraform):
            continue
        fix = f"{_SETUP} {part}"
        is_old = part == "local" and (folder.path / "local-venv").exists()
        found.append(
            warn("tools", part, "is out of date", fix) if is_old else fail("tools", part, "is not in .batchtab/", fix)
        )
    try:
        program = terraform.program
    except ToolchainError as error:
        found.append(fail("tools", "terraform", "; ".join(error.problems), "TERRAFORM_BINARY_NAME=terraform"))
        program = None
    try:
        name = frameworks.choose()
    except frameworks.FrameworkError as error:
        found.append(fail("tools", "framework", error.message, error.hint))
        name = ""
    known = [f"{program.product} {program.release}"] if program else []
    yield from found or [Finding(Status.OK, "tools", f"{', '.join([*known, 'Node', name, *parts[3:]])}")]


def lock_file(root: Path, stage: str) -> Finding:
    """Whether the project pins the provider by hash."""
    if (root / provider_lock.FILE).is_file():
        return Finding(Status.OK, "provider", f"{provider_lock.FILE} pins the provider")
    text = "is missing: the first init of each machine trusts the registry"
    return warn("provider", provider_lock.FILE, text, f"batchtab lock --stage {stage}")
