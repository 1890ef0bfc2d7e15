"""A command line, or a script's lines, as the list of words that a command is here."""

from __future__ import annotations

import re
import shlex
from typing import Any

from batchtab.declarations.rewriting import LONGEST, text_of, write

#: Said of a command that begins with an empty text.
NO_PROGRAM = "has an empty first word, which is the program: name it"
_SHELL = re.compile(r"[|&;<>$`*?()~\n]")


def words(field: str, value: Any) -> str:
    """A command, which is a list of words here."""
    if isinstance(value, str):
        return f"write {field}: {command(value)}"
    return write(field, value) if isinstance(value, list) and all(isinstance(word, str) for word in value) else ""


def command(line: str) -> str:
    """A command line as the list of words that a shell makes of it, or with a shell where it needs one.

    >>> command("sh -c 'echo hi'")
    '[sh, -c, echo hi]'
    """
    try:
        split = shlex.split(line)
    except ValueError:
        split = []
    bare = "".join(re.split(r"'[^']*'", line))
    words = split if split and not _SHELL.search(bare) else ["sh", "-c", line.strip()]
    text = text_of(words)
    return text if len(text) <= LONGEST else f"[{words[0]}, …]"


def script(field: str, value: Any) -> str:
    """GitLab's list of lines, each of which a shell reads."""
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return ""
    if len(lines) == 1:
        return words(field, lines[0])
    return write(field, ["sh", "-c", " && ".join(lines)]) if lines else ""
