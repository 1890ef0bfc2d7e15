"""Faults that a person can mend: where, what, what is allowed, how to mend it. One line each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SHOWN_CHARACTERS = 80

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


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `str()` of it is the line that the user reads.

    Attributes:
        file: The file as the user knows it, usually relative to the project's root.
        line: Counted from 1, if the fault has a place in the file.
        where: The thing at fault, such as `job do-often`; empty for the file itself.
        field: The field in it, such as `evaluate_on_exit[1].action`; may be empty.
        value: What stands there; None if there is nothing to show.
        message: What is wrong with it and what is allowed.
        hint: How to mend it, where the message doesn't say so already.
    """

    file: str
    line: int | None
    where: str
    field: str
    value: object
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = self.message if self.value is None else f"{show(self.value)} {self.message}"
        line = ": ".join(part for part in (place, self.where, self.field, text) if part)
        return _one_line(f"{line} [hint: {self.hint}]" if self.hint else line)


class Problems(Exception):  # noqa: N818 (it is a collection of faults, and reads so)
    """All faults that were found, never only the first; the commands print them and exit with `exit_code`."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = {str(problem): problem for problem in problems}
        self.problems: tuple[Problem, ...] = tuple(
            sorted(unique.values(), key=lambda fault: (fault.file, fault.line or 0))
        )
        super().__init__("\n".join(map(str, self.problems)))


def refusal(message: str, hint: str = "") -> Problems:
    """A user's error that stands in no file: one line and exit status 2."""
    return Problems([Problem("batchtab", None, "", "", None, message, hint)])


def show(value: object) -> str:
    """A value as it may stand within a line: text in quotes, numbers bare, nothing longer than a glance."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, str):
        text = f"'{value}'"
    else:
        text = json.dumps(value, default=str, ensure_ascii=False)
    text = _one_line(text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


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


def dotted(path: Sequence[str | int]) -> str:
    """`('evaluate_on_exit', 1, 'action')` as a person writes it: `evaluate_on_exit[1].action`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "\\n" if c == "\n" else f"\\x{ord(c):02x}" for c in text)
