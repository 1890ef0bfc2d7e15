"""Reads what Terraform and cdktf say."""

from __future__ import annotations

import re
from pathlib import Path

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: The resource that Terraform is at, also as cdktf repeats it: `aws_vpc.vpc (Default/vpc): Still creating...`.
BUSY = re.compile(r"((?:aws_|data\.)\S+)(?: \([^)]*\))?\S*: (?:Creating|Destroying|Modifying|Still \w+)")


def plain(text: str) -> str:
    """Text without the terminal's control sequences."""
    return _ANSI.sub("", text)


def first_error(log: Path) -> str:
    """The first line that names an error, or the last line."""
    lines = [plain(line).strip(" │╷╵") for line in log.read_text(errors="replace").splitlines()]
    found = next((i for i, line in enumerate(lines) if "Error:" in line), None)
    if found is None:
        said = [line for line in lines if line]
        return said[-1] if said else "it said nothing"
    return " ".join(lines[found].split())
