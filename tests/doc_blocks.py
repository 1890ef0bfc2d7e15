"""What the pages show: fenced blocks, code within sentences, and the command lines in both."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.stopped_clock import stopped_clock

ROOT = Path(__file__).resolve().parents[1]
_TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
_FENCE = re.compile(r"^( *)(`{3,})(\w*)\n(.*?)^\1\2$", re.DOTALL | re.MULTILINE)
#: Expected comments on pull requests, which tests of the summary compare.
_NO_PAGES = "tests/"
PAGES = [page for page in sorted({*_TRACKED.split()}) if not page.startswith(_NO_PAGES)]
#: What a placeholder of the pages may be.
PLACEHOLDERS = {
    "<stage>": "prod",
    "<stack>": "jobs-examples",
    "<job>": "examples-minute-queue",
    "<job id>": "8d21dbee",
    "<id>": "8d21dbee",
    "<time>": "2026-11-29T09:00",
    "<namespace>": "batchtab",
    "<queue>": "default",
    "<revision>": "3",
    "<n>": "40",
    "<profile>": "prod",
    "<profile of the stage's account>": "prod",
    "<the old rule>": "nightly",
    "STAGE": "prod",
    "JOB": "examples-minute-queue",
    "RUN": "8d21dbee",
    "TIME": "2026-11-29T09:00",
    "REF": "main",
    "KIND": "wide",
    "COMMAND": "ls",
    "N": "3",
}
_PLACEHOLDER = re.compile("|".join(rf"\b{key}\b" if key.isupper() else re.escape(key) for key in PLACEHOLDERS))
NOW = datetime(2026, 11, 30, 4, 6, 2, tzinfo=UTC)  # 13:06:02 in Seoul
Clock = stopped_clock(NOW)
_OPERATORS = {"&&", "||", ";", "|", "(", ")"}


class Block(NamedTuple):
    """A fenced block, or code within a sentence, whose language is `inline`."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


class Call(NamedTuple):
    """One command of a command line."""

    block: Block
    words: tuple[str, ...]

    @property
    def is_name(self) -> bool:
        """Whether a sentence only names the command."""
        return self.block.language == "inline" and not any(word.startswith("-") for word in self.words)


def fenced(*languages: str) -> list[Block]:
    """All fenced blocks of some languages, or all."""
    return [block for block in _read() if block.language != "inline" and (block.language in languages or not languages)]


def inline() -> list[Block]:
    """All code within sentences, with what a table escapes."""
    return [block for block in _read() if block.language == "inline"]


def command_lines() -> Iterator[Block]:
    """All lines of blocks that people type, and code within sentences that may be one."""
    for block in fenced():
        lines = block.text.splitlines()
        if block.language == "sh" or (not block.language and block.text.startswith("batchtab ")):
            yield from (block._replace(line=block.line + 1 + at, text=line) for at, line in enumerate(lines))
        else:
            typed = ((at, line.removeprefix("$ ")) for at, line in enumerate(lines) if line.startswith("$ "))
            yield from (block._replace(line=block.line + 1 + at, text=line) for at, line in typed)
    yield from inline()


def shown() -> dict[tuple[str, ...], str]:
    """What pages show of the output of `$ command`, by the command's words."""
    found = {}
    for block in fenced("", "console"):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found[split(line)[0]] = output
    return found


def is_shown(page: str, output: str) -> bool:
    """Whether a page shows this output: spaces and line ends are as they please, and `…` is what it leaves out."""
    parts = (re.escape(" ".join(part.split())) for part in page.split("…"))
    return re.fullmatch(".*".join(parts), " ".join(output.split())) is not None


def calls(program: str) -> Iterator[Call]:
    """Each call of a program, with values for placeholders, once for each of `A|B`."""
    for line in command_lines():
        for text in variants(line.text):
            for words in split(text):
                if words[0] == "uvx":  # it runs what it installs
                    words = words[3:] if words[1:2] == ("--from",) else words[1:]  # noqa: PLW2901 - as typed without it
                if words and Path(words[0]).name.partition("@")[0] == program:
                    yield Call(line, words)


def variants(text: str) -> Iterator[str]:
    """A command line for each choice of its `A|B`, with all that is in `[…]`, and with values for placeholders."""
    text = re.sub(r"(?<=\s)\[([-A-Z][^\]]*)\]", r"\1", text).replace("…", "")
    parts = re.split(r"(?<!\S)([^\s'\"]+\|[^\s'\"]+)(?!\S)", text)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    for chosen in itertools.product(*choices):
        yield _PLACEHOLDER.sub(lambda found: PLACEHOLDERS[found[0]], "".join(chosen))


def split(text: str) -> list[tuple[str, ...]]:
    """The commands of a command line, without variables and redirections; none if it is no shell's line."""
    inner = [words for each in re.findall(r"\$\(([^()]*)\)", text) for words in split(each)]
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();|&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    try:
        words = list(lexer)
    except ValueError:
        return []
    groups = [list(its) for is_end, its in itertools.groupby(words, _OPERATORS.__contains__) if not is_end]
    return [tuple(group) for group in groups] + inner


def git(folder: Path, *commands: str) -> None:
    """Runs git, as a person whose name it knows."""
    names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in commands:
        subprocess.run(
            ["git", *shlex.split(command)], cwd=folder, env={**os.environ, **names}, check=True, capture_output=True
        )


def _read() -> list[Block]:
    if not _blocks:
        for page in PAGES:
            text = (ROOT / page).read_text(encoding="utf-8")
            for found in _FENCE.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                _blocks.append(Block(page, line, found[3], textwrap.dedent(found[4])))
            rest = _FENCE.sub(lambda found: re.sub(r"[^\n]", "", found[0]), text)
            for found in re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", rest, re.DOTALL):
                said = " ".join(found[2].replace("\\|", "|").split())
                _blocks.append(Block(page, rest.count("\n", 0, found.start()) + 1, "inline", said))
    return _blocks


_blocks: list[Block] = []
