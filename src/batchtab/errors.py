"""Errors that a user can fix: one line, and exit status 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

LISTED_MAX = 30
#: Jobs and runs that a hint lists.
CANDIDATES_MAX = 10


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


class NotFoundError(UsageError):
    """There is no such job or run."""

    exit_code = 3


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
    near = nearest(wrong, known)
    return f"did you mean '{near}'?" if near else ""


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that another one probably means: another case, a few other letters, or only its first words.

    A quarter of its letters may differ, so that a short word never leads to one that means something else. Empty if
    there is none.
    """
    names, letters = _folded(tuple(known))
    word = folded(wrong)
    if word in names:
        return names[word]
    most = max(1, len(word) // 4) if len(word) > 2 else 0
    its = _letters(word)
    # A slip takes out and puts in one letter at most, which leaves few names to count the steps to.
    near = [
        name for name, own in letters.items() if (its & ~own).bit_count() <= most and (own & ~its).bit_count() <= most
    ]
    slips = [(steps, name) for name in near if (steps := _steps(word, name, most)) <= most]
    if slips:
        return names[min(slips)[1]]
    begun = [name for name in names if name.startswith(f"{word}_")]
    return names[begun[0]] if len(begun) == 1 else ""


@lru_cache(maxsize=32)
def _folded(known: tuple[str, ...]) -> tuple[dict[str, str], dict[str, int]]:
    """The names by their folded form, and the letters of each: the same names are asked for again and again."""
    names = {folded(name): name for name in reversed(known)}
    return names, {name: _letters(name) for name in names}


def _letters(word: str) -> int:
    """The letters of a word as a set of bits; a few letters share one."""
    return sum({1 << (ord(letter) & 63) for letter in word})


def folded(name: str) -> str:
    """A name in lower case with `_` between its words: `jobRoleArn` and `Job-Role-ARN` become `job_role_arn`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_").lower()


def _steps(one: str, other: str, most: int) -> int:
    """How many letters are left out, put in, replaced or exchanged with the next; beyond `most`, some larger number.

    https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance (optimal string alignment)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i, *[most + 1] * len(other)]
        for j in range(max(1, i - most), min(len(other), i + most) + 1):  # elsewhere it is beyond `most`
            its = other[j - 1]
            steps = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 < j and letter == other[j - 2] and its == one[i - 2]:
                steps = min(steps, earlier[j - 2] + 1)
            row[j] = steps
        if min(row) > most:
            break
    return row[-1]


def listed(names: Iterable[object], most: int = LISTED_MAX) -> str:
    """`default, continuously`, or `none` for an empty list; of many only the first."""
    first = list(map(str, names))
    more = len(first) - most
    return f"{', '.join(first[:most])} and {more} more" if more > 0 else ", ".join(first) or "none"


def how_many(number: int, noun: str, plural: str = "") -> str:
    """`1 run`, `1,000 runs`; the plural is the noun with an `s` if not given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def printable(text: str) -> str:
    """Text with a space for each character that would break a line or is invisible."""
    return "".join(character if character.isprintable() else " " for character in text)


def one_line(text: str) -> str:
    """Text without what would break a line or is invisible; it is written out instead."""
    return "".join(c if c.isprintable() else "\\n" if c == "\n" else f"\\x{ord(c):02x}" for c in text)
