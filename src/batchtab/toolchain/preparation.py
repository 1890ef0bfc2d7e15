"""Prepares a project: checks first, then makes each part that is missing or out of date."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from batchtab.toolchain import checks
from batchtab.toolchain.environment import checkov, local, python
from batchtab.toolchain.errors import ToolchainError, described
from batchtab.toolchain.folder import Folder
from batchtab.toolchain.lock import locked
from batchtab.toolchain.node import cdktf, node
from batchtab.toolchain.terraform import Terraform

_MAKERS: dict[str, Callable[[Folder], None]] = {
    "python": python,
    "local": local,
    "node": node,
    "cdktf": cdktf,
    "checkov": checkov,
}
PARTS = ("terraform", *_MAKERS)


def prepare(project: Path, parts: Sequence[str] | None = None, *, say: Callable[[str], None] = print) -> None:
    """Makes what Batchtab calls in a project; parts that are up to date are skipped.

    Two processes may prepare the same project: the second one waits for the first.

    Args:
        project: The project's folder.
        parts: Some of `PARTS`; all by default. `cdktf` makes `node` too.
        say: Prints one line of progress.

    Raises:
        ToolchainError: something is missing that cannot be fetched (all of it is reported before anything is
            installed), or a part cannot be made.
    """
    names = PARTS if parts is None else tuple(dict.fromkeys(parts))
    if unknown := [name for name in names if name not in PARTS]:
        raise ToolchainError([f"no part '{name}'; there are {', '.join(PARTS)}" for name in unknown])
    folder = Folder(project.absolute(), say)
    try:
        unwritable = checks.writable(folder)
        with nullcontext() if unwritable else locked(folder.path / "setup.lock", say):
            _remove_leftovers(folder)
            terraform = Terraform(folder)
            needed = {*names, "node"} if "cdktf" in names else set(names)
            ordered = [name for name in PARTS if name in needed]
            if problems := [*unwritable, *checks.missing(folder, ordered, terraform)]:
                raise ToolchainError(problems)
            for name in ordered:
                if name == "terraform":
                    terraform.make()
                else:
                    _MAKERS[name](folder)
    except OSError as error:
        raise ToolchainError([described(error)]) from error


def check(project: Path, parts: Sequence[str] = PARTS) -> None:
    """Looks for what `prepare` needs and cannot fetch, and makes nothing but the project's `.batchtab` folder.

    Raises:
        ToolchainError: something is missing; all of it is reported.
    """
    folder = Folder(project.absolute(), lambda _line: None)
    if problems := [*checks.writable(folder), *checks.missing(folder, parts, Terraform(folder))]:
        raise ToolchainError(problems)


def _remove_leftovers(folder: Folder) -> None:
    """Removes what downloads left behind that were killed; under the lock, no other one is on its way."""
    for leftover in folder.path.glob("download-*"):
        shutil.rmtree(leftover, ignore_errors=True)
