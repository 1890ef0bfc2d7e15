"""Reads what Terraform says."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: The resource that Terraform is at: `aws_vpc.vpc: Still creating...`.
BUSY = re.compile(r"((?:aws_|data\.)\S+): (?:Creating|Destroying|Modifying|Still \w+)")


def plain(text: str) -> str:
    """Text without the terminal's control sequences."""
    return _ANSI.sub("", text)


def first_error(text: str) -> str:
    """The first line of what Terraform printed that names an error, or its last line."""
    lines = [plain(line).strip(" │╷╵") for line in text.splitlines()]
    found = next((i for i, line in enumerate(lines) if "Error:" in line), None)
    if found is None:
        said = [line for line in lines if line]
        return said[-1] if said else "it said nothing"
    return " ".join(lines[found].split())
