"""A shell command in parts, as far as an importer must understand it: lists, pipelines, words, redirections.

What is not understood, such as `if`, `( … )` or a here-document, raises `NotSimpleError`; it is then carried whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Words that begin or end a command of several commands.
RESERVED = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "select", "function"}
    | {"{", "}", "!", "[[", "coproc"}
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_CONNECTORS = ("&&", "||", ";", "&")
_DEEPEST = 40


class NotSimpleError(ValueError):
    """The command is more than lists of plain commands."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command.

    Attributes:
        text: As it is written.
        value: What the shell makes of it; None if only a running shell knows, as with `$HOME` and `*.log`.
    """

    text: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Redirection:
    """Such as `2>>/var/log/x`.

    Attributes:
        text: As it is written.
        operator: Without the number before it: `>`, `>>`, `>&`, `&>`, `<`…
        target: What it names.
    """

    text: str
    operator: str
    target: Word

    @property
    def is_output(self) -> bool:
        """Whether it is about what a program prints."""
        return ">" in self.operator and self.operator != "<>"


@dataclass(frozen=True, slots=True)
class Simple:
    """A program with its arguments.

    Attributes:
        assignments: `NAME=value` before it.
        words: Program and arguments.
        redirections: Wherever they are.
    """

    assignments: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()
    redirections: tuple[Redirection, ...] = ()

    @property
    def text(self) -> str:
        """As it may be written."""
        parts: list[Word | Redirection] = [*self.assignments, *self.words, *self.redirections]
        return " ".join(each.text for each in parts)

    @property
    def program(self) -> str:
        """The program's name without folders; empty if it is computed."""
        return (self.words[0].value or "").rpartition("/")[2] if self.words else ""


@dataclass(frozen=True, slots=True)
class Item:
    """A pipeline, and what is before it.

    Attributes:
        connector: `&&`, `||`, `;` or `&`; empty for the first.
        pipeline: Its commands.
    """

    connector: str
    pipeline: tuple[Simple, ...]

    @property
    def text(self) -> str:
        """As it may be written."""
        return " | ".join(each.text for each in self.pipeline)


@dataclass(frozen=True, slots=True)
class Line:
    """A whole command.

    Attributes:
        items: Its pipelines.
        in_background: Whether it ends with `&`.
        comment: What follows `#`.
    """

    items: tuple[Item, ...]
    in_background: bool = False
    comment: str = ""

    @property
    def text(self) -> str:
        """As it may be written."""
        parts = [self.items[0].text] if self.items else []
        for each in self.items[1:]:
            parts.append(f"; {each.text}" if each.connector == ";" else f" {each.connector} {each.text}")
        return "".join(parts)


def parse(text: str) -> Line:
    """Read a command.

    Raises:
        NotSimpleError: It is more than lists of plain commands, or has an open quote.
    """
    tokens, comment = _tokens(text)
    items: list[Item] = []
    connector, pipeline, at = "", list[Simple](), 0
    in_background = False
    while at < len(tokens):
        simple, at = _simple(tokens, at)
        pipeline.append(simple)
        following = tokens[at] if at < len(tokens) else ""
        if following == "|":
            at += 1
            continue
        items.append(Item(connector, tuple(pipeline)))
        connector, pipeline = str(following), []
        at += 1
        in_background = following == "&" and at >= len(tokens)
    if pipeline or connector in {"&&", "||"}:
        raise NotSimpleError(text)
    return Line(tuple(items), in_background, comment)


def _simple(tokens: list[str | Word | Redirection], at: int) -> tuple[Simple, int]:
    assignments: list[Word] = []
    words: list[Word] = []
    redirections: list[Redirection] = []
    while at < len(tokens) and not isinstance(token := tokens[at], str):
        if isinstance(token, Redirection):
            redirections.append(token)
        elif not words and _ASSIGNMENT.match(token.text):
            assignments.append(token)
        else:
            words.append(token)
        at += 1
    if not (words or assignments) or (words and words[0].text in RESERVED):
        raise NotSimpleError
    return Simple(tuple(assignments), tuple(words), tuple(redirections)), at


def _tokens(text: str) -> tuple[list[str | Word | Redirection], str]:
    """Words, redirections and operators, and the comment at the end."""
    found: list[str | Word | Redirection] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if blank := re.match(r"[ \t]+", rest):
            at += blank.end()
        elif rest[0] == "#":
            return found, rest[1:].strip()
        elif match := re.match(r"(?:[0-9]+(?=[<>]))?(&>>?|>>|>\||>&|<&|<>|<(?![<(])|>(?!\())", rest):
            begin = at
            at += match.end()
            at += len(text[at:]) - len(text[at:].lstrip(" \t"))
            target, at = _word(text, at)
            found.append(Redirection(text[begin:at], match[1], target))
        elif match := re.match(r"&&|\|\||\||;|&", rest):
            if rest.startswith((";;", "|&")):
                raise NotSimpleError(text)
            found.append(match[0])
            at += match.end()
        else:
            word, at = _word(text, at)
            found.append(word)
    return found, ""


def _word(text: str, at: int) -> tuple[Word, int]:
    begin, value, is_known = at, list[str](), True
    bare = ""  # what no quote protects from the shell
    if text[at : at + 1] == "~":
        is_known = False
    while at < len(text) and text[at] not in " \t|&;<>()\n":
        character = text[at]
        if character == "\\":
            value.append(text[at + 1 : at + 2])
            at += 2
        elif character == "'":
            end = _found(text, "'", at + 1)
            value.append(text[at + 1 : end])
            at = end + 1
        elif character == '"':
            inner, at, is_static = _double_quoted(text, at + 1)
            value.append(inner)
            is_known = is_known and is_static
        elif character in "$`":
            is_known = False
            at = _computed(text, at)
        else:
            is_known = is_known and character not in "*?["
            value.append(character)
            bare += character
            at += 1
    if at == begin or at > len(text) or (at < len(text) and text[at] in "()\n"):
        raise NotSimpleError(text)
    raw = text[begin:at]
    is_known = raw == "[" or (is_known and re.search(r"\{[^}]*(,|\.\.)[^}]*\}", bare) is None)
    return Word(raw, "".join(value) if is_known else None), at


def _double_quoted(text: str, at: int) -> tuple[str, int, bool]:
    value, is_static = [], True
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and text[at + 1 : at + 2] in {"$", "`", '"', "\\"}:
            value.append(text[at + 1])
            at += 2
        elif text[at] in "$`":
            is_static = False
            at = _computed(text, at)
        else:
            value.append(text[at])
            at += 1
    if at >= len(text):
        raise NotSimpleError(text)
    return "".join(value), at + 1, is_static


def _computed(text: str, at: int, depth: int = 0) -> int:
    """Where `$NAME`, `${…}`, `$(…)` or a command in backquotes ends."""
    if depth > _DEEPEST:
        raise NotSimpleError(text)
    if text[at] == "`":
        return _found(text, "`", at + 1) + 1
    opened = text[at + 1 : at + 2]
    if opened not in {"(", "{"}:
        name = re.match(r"\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])?", text[at:])
        return at + (name.end() if name else 1)
    closing = {"(": ")", "{": "}"}[opened]
    at += 2
    level = 1
    while at < len(text) and level:
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == "'" and opened == "(":
            at = _found(text, "'", at + 1) + 1
            continue
        if text[at : at + 2] in {"$(", "${"}:
            at = _computed(text, at, depth + 1)
            continue
        level += (text[at] == opened) - (text[at] == closing)
        at += 1
    if level or at > len(text):
        raise NotSimpleError(text)
    return at


def _found(text: str, character: str, at: int) -> int:
    end = text.find(character, at)
    if end < 0:
        raise NotSimpleError(text)
    return end
