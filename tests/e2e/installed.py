"""Batchtab as a package: its wheel and sdist, and a project that knows nothing of this repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.checkout import ROOT

UV = ROOT / ".venv" / "bin" / "uv"
PYTHON = ROOT / ".venv" / "bin" / "python"
# The repository, and the ready-made folders that a worktree's links lead to.
_OUT_OF_REACH = {ROOT, *(ROOT.joinpath(name).resolve().parent for name in (".venv", ".batchtab", "node_modules"))}
_FOREIGN = ("AWS_", "TF_", "BATCHTAB_", "CDKTF_", "PYTEST_", "JSII_", "PYTHON", "VIRTUAL_ENV", "NODE_OPTIONS")


@dataclass(frozen=True)
class Built:
    """What a build made."""

    wheel: Path
    sdist: Path | None = None


def build(out: Path, source: Path = ROOT, kind: str = "") -> Built:
    """Builds the wheel and the sdist of a source folder, or only what `kind` (`--wheel`) says."""
    subprocess.run(
        [UV, "build", "--quiet", "--no-build-isolation", "--python", PYTHON, "--out-dir", out, *kind.split(), source],
        check=True,
        timeout=900,
    )
    (wheel,) = out.glob("*.whl")
    return Built(wheel, next(out.glob("*.tar.gz"), None))


def build_older(out: Path, current: Built, version: str) -> Built:
    """The wheel of an older version, which wrote another first line into main.py: from the sdist, changed there."""
    assert current.sdist
    with tarfile.open(current.sdist) as archive:
        # Python knows filters since 3.11.4, and Debian 12 has 3.11.2.
        options: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(out, **options)  # noqa: S202 - an archive of our own
    (source,) = out.iterdir()
    project = source / "pyproject.toml"
    text = project.read_text()
    project.write_text(re.sub(r'^version = ".*"$', f'version = "{version}"', text, count=1, flags=re.MULTILINE))
    template = source / "src" / "batchtab" / "project" / "templates" / "main.py.tmpl"
    template.write_text(template.read_text().replace('"""The app:', f'"""The app of {version}:'))
    return build(out / "dist", source, "--wheel")


@dataclass
class Installed:
    """A virtual environment and a project, both outside of this repository."""

    venv: Path
    root: Path

    @classmethod
    def make(cls, folder: Path) -> Installed:
        """An empty environment; `batchtab init` makes the project."""
        subprocess.run([UV, "venv", "--quiet", "--python", PYTHON, folder / "venv"], check=True, timeout=300)
        return cls(folder / "venv", folder / "project")

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def environment(self) -> dict[str, str]:
        """As in a newcomer's shell with the environment active: nothing of AWS, and nothing of this repository."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        path = [entry for entry in os.environ["PATH"].split(os.pathsep) if not _is_ours(entry)]
        kept["PATH"] = os.pathsep.join([str(self.venv / "bin"), *path])
        return {key: value for key, value in kept.items() if key == "PATH" or not _is_ours(value)}

    def install(self, *requirements: str) -> None:
        """Installs packages; a wheel is `name[extra] @ file:///…`."""
        self.call(str(UV), "pip", "install", "--quiet", "--python", str(self.python), *requirements, check=True)

    def run(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs `batchtab`."""
        return self.call("batchtab", *arguments, check=check)

    def call(self, *command: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment or of the machine in the project."""
        program = shutil.which(command[0], path=self.environment["PATH"])
        assert program, command[0]
        done = subprocess.run(
            [program, *command[1:]],
            cwd=self.root if self.root.exists() else self.root.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1100,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}{self._log()}"
        return done

    def take_free_port(self) -> int:
        """Gives the stage `local` a port of its own."""
        path = self.root / "config" / "local.yaml"
        port = free_port()
        text = path.read_text()
        assert yaml.safe_load(text)["local"]["port"]
        path.write_text(re.sub(r"^  port: \d+$", f"  port: {port}\n  container_engine: none", text, flags=re.MULTILINE))
        return port

    def local_pid(self) -> int:
        """The pid of the project's local AWS."""
        return int(json.loads((self.root / ".batchtab" / "aws-local.json").read_text())["pid"])

    def clean_up(self) -> None:
        """Ends local AWS, if a test did not come to that, and waits for its end."""
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = self.local_pid()
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.1)

    def _log(self) -> str:
        log = self.root / ".batchtab" / "terraform.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""


def links_into_repository(folder: Path) -> list[Path]:
    """Symbolic links and launchers below a folder that lead into this repository."""
    links = [path for path in folder.rglob("*") if path.is_symlink() and _is_ours(str(path.readlink()))]
    launchers = [path for path in (folder / "bin").iterdir() if path.is_file() and not path.is_symlink()]
    return links + [path for path in launchers if _is_ours(path.read_text(errors="replace"))]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_ours(text: str) -> bool:
    return any(text == str(ours) or f"{ours}/" in text for ours in _OUT_OF_REACH)
