"""Where in a script of the shell an expression is: the shell replaces `${NAME}` in its place, or does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from batchtab.importers.kinds.github_actions.expressions import EXPRESSION

_HEREDOC = re.compile(r"<<(-?)[ \t]*((?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s'\"\\;&|<>()`$])+)")
_QUOTES = re.compile(r"['\"\\]")
#: What begins within each mode, and the mode; longer ones first.
_SHELL = {"$((": "((", "((": "((", "$(": "(", "(": "(", "${": "{", "$'": "$'", "'": "'", '"': '"', "`": "`"}
_WITHIN = {
    "": _SHELL,
    "(": _SHELL,
    "{": {"$((": "((", "$(": "(", "${": "{", "'": "'", '"': '"', "`": "`"},
    "`": {key: mode for key, mode in _SHELL.items() if mode != "`"},
    '"': {"$((": "((", "$(": "(", "`": "`"},
    "((": {"(": "(( ("},
    "(( (": {"(": "(( ("},
}
_ENDS = {"(": ")", "{": "}", "`": "`", '"': '"', "'": "'", "$'": "'", "((": "))", "(( (": ")"}
_COMMENT_AFTER = {"", *" \t\n;&|()"}


class Place(StrEnum):
    """Where an expression is; the value says what to do where the shell does not replace a variable."""

    REPLACED = ""
    QUOTED = "within single quotes the shell does not replace it: end them before it, and write it in double quotes"
    HEREDOC = r"the shell does not replace it here: write the word after << without quotes, and \$ for other dollars"
    ESCAPED = "the shell does not replace it after a backslash: take the backslash out"
    UNSURE = "the script's quotes do not end: check that the shell replaces it"


def places(text: str) -> list[Place]:
    """The place of each expression in a script, in their order."""
    reader = _Reader(text)
    reader.read()
    if len(reader.modes) > 1:
        return [Place.UNSURE if each is Place.REPLACED else each for each in reader.found]
    return reader.found


class _Reader:
    """Reads a script as far as quotes, substitutions, comments and heredocs go."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._heredocs: list[re.Match[str]] = []
        self.modes = [""]
        self.found: list[Place] = []

    def read(self) -> None:
        while self._at < len(self._text):
            mode = self.modes[-1]
            expression = EXPRESSION.match(self._text, self._at)
            if expression:
                self.found.append(Place.QUOTED if mode in {"'", "$'"} else Place.REPLACED)
                self._at = expression.end()
            elif mode != "'" and self._text[self._at] == "\\":
                self._escaped(Place.QUOTED if mode == "$'" else Place.ESCAPED)
            elif not (self._ends(mode) or self._begins(mode) or self._skips(mode)):
                self._at += 1

    def _escaped(self, place: Place) -> None:
        self._at += 1
        expression = EXPRESSION.match(self._text, self._at)
        if expression:
            self.found.append(place)
        self._at = expression.end() if expression else self._at + 1

    def _ends(self, mode: str) -> bool:
        end = _ENDS.get(mode)
        if end is None or not self._text.startswith(end, self._at):
            return False
        self.modes.pop()
        self._at += len(end)
        return True

    def _begins(self, mode: str) -> bool:
        for begin, within in _WITHIN.get(mode, {}).items():
            if self._text.startswith(begin, self._at):
                self.modes.append(within)
                self._at += len(begin)
                return True
        return False

    def _skips(self, mode: str) -> bool:
        """Whether a comment, a heredoc's beginning or its text was read."""
        if mode not in {"", "(", "`"}:
            return False
        letter = self._text[self._at]
        if letter == "#" and self._text[max(0, self._at - 1) : self._at] in _COMMENT_AFTER:
            end = self._text.find("\n", self._at)
            end = len(self._text) if end < 0 else end
            self._expressions(self._at, end, lambda _: Place.REPLACED)  # it does not matter in a comment
            self._at = end
            return True
        if self._text.startswith("<<<", self._at):
            self._at += 3
            return True
        heredoc = _HEREDOC.match(self._text, self._at)
        if heredoc:
            self._heredocs.append(heredoc)
            self._at = heredoc.end()
            return True
        if letter == "\n" and self._heredocs:
            self._at += 1
            for each in self._heredocs:
                self._heredoc(each)
            self._heredocs.clear()
            return True
        return False

    def _heredoc(self, begin: re.Match[str]) -> None:
        has_tabs, word = bool(begin[1]), begin[2]
        start, last = self._at, _QUOTES.sub("", word)
        while self._at < len(self._text):
            end = self._text.find("\n", self._at)
            end = len(self._text) if end < 0 else end
            line = self._text[self._at : end]
            begin_of_line, self._at = self._at, end + 1
            if (line.lstrip("\t") if has_tabs else line) == last:
                break
        else:
            begin_of_line = len(self._text)
        is_quoted = _QUOTES.search(word) is not None
        self._expressions(start, begin_of_line, lambda at: Place.HEREDOC if is_quoted else self._after_backslash(at))

    def _expressions(self, start: int, end: int, place: Callable[[int], Place]) -> None:
        self.found += [place(each.start()) for each in EXPRESSION.finditer(self._text, start, end)]

    def _after_backslash(self, at: int) -> Place:
        before = self._text[:at]
        is_escaped = (len(before) - len(before.rstrip("\\"))) % 2
        return Place.ESCAPED if is_escaped else Place.REPLACED
