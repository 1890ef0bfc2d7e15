"""The lines of a crontab: variables, entries, and what is neither.

https://manpages.debian.org/stable/cron/crontab.5.en.html and https://man7.org/linux/man-pages/man5/crontab.5.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat"
_FIELD = rf"(?:[0-9*?,/~#LWH()-]|{_NAMES})+"
_ENTRY = re.compile(
    rf"\s*(-?)(@every\s+[0-9hms.]+|@[A-Za-z_0-9]+|{_FIELD}(?:\s+{_FIELD}){{4}})(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)
_ANACRON = re.compile(r"\s*([0-9]+|@[a-z]+)\s+([0-9]+)\s+([\w.-]*[A-Za-z_.][\w.-]*)\s+(\S.*)", re.DOTALL)
_VARIABLE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z_][A-Za-z0-9_]*))\s*=\s*(.*?)\s*""", re.DOTALL)
_USER = re.compile(r"[a-z_][a-z0-9_.-]*\$?(?::[a-z0-9_.-]+)?(?:/[a-z]+)?")
#: Words that a line of one's own crontab begins with, and no user is called.
_PROGRAMS = frozenset(
    {
        "cd",
        "sh",
        "bash",
        "zsh",
        "env",
        "nice",
        "ionice",
        "flock",
        "timeout",
        "curl",
        "wget",
        "find",
        "rm",
        "cp",
        "mv",
        "ls",
    }
    | {"php", "python", "python3", "perl", "ruby", "node", "java", "docker", "rsync", "tar", "test", "source", "sleep"}
    | {
        "cat",
        "echo",
        "sudo",
        "su",
        "run-parts",
        "certbot",
        "make",
        "nohup",
        "setsid",
        "chronic",
        "cronic",
        "touch",
        "ls",
    }
)
_USERS = re.compile(
    "root|www-data|nobody|postgres|mysql|git|jenkins|ubuntu|ec2-user|admin|daemon|backup|apache|nginx|http|centos|debian"
    "|smmsp|list|mail|news|uucp|man|munin|nagios|zabbix|redis|deploy|vagrant|app"
)
#: Lines that people do not write about an entry.
_HEADINGS = re.compile(
    r"\bm\s+h\b|user-name|command to be executed|do not edit|edit this file|minute|day of (the )?(month|week)"
    r"|\.-{3,}|^[|\s]+|see .*(man|crontab)\b",
    re.IGNORECASE,
)
_COMMENTED_OUT = re.compile(r"#+\s*(?:disabled\b\W*)?", re.IGNORECASE)
_DESCRIPTION_MAX = 200


@dataclass(frozen=True, slots=True)
class Variable:
    """`NAME=value`."""

    line: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that starts a command.

    Attributes:
        line: Its number.
        fields: When, as it is written.
        command: What, with `%` as it means.
        stdin: What the command reads, of text after `%`.
        user: Who; empty without a column of users.
        is_quiet: Whether `-` before it keeps it out of the system's log.
        options: `-n`, `-q` and `-s` of OpenBSD and FreeBSD.
        comment: The comment above it.
    """

    line: int
    fields: str
    command: str
    stdin: str = ""
    user: str = ""
    is_quiet: bool = False
    options: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Anacron:
    """An entry of anacrontab: period, delay, name, command."""

    line: int
    period: str
    delay: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that cron would refuse."""

    line: int
    text: str
    why: str


@dataclass(slots=True)
class Tab:
    """A crontab.

    Attributes:
        lines: In order.
        commented_out: Numbers of lines that are entries behind `#`.
        comments: How many other comments there are that belong to no entry.
    """

    lines: list[Variable | Entry | Anacron | Unread] = field(default_factory=list)
    commented_out: list[int] = field(default_factory=list)
    comments: int = 0


def parse(text: str, *, has_users: bool) -> Tab:
    """Read a crontab.

    Args:
        text: Its content.
        has_users: Whether the sixth column is a user.
    """
    tab = Tab()
    above: list[str] = []
    for number, ended in enumerate(text.split("\n"), 1):
        line = ended.rstrip("\r")
        stripped = line.strip()
        if stripped.startswith("#"):
            _read_comment(tab, number, stripped, above, has_users)
            continue
        if stripped:
            found = _line(number, line, _description(above), has_users)
            tab.lines.append(found)
            if isinstance(found, Entry) and found.comment:
                above.clear()
        tab.comments += len(above)
        above.clear()
    tab.comments += len(above)
    return tab


def has_users(path: PurePath, text: str) -> tuple[bool, bool]:
    """Whether the sixth column is a user, and whether that is sure."""
    parts = path.parts
    if "cron.d" in parts or parts[-2:] == ("etc", "crontab"):
        return True, True
    if {"cron", "crontabs"} & {*parts[:-1]} and "spool" in parts:
        return False, True
    rests = [
        match[3].split(maxsplit=1)
        for line in text.split("\n")
        if not line.lstrip().startswith("#") and not _VARIABLE.fullmatch(line)
        if (match := _ENTRY.fullmatch(line.rstrip("\r"))) and match[3]
    ]
    if not rests or any(len(rest) < 2 or not _USER.fullmatch(rest[0]) or rest[0] in _PROGRAMS for rest in rests):
        return False, True
    is_known = [_USERS.fullmatch(rest[0]) is not None for rest in rests]
    if any(is_known):
        return True, all(known or rest[1].startswith("/") for known, rest in zip(is_known, rests, strict=True))
    # `deploy /srv/run.sh` may be a program with an argument.
    return (True, False) if all(rest[1].startswith("/") for rest in rests) else (False, True)


def _line(number: int, line: str, comment: str, has_users: bool) -> Variable | Entry | Anacron | Unread:
    if match := _VARIABLE.fullmatch(line):
        value = match[4]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        return Variable(number, match[1] or match[2] or match[3] or "", value)
    entry = _ENTRY.fullmatch(line)
    if (anacron := _ANACRON.fullmatch(line)) and (entry is None or entry[2].startswith("@")):
        return Anacron(number, anacron[1], anacron[2], anacron[3], line.strip())
    if entry is None:
        return Unread(number, line.strip(), "is not an entry of a crontab, and no variable")
    return _entry(number, entry, comment, has_users, line)


def _entry(number: int, match: re.Match[str], comment: str, has_users: bool, line: str) -> Entry | Unread:
    rest = (match[3] or "").strip()
    if re.fullmatch(r"[0-9*,/?-]+", rest.split(maxsplit=1)[0] if rest else "") and not match[2].startswith("@"):
        return Unread(number, line.strip(), "has six fields of time: cron has five, and no seconds")
    user = ""
    if has_users:
        user, _, rest = rest.partition(" ") if "\t" not in rest.partition(" ")[0] else rest.partition("\t")
        rest = rest.strip()
    options = []
    while option := re.match(r"(-[nqs]+)\s+", rest):
        options.append(option[1])
        rest = rest[option.end() :]
    if not rest:
        return Unread(number, line.strip(), "has no command")
    command, stdin = _split_percent(rest)
    return Entry(number, match[2], command, stdin, user, bool(match[1]), tuple(options), comment)


def _split_percent(text: str) -> tuple[str, str]:
    r"""The command and its input: the first `%` begins it, others are new lines, and `\%` is `%`."""
    command = list[str]()
    at, is_escaped = 0, False
    while at < len(text):
        character = text[at]
        if character == "%" and not is_escaped:
            return "".join(command), _input(text[at + 1 :])
        if character == "%":
            command.pop()
        command.append(character)
        is_escaped = character == "\\" and not is_escaped
        at += 1
    return "".join(command), ""


def _input(text: str) -> str:
    lines = re.sub(r"\\%|%", lambda match: "%" if len(match[0]) > 1 else "\n", text)
    return lines if lines.endswith("\n") else f"{lines}\n"


def _read_comment(tab: Tab, number: int, text: str, above: list[str], has_users: bool) -> None:
    bare = _COMMENTED_OUT.sub("", text, count=1)
    is_entry = _ENTRY.fullmatch(bare) is not None and isinstance(_line(number, bare, "", has_users), Entry)
    if is_entry and "command to be executed" not in bare and not bare.startswith("@ "):
        tab.commented_out.append(number)
        bare = ""
    elif not bare or _HEADINGS.search(bare) or not re.search(r"\w{2}", bare):
        tab.comments += 1
        bare = ""
    if bare:
        above.append(bare.strip(" #"))
    else:
        tab.comments += len(above)
        above.clear()


def _description(above: list[str]) -> str:
    text = re.sub(r"^Ansible: ", "", " ".join(above))
    return text if len(text) <= _DESCRIPTION_MAX else ""
