"""`ExecStart=` and its like as shell commands.

https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.systemd.units import Setting, words

_PREFIXES = "-@:+!|"
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash"})
_SCRIPT_AT = 2
_FULL = {"+": "full privileges", "!": "the privileges of another user"}


@dataclass(frozen=True, slots=True)
class Program:
    """One command line.

    Attributes:
        text: As a shell command.
        may_fail: Whether its failure counts as success.
        shell: The shell that runs the text, where it is a script of `sh -c`.
    """

    text: str
    may_fail: bool = False
    shell: str = ""

    @property
    def step(self) -> str:
        """As one of several."""
        text = shlex.join([self.shell, "-c", self.text]) if self.shell else self.text
        return f"{{ {text} || true; }}" if self.may_fail else text


def programs(setting: Setting, environment: Mapping[str, str], recorder: Recorder) -> list[Program]:
    """The commands of a setting, which `;` separates.

    Args:
        setting: Such as `ExecStart`.
        environment: Variables whose values are known; systemd puts them into the words.
        recorder: Where findings go.
    """
    prefix = re.match(rf"[{re.escape(_PREFIXES)}]*", setting.value)
    marks = prefix[0] if prefix else ""
    for mark, meaning in _FULL.items():
        if mark in marks:
            recorder.not_carried(f"{setting.name}.{mark}", mark, f"it means {meaning}: a container has its own")
    if "-" in marks:
        recorder.changed(f"{setting.name}.-", "-", "command: || true, because a failure counts as success")
    found: list[list[str]] = [[]]
    for word in words(setting.value[len(marks) :]):
        if word == ";":
            found.append([])
        else:
            found[-1].append(";" if word == "\\;" else word)
    result = []
    for argv in found:
        if not argv:
            continue
        if "@" in marks and len(argv) > 1:
            recorder.not_carried(f"{setting.name}.@", argv.pop(1), "a job's program has its own name")
        result.append(_program(argv, {} if ":" in marks else environment, marks))
    return result


def _program(argv: list[str], environment: Mapping[str, str], marks: str) -> Program:
    may_fail = "-" in marks
    name = argv[0].rpartition("/")[2]
    if name in _SHELLS and argv[1:2] == ["-c"] and len(argv) == _SCRIPT_AT + 1:
        # A variable that systemd does not know is left to the shell, which has the same ones.
        script = argv[_SCRIPT_AT]
        if ":" not in marks:
            script = re.sub(r"\$\{(\w+)\}", lambda match: environment.get(match[1], match[0]), script).replace(
                "$$", "$"
            )
        return Program(script, may_fail, argv[0])
    if ":" in marks:
        return Program(shlex.join(argv), may_fail)
    parts = [part for word in argv for part in _expanded(word, environment)]
    return Program(" ".join(parts), may_fail)


def _expanded(word: str, environment: Mapping[str, str]) -> list[str]:
    """A word as a shell writes it; `$NAME` alone is split at blanks."""
    if match := re.fullmatch(r"\$([A-Za-z_]\w*)", word):
        value = environment.get(match[1])
        return [word] if value is None else [shlex.quote(each) for each in value.split()]
    parts = []
    for piece in re.split(r"(\$\$|\$\{[A-Za-z_]\w*\})", word):
        if piece == "$$":
            parts.append(("$", True))
        elif match := re.fullmatch(r"\$\{(\w+)\}", piece):
            value = environment.get(match[1])
            parts.append((piece, False) if value is None else (value, True))
        elif piece:
            parts.append((piece, True))
    if all(is_literal for _, is_literal in parts):
        return [shlex.quote("".join(text for text, _ in parts))]
    return ["".join(shlex.quote(text) if is_literal else f'"{text}"' for text, is_literal in parts)]
