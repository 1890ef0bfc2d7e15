"""Expressions of GitHub Actions, `${{ … }}`: those that a scheduled run answers, and those that only GitHub knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from batchtab.importers.kinds.github_actions.operators import Unknown, Value, both, call, compared, either, is_true

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\.?[A-Za-z_*][\w.*-]*\(?|-?\d+(?:\.\d+)?|==|!=|<=|>=|&&|\|\||[!()<>,]|\[|\])")
_TEXT = re.compile(r"'(?:[^']|'')*'")
_STATUS = re.compile(r"\b(always|failure|cancelled|success)\s*\(\s*\)", re.IGNORECASE)
_OWN = re.compile(
    r"github\.repository(_owner)?\s*==\s*'[^']*'|github\.ref(_name)?\s*==\s*'(refs/heads/)?(main|master)'"
)
#: The event of a schedule has these; of all others, such as a pull request, it has none.
_OF_EVENT = {"schedule", "workflow", "repository", "organization", "enterprise", "sender"}
_COMPARING = ("==", "!=", "<=", ">=", "<", ">")

Known = Mapping[str, str | bool | float | tuple[str, ...]]


class Status(StrEnum):
    """What happened before a job or a step, which `success()` and the like ask."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


#: Which of GitHub's functions are true.
_TRUE = {
    Status.SUCCEEDED: {"always", "success"},
    Status.FAILED: {"always", "failure"},
    Status.SKIPPED: {"always"},
    Status.CANCELLED: {"always", "cancelled"},
}


def status_calls(condition: object) -> set[str]:
    """Those of `always`, `failure`, `cancelled` and `success` that a condition calls."""
    return {each.lower() for each in _STATUS.findall(_TEXT.sub("''", _written(condition)))}


def holds(condition: object, known: Known, status: Status = Status.SUCCEEDED) -> bool | None:
    """Whether a condition is true of a scheduled run of its own repository's main branch; None if only GitHub knows.

    Args:
        condition: With or without `${{ }}`; a text, or a boolean of YAML.
        known: What is known of the run, such as `github.event.schedule`.
        status: What happened before. Without a function that asks for it, GitHub puts `success() &&` before a
            condition.
    """
    text = _written(condition).strip() or "success()"
    if status is not Status.SUCCEEDED and not status_calls(text):
        return False
    if EXPRESSION.search(text) and _inner(text) is None:
        return True  # GitHub takes `${{ a }} == 'b'` for a text, and a text is true
    return is_true(_value(_OWN.sub("true", text), known, status))


def answer(text: str, known: Known) -> str | None:
    """What an expression of a scheduled run is as a text; None if only GitHub knows.

    Args:
        text: With or without `${{ }}`.
        known: What is known of the run, such as `github.event.schedule`.
    """
    value = _value(text, known, Status.SUCCEEDED)
    if isinstance(value, (Unknown, tuple)):
        return None
    return _written(value)


def _written(value: object) -> str:
    """A value as GitHub writes it into a text: `true`, `3`, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _inner(text: str) -> str | None:
    """What is within `${{ }}`, if it is all of the text."""
    match = EXPRESSION.fullmatch(text)
    return match[1] if match and "}}" not in match[1] else None


def _value(text: str, known: Known, status: Status) -> Value:
    stripped = text.strip()
    inner = _inner(stripped)
    tokens = _tokens(stripped if inner is None else inner)
    if tokens is None:
        return Unknown.VALUE
    try:
        parser = _Parser(tokens, {key.lower(): value for key, value in known.items()}, status)
        value = parser.any_of()
    except (IndexError, ValueError, RecursionError):
        return Unknown.VALUE
    return value if parser.is_at_end else Unknown.VALUE


def _tokens(text: str) -> list[str] | None:
    found, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        found.append(match[1])
        position = match.end()
    return found


class _Parser:
    """Reads GitHub's grammar: `a == 'b' && !(c || d)`, calls and indexes."""

    def __init__(self, tokens: list[str], known: Known, status: Status) -> None:
        self._tokens = tokens
        self._known = known
        self._status = status
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._tokens)

    def any_of(self) -> Value:
        value = self._all_of()
        while self._takes("||"):
            value = either(value, self._all_of())
        return value

    def _all_of(self) -> Value:
        value = self._compared()
        while self._takes("&&"):
            value = both(value, self._compared())
        return value

    def _compared(self) -> Value:
        value = self._single()
        while operator := next((each for each in _COMPARING if self._takes(each)), ""):
            value = compared(value, operator, self._single())
        return value

    def _single(self) -> Value:
        if self._takes("!"):
            found = is_true(self._single())
            return Unknown.VALUE if found is None else not found
        value = self._plain()
        # An index or a field of a value is only known to GitHub.
        while not self.is_at_end and (self._tokens[self._at] == "[" or self._tokens[self._at].startswith(".")):
            self._at += 1
            if self._tokens[self._at - 1] == "[":
                self.any_of()
                self._close("]")
            value = Unknown.VALUE
        return value

    def _plain(self) -> Value:
        if self._takes("("):
            value = self.any_of()
            self._close(")")
            return value
        word = self._tokens[self._at]
        self._at += 1
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word[0].isdigit() or word[0] == "-":
            return float(word)
        if word.endswith("(") and len(word) > 1:
            return self._call(word[:-1].lower())
        if not (word[0].isalpha() or word[0] in "_*"):
            raise ValueError(word)
        return self._named(word.lower())

    def _named(self, word: str) -> Value:
        if word in {"true", "false", "null"}:
            return {"true": True, "false": False}.get(word, "")
        if word in self._known:
            return self._known[word]
        first, _, rest = word.partition(".")
        outer, _, field = rest.partition(".")
        if first == "inputs" or (first == "github" and outer == "event" and field.partition(".")[0] not in _OF_EVENT):
            return ""  # a scheduled run has no inputs, and null is written as nothing
        return Unknown.VALUE

    def _call(self, name: str) -> Value:
        arguments: list[Value] = []
        while not self._takes(")"):
            if arguments and not self._takes(","):
                raise ValueError(name)
            arguments.append(self.any_of())
        if name in _TRUE[Status.SUCCEEDED] | {"failure", "cancelled"} and not arguments:
            return name in _TRUE[self._status]
        return call(name, arguments)

    def _takes(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == word:
            self._at += 1
            return True
        return False

    def _close(self, word: str) -> None:
        if not self._takes(word):
            raise ValueError(word)
