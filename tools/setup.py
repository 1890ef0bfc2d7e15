"""Sets up a checkout of Batchtab itself: its Python environment, the tools of any project, and the checkers.

Needs Python 3.11 and the standard library only, so that it runs before anything is installed. Skips each part
whose inputs have not changed. Writes only to `.venv/`, `.batchtab/` and `node_modules/`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STATE = ROOT / ".batchtab"
PYTHON_MINIMUM = (3, 11)


class SetupError(Exception):
    """What is missing and how to fix it, in one line."""


def fingerprint(*paths: Path) -> str:
    """A hash over the contents of some files, and over where the checkout is: environments contain their path."""
    digest = hashlib.sha256(f"{sys.version}{ROOT}".encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(what: str, *command: str | Path) -> None:
    """Runs a command; shows what it printed only if it fails.

    Raises:
        SetupError: the command failed or does not exist.
    """
    print(f"  {what} …", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetupError(f"{what}: {error}") from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise SetupError(f"{what} failed with exit status {done.returncode}:\n{tail}")


def project(lock: str = "dev.txt") -> None:
    """The checkout's own environment `.venv`, with the `batchtab` command.

    Args:
        lock: Which packages, by hash: `dev.txt`, or `cli.txt` for those that plan and deploy alone.
    """
    requirements, stamp = ROOT / "requirements" / lock, STATE / "stamps" / "checkout"
    made = fingerprint(requirements, ROOT / "pyproject.toml")
    if (VENV / "bin" / "batchtab").exists() and stamp.exists() and stamp.read_text() == made:
        return
    settings = VENV / "pyvenv.cfg"
    if settings.exists() and str(VENV) not in settings.read_text():  # the checkout was moved
        shutil.rmtree(VENV)
    python, uv = VENV / "bin" / "python", VENV / "bin" / "uv"
    if not python.exists():
        try:
            run("virtual environment", sys.executable, "-m", "venv", VENV)
        except SetupError as error:
            raise SetupError(f"{error}\nOn Debian and Ubuntu: apt-get install python3-venv") from error
    built = ("--only-binary", ":all:") if lock == "cli.txt" else ()  # the build tools of an sdist have no hash
    by_hash = ("install", "-q", "--require-hashes", *built)
    if not uv.exists():
        run("installer (uv)", python, "-m", "pip", *by_hash, "-r", ROOT / "requirements" / "uv.txt")
    try:
        run("Python packages", uv, "pip", *by_hash, "--python", python, "-r", requirements)
    except SetupError:  # pip may be configured for an index that uv does not know
        run("Python packages, with pip", python, "-m", "pip", *by_hash, "-r", requirements)
    install = (uv, "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--python", python, "-e", ROOT)
    run("the batchtab command", *install)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(made)


def tools(parts: Sequence[str]) -> None:
    """The tools of any project, by `batchtab setup`, which prints its own lines.

    Raises:
        SetupError: it failed.
    """
    done = subprocess.run([VENV / "bin" / "batchtab", "setup", *parts], cwd=ROOT, check=False)
    if done.returncode:
        raise SetupError("`batchtab setup` failed, see above")


def linter() -> None:
    """The checker of workflows in `node_modules`, for `make workflows-check`."""
    sources, stamp = (ROOT / "package.json", ROOT / "package-lock.json"), STATE / "stamps" / "linter"
    made = fingerprint(*sources)
    if (ROOT / "node_modules").exists() and stamp.exists() and stamp.read_text() == made:
        return
    os.environ["PATH"] = f"{STATE / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run("checker of workflows (npm)", STATE / "bin" / "npm", "ci", "--no-progress")
    stamp.write_text(made)


def look_first() -> None:
    """Reports what cannot be downloaded, before minutes of work. These checks need no package.

    Raises:
        SetupError: something is missing.
    """
    sys.path.insert(0, str(ROOT / "src"))
    from batchtab.toolchain import ToolchainError, check  # noqa: PLC0415 - the line above makes it importable

    try:
        check(ROOT)
    except ToolchainError as error:
        raise SetupError(str(error)) from error


def cli() -> int:
    """Sets up only what plans and deploys, for workflow jobs with credentials."""
    STATE.mkdir(exist_ok=True)
    try:
        project("cli.txt")
        tools(["terraform"])
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """Sets up everything, or only the named parts of `batchtab setup`; returns the exit status."""
    parts = sys.argv[1:]
    if parts == ["--cli"]:
        return cli()
    if sys.version_info < PYTHON_MINIMUM:
        print(f"setup: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    STATE.mkdir(exist_ok=True)
    try:
        look_first()
        project()
        tools(parts)
        if not parts:
            linter()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
