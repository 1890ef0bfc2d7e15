"""What is wrong with declarations: where, what, what is allowed, how to fix it. One line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchtab.errors import UsageError, one_line

_SHOWN_CHARACTERS = 80
LINES_MAX = 200
STAGES = "{stages}"  # in a fault's message: becomes `stage local` or `stages example, local`


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault. `str()` of it is the line that the user reads.

    Attributes:
        file: The file as the user knows it, usually relative to the project's root.
        line: Counted from 1, if the fault has a place in the file.
        where: The thing at fault, such as `job do-often`; empty for the file itself.
        field: The field in it, such as `evaluate_on_exit[1].action`; may be empty.
        value: The value that is there; None if there is nothing to show.
        message: What is wrong with it and what is allowed.
        hint: How to fix it, where the message doesn't say so already.
        severity: `warning` for what is allowed; empty for a fault.
    """

    file: str
    line: int | None
    where: str
    field: str
    value: object
    message: str
    hint: str = ""
    severity: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = self.message if self.value is None else f"{show(self.value)} {self.message}"
        line = ": ".join(part for part in (place, self.severity, self.where, self.field, text) if part)
        return one_line(f"{line} [hint: {self.hint}]" if self.hint else line)


class Diagnostics(UsageError):  # noqa: N818 (it is a collection, and reads so)
    """Everything that was found, never only the first; the commands print it and exit with `exit_code`."""

    def __init__(self, problems: Iterable[Diagnostic]) -> None:
        unique = {str(problem): problem for problem in problems}
        self.problems: tuple[Diagnostic, ...] = tuple(
            sorted(unique.values(), key=lambda fault: (fault.file, fault.line or 0))
        )
        super().__init__("\n".join(lines(self.problems)))

    def __str__(self) -> str:
        return self.message


def lines(problems: Sequence[Diagnostic]) -> list[str]:
    """A line each, of more than a person can read only the first."""
    shown = [str(problem) for problem in problems[:LINES_MAX]]
    more = len(problems) - len(shown)
    return [*shown, f"… and {more:,} more"] if more else shown


def show(value: object) -> str:
    """A value as it may appear within a line: text in quotes, numbers bare, nothing longer than a glance."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, str):
        text = f"'{value}'"
    else:
        text = json.dumps(value, default=str, ensure_ascii=False)
    text = one_line(text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def dotted(path: Sequence[str | int]) -> str:
    """`('evaluate_on_exit', 1, 'action')` as a person writes it: `evaluate_on_exit[1].action`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
