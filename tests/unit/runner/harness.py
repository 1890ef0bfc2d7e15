"""Runs the runner as a subprocess, and looks at what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
RUNNER = (sys.executable, "-m", "batchtab.runner")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that the runner or AWS would read, plus some more."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHTAB_", "AWS_"))}
    return kept | more


def heed_signals() -> None:
    """In a child: gives the stop signals their defaults, which tests started by `nohup` or in the background lack."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start the runner."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    options.setdefault("preexec_fn", heed_signals)
    return subprocess.Popen([*RUNNER, *arguments], cwd=ROOT, env=environment() if env is None else env, **options)


def run(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the runner to its end."""
    options = {"capture_output": True, "timeout": 60} | options
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("preexec_fn", heed_signals)
    env = environment() if env is None else env
    return subprocess.run([*RUNNER, *arguments], check=False, cwd=ROOT, env=env, **options)


def lines(stderr: bytes) -> list[dict[str, Any]]:
    """The runner's own lines."""
    return [json.loads(line) for line in stderr.splitlines() if line.startswith(b'{"batchtab"')]


def end_line(stderr: bytes) -> dict[str, Any]:
    """The one end line."""
    ends = [line for line in lines(stderr) if line["batchtab"] == "end"]
    assert len(ends) == 1, stderr
    return ends[0]


def marked(marker: str) -> list[str]:
    """The living processes, zombies left out, whose environment holds the marker: as `pid command`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                found.append(f"{entry.name} {command}")
        except OSError:
            continue
    return found


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of a started runner's stdout: how a test knows that the command is that far."""
    assert process.stdout is not None
    return process.stdout.readline()
