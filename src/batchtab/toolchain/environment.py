"""Python environments of their own: local AWS and checkov pin boto3 to other versions than Batchtab."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.folder import PINS, Folder, link, write_if_changed
from batchtab.toolchain.paths import search_path, which

PACKAGE = Path(__file__).resolve().parents[1]  # of the Batchtab that runs
PACKAGES = "lib/python*/site-packages"


def local(folder: Folder) -> None:
    """The environment of local AWS, in which `batchtab.local_aws` can be imported too.

    A link to the running package spares an install of Batchtab's own dependencies there, and is never out of date.
    """
    make(folder, "local", "local AWS (ministack)")
    for packages in (folder.path / "local-venv").glob(PACKAGES):
        link(packages / "batchtab", PACKAGE)


def checkov(folder: Folder) -> None:
    """The environment of the policy scanner, and `.batchtab/bin/checkov`.

    The scanner's own script does not start from a folder with a space in its name, where pip installed it.
    """
    make(folder, "checkov", "policy scanner (checkov)")
    _write_launcher(folder, "checkov", str(folder.path / "checkov-venv" / "bin" / "python"), "-m", "checkov.main")


def python(folder: Folder) -> None:
    """`.batchtab/bin/python`: the interpreter that runs Batchtab.

    A script, because a symbolic link would not find the virtual environment that it leads to.
    """
    _write_launcher(folder, "python", sys.executable)


def current(folder: Folder, part: str) -> bool:
    """Whether the environment of a part exists as its requirements name it."""
    python_ = folder.path / f"{part}-venv" / "bin" / "python"
    return python_.exists() and folder.made_from(part, PINS / f"{part}.txt")


def make(folder: Folder, part: str, what: str) -> None:
    """Makes `.batchtab/<part>-venv` with exactly the hashed requirements of `pins/<part>.txt`.

    uv installs in seconds. Where uv cannot reach an index that pip is configured for, pip does the work.

    Raises:
        ToolchainError: neither could.
    """
    if current(folder, part):
        return
    requirements = PINS / f"{part}.txt"
    where = folder.path / f"{part}-venv"
    python_ = where / "bin" / "python"
    uv = find_uv()
    install = ("install", "-q", "--require-hashes", "-r", requirements)
    with folder.making(part, what, requirements):
        if where.exists():  # of an older Python, of a project that was moved, or half made
            shutil.rmtree(where)
        folder.run(what, sys.executable, "-m", "venv", *(["--without-pip"] if uv else []), where)
        if uv:
            try:
                folder.run(what, uv, "pip", *install, "--python", python_)
            except ToolchainError:
                folder.say("    uv could not; trying pip")
                folder.run(what, python_, "-m", "ensurepip")
            else:
                return
        folder.run(what, python_, "-m", "pip", *install)


def _write_launcher(folder: Folder, name: str, *command: str) -> None:
    write_if_changed(folder.bin / name, f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', 0o755)


def find_uv() -> Path | None:
    """uv, if it is here: named by `UV` (uv itself sets it for what it runs), beside this Python, or on PATH."""
    for candidate in (os.environ.get("UV", ""), str(Path(sys.executable).parent / "uv"), "uv"):
        if candidate and (found := which(candidate, search_path())):
            return found
    return None


def can_make_environments() -> bool:
    """Whether this Python can make an environment with pip, or uv can fill one without it.

    Debian and Ubuntu leave `ensurepip` out of python3; it is in python3-venv.
    """
    return bool(importlib.util.find_spec("venv") and (importlib.util.find_spec("ensurepip") or find_uv()))
