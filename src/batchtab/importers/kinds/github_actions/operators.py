"""What GitHub's operators and functions make of values, some of which only GitHub knows.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum, auto


class Unknown(Enum):
    """A value that only GitHub knows; of two of them it is known whether they are true."""

    VALUE = auto()
    TRUE = auto()
    FALSE = auto()


#: A tuple is a list of texts, such as `needs.*.result`.
Value = str | bool | float | tuple[str, ...] | Unknown

_IN_TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
_ARGUMENTS = 2


def is_true(value: Value) -> bool | None:
    """Whether a value counts as true; None if only GitHub knows. The text `false` is true, as each text is."""
    if isinstance(value, Unknown):
        return {Unknown.TRUE: True, Unknown.FALSE: False}.get(value)
    return True if isinstance(value, tuple) else bool(value) and value == value  # noqa: PLR0124 - NaN is false


def either(first: Value, second: Value) -> Value:
    """`first || second`: the first of them that is true, else the second."""
    truth = is_true(first)
    if truth is None:
        return Unknown.TRUE if is_true(second) else Unknown.VALUE
    return first if truth else second


def both(first: Value, second: Value) -> Value:
    """`first && second`: the first of them that is false, else the second."""
    truth = is_true(first)
    if truth is None:
        return Unknown.FALSE if is_true(second) is False else Unknown.VALUE
    return second if truth else first


def compared(left: Value, operator: str, right: Value) -> Value:
    """Texts without regard to case; values of two kinds as numbers."""
    if isinstance(left, (Unknown, tuple)) or isinstance(right, (Unknown, tuple)):
        return Unknown.VALUE
    if operator in _ORDER:
        if isinstance(left, str) and isinstance(right, str):
            return Unknown.VALUE
        return _ORDER[operator](_number(left), _number(right))
    if isinstance(left, str) and isinstance(right, str):
        is_same = left.lower() == right.lower()
    else:
        is_same = _number(left) == _number(right)
    return is_same is (operator == "==")


def call(name: str, arguments: Sequence[Value]) -> Value:
    """`contains`, `startsWith` and `endsWith`; other functions only GitHub knows."""
    if name not in _IN_TEXT or len(arguments) != _ARGUMENTS:
        return Unknown.VALUE
    whole, part = arguments
    if isinstance(part, (Unknown, tuple)) or isinstance(whole, (Unknown, bool, float)):
        return Unknown.VALUE
    wanted = str(part).lower()
    if isinstance(whole, str):
        return _IN_TEXT[name](whole.lower(), wanted)
    if wanted in whole:
        return True
    return Unknown.VALUE if "" in whole else False  # an empty one is not known


def _number(value: str | float) -> float:
    if not isinstance(value, str):
        return float(value)
    try:
        return float(value) if value.strip() else 0.0
    except ValueError:
        return math.nan
