"""Where an event of several lines begins, as the driver awslogs has it.

https://docs.docker.com/engine/logging/drivers/awslogs/#awslogs-datetime-format
"""

from __future__ import annotations

import re

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _one_of(words: tuple[str, ...], length: int | None = None) -> str:
    return f"(?:{'|'.join(word[:length] for word in words)})"


_CODES = {
    "%a": _one_of(_DAYS, 3),
    "%A": _one_of(_DAYS),
    "%b": _one_of(_MONTHS, 3),
    "%B": _one_of(_MONTHS),
    "%d": r"(?:0[1-9]|[12][0-9]|3[01])",
    "%f": r"\d{6}",
    "%H": r"(?:[01][0-9]|2[0-3])",
    "%I": r"(?:0[1-9]|1[0-2])",
    "%j": r"(?:0[0-9][1-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])",
    "%L": r"\.\d{3}",
    "%m": r"(?:0[1-9]|1[0-2])",
    "%M": r"[0-5][0-9]",
    "%p": r"(?:A|P)M",
    "%S": r"[0-5][0-9]",
    "%y": r"\d{2}",
    "%Y": r"\d{4}",
    "%Z": r"[A-Z]{1,4}T",
    "%z": r"[+-]\d{4}",
}


def pattern(options: dict[str, str]) -> re.Pattern[str] | None:
    """Return what the first line of an event has; None where each line is one.

    Raises:
        ValueError: The pattern is none.
    """
    try:
        if "awslogs-multiline-pattern" in options:
            return re.compile(options["awslogs-multiline-pattern"])
    except re.error as error:
        raise ValueError(f"awslogs-multiline-pattern: {error}") from error
    if "awslogs-datetime-format" not in options:
        return None
    words = re.split(r"(%[A-Za-z])", options["awslogs-datetime-format"])
    return re.compile("".join(_CODES.get(word, re.escape(word)) for word in words))
