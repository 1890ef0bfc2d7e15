"""The lines that the job runner writes into a job's log, beside those of the job's program: see docs/runner.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BEGIN = '{"batchtab": "'
_KINDS = ("start", "end", "warning")


def is_runners(message: str) -> bool:
    """Whether the runner wrote it."""
    return read(message) is not None


def read(message: str) -> Mapping[str, Any] | None:
    """What such a line says; None for a line of the program."""
    if not message.startswith(_BEGIN):
        return None
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):  # a program's own line, which begins alike
        return None
    return said if isinstance(said, dict) and said.get("batchtab") in _KINDS else None


def short(said: Mapping[str, Any]) -> str:
    """Such a line for people: `runner: exit code 3 after 0.9 s, peak 8.4 MiB`."""
    reason = str(said.get("reason") or "")
    if said["batchtab"] == "start":
        attempt = said.get("attempt")
        return "runner: started" + (f" attempt {attempt}" if attempt else "")
    if said["batchtab"] == "warning" or said.get("skipped"):
        return f"runner: {reason}"
    text = f"runner: exit code {said.get('exit_code')} after {said.get('seconds')} s"
    if peak := said.get("peak_memory_mib"):
        text += f", peak {peak} MiB"
    return text + (f": {reason}" if reason else "")
