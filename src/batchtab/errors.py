"""Errors that a user can fix: one line, and exit status 2."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# What people write who come from another tool; AWS's camelCase is turned into snake_case before this is asked.
_OTHER_WORDS = {
    "args": "command",
    "attempt_duration_seconds": "timeout_seconds",
    "cmd": "command",
    "cpu": "vcpus",
    "cpus": "vcpus",
    "cron": "schedule",
    "env": "environment",
    "entrypoint": "command",
    "iam": "permissions",
    "job_queue": "queue",
    "max_vcpu": "max_vcpus",
    "memory": "memory_mib",
    "memory_mb": "memory_mib",
    "policy": "permissions",
    "rate": "schedule",
    "retries": "attempts",
    "schedule_expression": "schedule",
    "size": "array_size",
    "timeout": "timeout_seconds",
    "timeout_minutes": "timeout_seconds",
    "vcpu": "vcpus",
}


class UsageError(Exception):
    """What a user can fix; the commands print it and exit with `exit_code`.

    Attributes:
        message: What is wrong and what is allowed.
        hint: How to fix it, where the message does not say so already.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return one_line(f"batchtab: {self.message} [hint: {self.hint}]" if self.hint else f"batchtab: {self.message}")


class InvalidArgumentError(ValueError):
    """Arguments of a construct that are refused; one line for each.

    Attributes:
        path: The construct's path, such as `reports/nightly`.
        problems: What is wrong, in the words of `batchtab check`.
    """

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self.path = path
        self.problems = tuple(problems)


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """`did you mean 'timeout_seconds'?`, or an empty string if nothing known is near."""
    names = list(known)
    folded = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", wrong).replace("-", "_").lower()
    other = _OTHER_WORDS.get(folded)
    if other in names:
        return f"did you mean '{other}'?"
    near = difflib.get_close_matches(wrong, names, 1, 0.6) or difflib.get_close_matches(folded, names, 1, 0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def listed(names: Iterable[object]) -> str:
    """`default, continuously`, or `none` for an empty list."""
    return ", ".join(map(str, names)) or "none"


def printable(text: str) -> str:
    """Text with a space for each character that would break a line or is invisible."""
    return "".join(character if character.isprintable() else " " for character in text)


def one_line(text: str) -> str:
    """Text without what would break a line or is invisible; it is written out instead."""
    return "".join(c if c.isprintable() else "\\n" if c == "\n" else f"\\x{ord(c):02x}" for c in text)
