"""What set-up needs and cannot fetch, looked at before minutes of work."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator

from batchtab.toolchain.environment import can_make_environments, current, is_temporary
from batchtab.toolchain.errors import ToolchainError, described
from batchtab.toolchain.folder import Folder
from batchtab.toolchain.node import machine_node
from batchtab.toolchain.provider import mirror
from batchtab.toolchain.terraform import Terraform

PYTHON_MINIMUM = (3, 11)
# Megabytes that a part takes on disk, and half as much again for what is unpacked.
_MEGABYTES = {"local": 100, "checkov": 300, "node": 300, "cdktf": 400, "terraform": 150}


def writable(folder: Folder) -> list[str]:
    """Makes the project's `.batchtab` folder; what prevents it is returned."""
    if not folder.project.is_dir():
        return [f"'{folder.project}' is not a folder; name the project's folder"]
    try:
        folder.create()
        with tempfile.TemporaryFile(dir=folder.path) as probe:
            probe.write(bytes(4096))
    except OSError as error:
        return [f"the project cannot be written to: {described(error)}"]
    return []


def missing(folder: Folder, parts: Collection[str], terraform: Terraform) -> Iterator[str]:
    """All that is missing for some parts, one line each."""
    if sys.version_info < PYTHON_MINIMUM:
        oldest = ".".join(map(str, PYTHON_MINIMUM))
        yield f"Python {sys.version.split()[0]} is too old; install Python {oldest} or newer and Batchtab in it"
    if not sys.executable:
        yield "Python does not know where it is itself (sys.executable is empty); start it by its absolute path"
    if is_temporary(sys.prefix):
        yield (
            f"Batchtab runs from uv's temporary environment '{sys.prefix}', which uv deletes from its cache; in the"
            " project's own environment: pip install . && batchtab setup"
        )
    work = [part for part in parts if not made(folder, part, terraform)]
    if {"local", "checkov", "node"} & set(work) and not can_make_environments():
        yield (
            f"{sys.executable} cannot make virtual environments; install python3-venv"
            " (Debian and Ubuntu: apt-get install python3-venv) or uv"
        )
    yield from _space(folder, work)
    if "terraform" in parts:
        yield from _terraform(terraform)


def _terraform(terraform: Terraform) -> Iterator[str]:
    product = "Terraform"
    try:
        terraform.check()
        product = terraform.program.product if terraform.program else product
    except ToolchainError as error:
        yield from error.problems
    try:
        mirror(product)
    except ToolchainError as error:
        yield from error.problems


def made(folder: Folder, part: str, terraform: Terraform) -> bool:
    """Whether a part is there; of one that cannot be judged yes, since another check says what is wrong with it."""
    match part:
        case "local" | "checkov":
            return current(folder, part)
        case "node":
            return (folder.bin / "node").exists() or machine_node() is not None
        case "cdktf":
            return (folder.bin / "cdktf").exists()
        case "terraform":
            try:
                return terraform.program is not None
            except ToolchainError:  # reported where Terraform is checked
                return True
    return True


def _space(folder: Folder, work: Collection[str]) -> Iterator[str]:
    needed = sum(_MEGABYTES[part] for part in work)
    try:
        free = shutil.disk_usage(folder.path).free // 1_000_000
    except OSError:  # reported where the folder is made
        return
    if free < needed:
        yield f"{free} MB are free at '{folder.path}', about {needed} MB are needed for {', '.join(work)}; free some"
