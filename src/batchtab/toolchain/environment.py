"""Python environments of their own: local AWS and checkov pin boto3 to other versions than Batchtab."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.folder import PINS, Folder, link, write_if_changed
from batchtab.toolchain.paths import search_path, which

PACKAGE = Path(__file__).resolve().parents[1]  # of the Batchtab that runs
PACKAGES = "lib/python*/site-packages"
# Where uv keeps the environments of `uvx` and `uv run --with` in its cache; `uv cache prune` deletes them.
_UV_BUCKET = re.compile(r"(archive|builds|environments)-v\d+")
_CACHE_MARK = "CACHEDIR.TAG"


def local(folder: Folder) -> None:
    """The environment of local AWS, in which `batchtab.local_aws` can be imported too.

    A link to the running package spares an install of Batchtab's own dependencies there, and is never out of date.
    """
    make(folder, "local", "local AWS (ministack)")
    _link_package(folder)


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


def refresh(project: Path) -> None:
    """Lets the project's `python` and its local AWS follow the Batchtab that runs, as after a move to another venv.

    Costs a few looks at the disk. A part that was not installed stays away, and so does all where Batchtab runs from a
    temporary environment or the project cannot be written to.

    Args:
        project: The project's folder.
    """
    folder = Folder(project.absolute(), lambda _line: None)
    if is_temporary(sys.prefix):
        return
    with suppress(OSError):
        if sys.executable and (folder.bin / "python").is_file():
            python(folder)
        _link_package(folder)


def is_temporary(prefix: str) -> bool:
    """Whether an environment is one of those that uv makes in its cache, and deletes from it.

    A folder of the cache counts where the mark of a cache is beside it, or where uv's settings name that cache: the
    cache's place may be set in files of uv, too.
    """
    for path in {Path(prefix), Path(os.path.realpath(prefix))}:
        for bucket in (path, *path.parents):
            if _UV_BUCKET.fullmatch(bucket.name):
                cache = bucket.parent
                if os.path.lexists(cache / _CACHE_MARK) or str(cache) in _uv_caches():
                    return True
    return False


def _uv_caches() -> set[str]:
    """The folders of uv's cache that the environment names, and its default ones."""
    named = os.environ.get("UV_CACHE_DIR", "")
    homes = (os.environ.get("XDG_CACHE_HOME") or "~/.cache", "~/Library/Caches")
    found = [named] if named else [f"{home}/uv" for home in homes]
    paths = [os.path.expanduser(path) for path in found]  # noqa: PTH111 (never raises without HOME)
    return {*map(os.path.abspath, paths), *map(os.path.realpath, paths)}


def _link_package(folder: Folder) -> None:
    for packages in (folder.path / "local-venv").glob(PACKAGES):
        link(packages / "batchtab", PACKAGE)


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
