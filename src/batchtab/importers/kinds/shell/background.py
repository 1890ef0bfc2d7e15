"""Work in the background: a container ends with its main program, and what that one left behind ends with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.shell.words import Item, Line, Simple

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
#: What may follow work in the background and means nothing once it is in the foreground.
_ENDS = (["disown"], ["exit"], ["exit", "0"], ["true"], [":"])
_WAITS = "the job waits for the command: a container ends with its main program"
_TAIL = re.compile(r"(?<![&<>|;\\])&(?:\s*(?:disown\b[^;&|'\"#()]*|exit(?:\s+0)?|true|:)\s*;?)*\s*$")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\(\(.*?\)\)|\\.|(?:^|(?<=\s))#[^\n]*", re.DOTALL)
_AND = re.compile(r"(?<![&<>|;])&(?![&>])")
_WAIT = re.compile(r"(?:^|[;&\s({])wait\b")
_BETWEEN = re.compile(r"[;&|(){}\n]|\b(?:then|do|else)\b")
_TO_DO = "write the program itself, in the foreground, or wait at the end of the command"
_NOT_HERE = "write the program that it starts as the job's command"


def foreground(line: Line, recorder: Recorder) -> Line:
    """The command without the `&` at its end, and without what only lets go of it; earlier ones are reported."""
    items = line.items
    at = _last_behind(items)
    if line.in_background:
        recorder.changed("&", "&", _WAITS)
    elif at and all(_lets_go(each) for each in items[at:]):
        recorder.changed("&", f"& {Line(items[at:]).text}", _WAITS)
        items = items[:at]
        at = _last_behind(items)
    if at and not any(each.program == "wait" for item in items[at:] for each in item.pipeline):
        _record(f"{items[at - 1].text} &", recorder)
    return Line(items)


def without_tail(text: str, recorder: Recorder) -> str:
    """The same for a text that is not taken apart, such as `( … ) &`."""
    bare = _TAIL.sub("", text.rstrip())
    if not bare.strip() or bare == text.rstrip():
        return text
    recorder.changed("&", text.rstrip()[len(bare) :].strip(), _WAITS)
    return bare.rstrip()


def record_in_text(text: str, recorder: Recorder) -> None:
    """Report what a text leaves in the background."""
    bare = _QUOTED.sub("''", text)
    if _is_left(bare):
        _record(text, recorder)
    for part in _BETWEEN.split(bare):
        if program := _detaching(part.split()):
            _record(part.strip(), recorder, program)


def record_in_command(simple: Simple, recorder: Recorder) -> None:
    """Report what a single command leaves in the background."""
    words = [each.value if each.value is not None else each.text for each in simple.words]
    if program := _detaching(words):
        _record(simple.text, recorder, program)
    elif simple.program in _SHELLS and "-c" in words[:-1]:
        record_in_text(words[words.index("-c") + 1], recorder)


def _record(text: str, recorder: Recorder, program: str = "&") -> None:
    why = "stays in the command, and what it starts in the background ends as soon as the container's main program does"
    recorder.changed(program, text, why, _TO_DO if program == "&" else _NOT_HERE)


def _last_behind(items: Sequence[Item]) -> int:
    """The place of the last item with `&` before it; 0 if there is none."""
    return max((index for index, each in enumerate(items) if each.connector == "&"), default=0)


def _lets_go(item: Item) -> bool:
    if len(item.pipeline) > 1:
        return False
    words = [each.text for each in item.pipeline[0].words]
    return words[:1] == ["disown"] or words in _ENDS or (words[:1] == ["echo"] and "$!" in item.text)


def _is_left(bare: str) -> bool:
    ends = [each.end() for each in _AND.finditer(bare)]
    return bool(ends) and _WAIT.search(bare, ends[-1]) is None


def _detaching(words: Sequence[str]) -> str:
    """The program, if it only hands work to another process; empty if not."""
    if not words:
        return ""
    program, options = words[0].rpartition("/")[2], words[1:]
    short = "".join(each[1:] for each in options if re.fullmatch("-[A-Za-z]+", each))
    is_one = {
        "at": any(not each.startswith("-") for each in options) and not {"-l", "-r", "-d", "-c"} & {*options},
        "batch": True,
        "screen": any(re.fullmatch("-[A-Za-z]*d[A-Za-z]*m[A-Za-z]*", each) for each in options)
        or {"-d", "-m"} <= {*options},
        "tmux": any(each in {"new", "new-session", "neww", "new-window"} for each in options) and "d" in short,
        "systemd-run": not {"--scope", "--wait", "--pipe", "--pty", "-P", "-t"} & {*options},
        "start-stop-daemon": "--background" in options or "b" in short,
        "daemonize": True,
        "daemon": True,
        "dtach": "n" in short,
        "abduco": "n" in short,
        "setsid": {"-f", "--fork"} & {*options},
    }
    return program if is_one.get(program) else ""
