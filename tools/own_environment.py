"""Python environments beside `.venv`, for what does not go together with it or what few need; standard library only."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def prepare(name: str) -> Path:
    """The folder `.batchtab/<name>-venv`, made from `requirements/<name>.txt` unless it was made from that already."""
    requirements, venv = ROOT / "requirements" / f"{name}.txt", ROOT / ".batchtab" / f"{name}-venv"
    made, stamp = hashlib.sha256(requirements.read_bytes()).hexdigest(), venv / "made-from"
    if stamp.exists() and stamp.read_text() == made:
        return venv
    uv = Path(sys.prefix) / "bin" / "uv"
    run(uv, "venv", "-q", "--clear", "--python", sys.executable, venv)
    run(uv, "pip", "install", "-q", "--python", venv / "bin" / "python", "--require-hashes", "-r", requirements)
    stamp.write_text(made)
    return venv


def run(*command: str | Path) -> None:
    """Runs a program in the checkout.

    Raises:
        SystemExit: it failed; with what it wrote.
    """
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} {command[1]} failed:\n{done.stdout}{done.stderr}")
