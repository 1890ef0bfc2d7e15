"""Programs that start another one, such as `nice` and `sudo`, and mean nothing to a job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.shell.words import Simple, Word

_USER = "the job runs as its image's user"
_SHARE = "the job has its vCPUs for itself"
_OUTPUT = "output goes to CloudWatch Logs, and alerts report failures"
_FREE = "nothing else ends or waits for a job's program"


@dataclass(slots=True)
class Wrapped:
    """What wrappers said.

    Attributes:
        recorder: Where findings go.
        settings: Fields of jobs.yaml.
        lock: The lock's name; empty: none.
    """

    recorder: Recorder
    settings: dict[str, Any] = field(default_factory=dict)
    lock: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A program that changes how another one runs, and means nothing here.

    Attributes:
        why: Why it is not carried.
        with_value: Options whose value is the next word.
        positions: How many words follow the options before the program.
    """

    why: str
    with_value: tuple[str, ...] = ()
    positions: int = 0


_PLAIN = {
    "nice": _Kind(_SHARE, ("-n", "--adjustment")),
    "ionice": _Kind(_SHARE, ("-c", "--class", "-n", "--classdata")),
    "chrt": _Kind(_SHARE, positions=1),
    "taskset": _Kind(_SHARE, positions=1),
    "sudo": _Kind(_USER, ("-u", "--user", "-g", "--group", "-D", "--chdir", "-h", "-p", "-C", "-T", "-r", "-t")),
    "doas": _Kind(_USER, ("-u", "-C")),
    "gosu": _Kind(_USER, positions=1),
    "su-exec": _Kind(_USER, positions=1),
    "setuidgid": _Kind(_USER, positions=1),
    "chronic": _Kind(_OUTPUT),
    "cronic": _Kind(_OUTPUT),
    "systemd-cat": _Kind(_OUTPUT, ("-t", "--identifier", "-p", "--priority")),
    "stdbuf": _Kind(_OUTPUT, ("-i", "-o", "-e")),
    "unbuffer": _Kind(_OUTPUT),
    "time": _Kind("`batchtab history` has each run's duration", ("-o", "-f")),
    "systemd-inhibit": _Kind("no machine sleeps or shuts down", ("--who", "--what", "--why", "--mode")),
    "nohup": _Kind(_FREE),
    "setsid": _Kind(_FREE),
    "exec": _Kind(_FREE),
}


def without_plain(simple: Simple, wrapped: Wrapped) -> Simple | str:
    """The command without wrappers that mean nothing here; a text where the wrapper runs one, as `su -c TEXT` does."""
    while simple.words and are_known(simple.words[:2]):
        program = simple.program
        rest: Sequence[Word] | str | None
        if program in {"su", "runuser"}:
            rest, why = _of_su(simple.words), f"{_USER}, and reads no profile"
        elif program == "env":
            rest, why = _of_env(simple.words), ""
        elif program in _PLAIN:
            rest, why = (
                rest_of(simple.words, _PLAIN[program].with_value, _PLAIN[program].positions),
                _PLAIN[program].why,
            )
        else:
            break
        if not rest:
            break
        if why:
            values = [each.value for each in simple.words]
            end = values.index("-c") if isinstance(rest, str) and "-c" in values else len(values) - len(rest)
            options = " ".join(each.text for each in simple.words[1 : max(1, end)])
            wrapped.recorder.not_carried(program, options or program, why)
        if isinstance(rest, str):
            return rest
        simple = with_words(simple, rest)
    return simple


def are_known(words: Sequence[Word]) -> bool:
    """Whether no shell is needed to know them."""
    return all(each.value is not None for each in words)


def with_words(simple: Simple, words: Sequence[Word]) -> Simple:
    """The command with other words; `NAME=value` at their beginning are assignments, as `sudo` and `env` take them."""
    count = 0
    while count < len(words) and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[count].text):
        count += 1
    return replace(simple, assignments=(*simple.assignments, *words[:count]), words=tuple(words[count:]))


def rest_of(words: Sequence[Word], with_value: Sequence[str], positions: int) -> Sequence[Word] | None:
    """The words behind a program's options and first arguments."""
    at = 1
    while at < len(words) and (words[at].value or "").startswith("-"):
        option = words[at].value
        if option in {"-p", "--pid"} and words[0].text.endswith("ionice"):
            return None
        at += 1
        if option == "--":
            break
        at += option in with_value
    return words[at + positions :] or None


def _of_su(words: Sequence[Word]) -> Sequence[Word] | str | None:
    """`su - USER -c TEXT` and `runuser -u USER -- PROGRAM`."""
    at, names = 1, 0
    while at < len(words):
        value = words[at].value
        if value in {"-c", "--command"}:
            return words[at + 1].value if at + 1 < len(words) else None
        if value in {"-u", "--user"} and words[0].text.endswith("runuser"):
            at += 2
            if at < len(words) and words[at].value == "--":
                at += 1
            return words[at:] or None
        if value in {"-s", "--shell", "-g", "--group", "-G"}:
            at += 1
        elif not (value or "-").startswith("-"):
            names += 1
        if names > 1:
            return None
        at += 1
    return None


def _of_env(words: Sequence[Word]) -> Sequence[Word] | None:
    rest = words[1:]
    return None if not rest or (rest[0].value or "-").startswith("-") else rest
