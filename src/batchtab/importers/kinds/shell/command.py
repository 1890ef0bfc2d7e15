"""A shell command as a job's command: a list of words where that is the same, else a script of `sh -c`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchtab.importers import variables
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.shell import background, known, output
from batchtab.importers.kinds.shell.policies import LOCKS, record_heartbeat, without_policy
from batchtab.importers.kinds.shell.words import RESERVED, Item, Line, NotSimpleError, Simple, parse
from batchtab.importers.kinds.shell.wrappers import Wrapped, without_plain
from batchtab.importers.secret_texts import masked_command

_DEEPEST = 6
#: What may come before the one command that is the job: it prepares the shell.
_PREPARE = frozenset({"cd", "pushd", "source", ".", "export", "set", "ulimit", "umask", "exit"})
_TESTS = frozenset({"[", "test"})
#: Programs that are part of the shell.
_OF_SHELL = _PREPARE | {":", "eval", "type", "command", "alias", "read", "wait", "trap", "builtin", "shopt", "unset"}
_SLEEP = re.compile(r"\$\(\(\s*\$?\{?RANDOM\}?\s*%\s*([0-9]{1,5})(?:\s*\+\s*[0-9]+)?\s*\)\)")
_MINUTE = 60


@dataclass(slots=True)
class Command:
    """What a shell command became.

    Attributes:
        argv: The job's command.
        words: Those that say what it does, for the job's name.
        settings: Fields of jobs.yaml that the command said.
        environment: Variables that were set before the program.
        lock: The lock's name, where it takes one.
        jitter_seconds: By how much it sleeps at most before it begins, at random.
        comment: What follows `#`.
    """

    argv: list[str]
    words: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    lock: str = ""
    jitter_seconds: int = 0
    comment: str = ""


def read(text: str, recorder: Recorder, *, stdin: str = "", shell: str = "sh") -> Command:
    """Read a command as a shell does, without running it; each part that is dropped or changed is recorded.

    Args:
        text: The command.
        recorder: Where findings go.
        stdin: What it reads from standard input.
        shell: The shell that runs it.
    """
    command = Command([])
    wrapped = Wrapped(recorder)
    reduced = _reduced(text, wrapped, command, 0)
    command.settings |= wrapped.settings
    command.lock = wrapped.lock
    simple = _only(reduced)
    if simple is not None and not stdin and simple.assignments and all(each.value for each in simple.assignments):
        values: Mapping[str, object] = dict((each.value or "").split("=", 1) for each in simple.assignments)
        command.environment = variables.carried_variables(values, recorder)
        simple = replace(simple, assignments=())
        reduced = Line((Item("", (simple,)),))
    command.words = masked_command(_words(reduced))
    if simple is not None and not stdin and _is_plain(simple):
        command.argv = [each.value or "" for each in simple.words]
    else:
        command.argv = [shell, "-c", _script(reduced, stdin)]
    if isinstance(reduced, Line):
        _record_obstacles(reduced, recorder)
    _record(text, reduced, command, recorder)
    return command


def _record(text: str, reduced: Line | str, command: Command, recorder: Recorder) -> None:
    masked = masked_command(command.argv)
    is_whole = text.split() == (reduced if isinstance(reduced, str) else reduced.text).split()
    text = known.without_keys(text)
    to = "command" if command.argv[1:2] != ["-c"] else f"command, by {command.argv[0]} -c"
    if masked != command.argv:
        command.argv = masked
        todo = "store it in SSM Parameter Store, name it in secrets, and read that variable in the command"
        recorder.changed("command", text, "a secret in it is replaced by ***, as jobs.yaml never contains one", todo)
    elif is_whole:
        recorder.carried("command", text, to)
    else:
        recorder.changed("command", text, f"{to}; what was taken out has a line of its own")


def _reduced(text: str, wrapped: Wrapped, command: Command, depth: int) -> Line | str:
    """The command without what jobs.yaml says elsewhere; a text where it is more than lists of plain commands."""
    recorder = wrapped.recorder
    line = _parsed(text) if depth <= _DEEPEST else None
    if line is None and (bare := background.without_tail(text, recorder)) != text:
        return _reduced(bare, wrapped, command, depth + 1)
    if line is None and (bare := output.without_logs_at_end(text, recorder)) != text.rstrip():
        return _reduced(bare, wrapped, command, depth + 1)
    if line is None:
        _record_unread(text, recorder)
        return text.strip()
    command.comment = command.comment or line.comment
    line = background.foreground(line, recorder)
    line = _without_sleep(_without_heartbeats(line, recorder), wrapped, command)
    line = Line(tuple(output.without_logs(each, recorder) for each in line.items))
    line = _guarded(line, recorder)
    *before, last = line.items
    is_sole = len(last.pipeline) == 1 and last.connector in {"", "&&", ";"} and _prepares(before)
    inner: Simple | str | None = last.pipeline[0]
    while is_sole and isinstance(inner, Simple):
        simple = inner
        inner = without_plain(simple, wrapped)
        if isinstance(inner, Simple):
            inner = without_policy(inner, wrapped) or (inner if inner is not simple else None)
        if inner is None:
            return Line((*before, replace(last, pipeline=(simple,))))
        if isinstance(inner, str):
            _record_files(simple, recorder)
            return _around(before, simple, _reduced(inner, wrapped, command, depth + 1))
    return Line(tuple(replace(each, pipeline=_bare(each.pipeline, wrapped)) for each in line.items))


def _parsed(text: str) -> Line | None:
    """Its parts; None where it is more than lists of plain commands, or nothing."""
    try:
        line = parse(text)
    except NotSimpleError:
        return None
    return line if line.items else None


def _bare(pipeline: tuple[Simple, ...], wrapped: Wrapped) -> tuple[Simple, ...]:
    found = []
    for simple in pipeline:
        bare = without_plain(simple, wrapped) if simple.program not in {"su", "runuser"} else simple
        found.append(bare if isinstance(bare, Simple) else simple)
    return tuple(found)


def _around(before: list[Item], simple: Simple, inner: Line | str) -> Line | str:
    """What was before and around a command, with another text in its place."""
    text = inner if isinstance(inner, str) else inner.text
    if isinstance(inner, Line) and not before and not simple.redirections and not simple.assignments:
        return inner
    if isinstance(inner, Line) and len(inner.items) == 1 and not simple.redirections and not simple.assignments:
        connector = "&&" if before[-1].connector != "||" else ";"
        return Line((*before, replace(inner.items[0], connector=connector)))
    group = f"{{ {text}\n}}" if "#" in text else f"{{ {text}; }}"
    group = " ".join([group, *(each.text for each in simple.redirections)])
    exported = "".join(f"export {each.text}; " for each in simple.assignments)
    return f"{Line(tuple(before)).text} && {exported}{group}" if before else f"{exported}{group}"


def _prepares(before: list[Item]) -> bool:
    return all(len(each.pipeline) == 1 and each.pipeline[0].program in _PREPARE | _TESTS for each in before)


def _guarded(line: Line, recorder: Recorder) -> Line:
    """`[ -x FILE ] && program`: cron does not mind that a false test fails, and Batch does."""
    rest = [*line.items]
    if any(each.connector != "&&" for each in rest[1:]):
        return line
    leave = Item("||", parse("exit 0").items[0].pipeline)
    tests: list[Item] = []
    while len(rest) > 1 and rest[0].pipeline[0].program in _TESTS:
        how = "a false test ends the run with 0: to cron a failure means nothing"
        recorder.changed("test", rest[0].text, how)
        tests += [replace(rest[0], connector=";" if tests else ""), leave]
        rest = [replace(rest[1], connector=";"), *rest[2:]]
    return Line((*tests, *rest))


def _without_heartbeats(line: Line, recorder: Recorder) -> Line:
    """Without what reports to a monitor; an entry that does nothing else stays."""
    kept: list[Item] = []
    found: dict[tuple[str, str], None] = {}
    for item in line.items:
        pings = [host for each in item.pipeline if (host := known.heartbeat(each))]
        if not pings:
            kept.append(item if kept else replace(item, connector=""))
            continue
        found[pings[0], f"{item.pipeline[-1].program} {pings[0]}/…"] = None
        if len(item.pipeline) > 1:  # what it prints is posted
            kept.append(replace(item, pipeline=item.pipeline[:-1], connector=item.connector if kept else ""))
    if not kept:
        for host, text in found:
            todo = "leave the job out: alerts report what does not run"
            recorder.changed("heartbeat", text, f"stays: the entry does nothing but call {host}", todo)
        return line
    for host, text in found:
        record_heartbeat(recorder, host, text)
    return Line(tuple(kept))


def _without_sleep(line: Line, wrapped: Wrapped, command: Command) -> Line:
    """Without a sleep of a random time at the beginning."""
    first, *rest = line.items
    simple = first.pipeline[0]
    match = _SLEEP.fullmatch(simple.words[1].text.strip('"')) if len(simple.words) == 2 else None
    if not rest or simple.program != "sleep" or match is None or int(match[1]) < _MINUTE:
        return line
    minutes = -(-int(match[1]) // _MINUTE)
    command.jitter_seconds = int(match[1])
    wrapped.settings["flexible_window_minutes"] = minutes
    wrapped.recorder.changed("sleep", simple.words[1].text, f"flexible_window_minutes: {minutes}")
    return Line((replace(rest[0], connector=""), *rest[1:]))


def _record_obstacles(line: Line, recorder: Recorder) -> None:
    for item in line.items:
        if found := known.obstacle(item):
            program, why, todo = found
            recorder.changed(program, item.text, f"stays in the command, and {why}", todo)
        for simple in item.pipeline:
            _record_files(simple, recorder)
            background.record_in_command(simple, recorder)
            if simple.program in LOCKS:
                _record_lock(simple.text, recorder)


def _record_files(simple: Simple, recorder: Recorder) -> None:
    for each in simple.redirections:
        if each.is_output and not known.is_log(each):
            why = "stays in the command, and writes to the container's disk, which is lost at the end"
            recorder.changed("file", each.text, why, "write to S3 or to a volume: volumes and mounts")


def _record_lock(text: str, recorder: Recorder) -> None:
    why = "stays in the command, where it excludes no other container"
    recorder.changed("lock", text, why, "take it out, and set concurrency_policy: forbid or queue")


def _record_unread(text: str, recorder: Recorder) -> None:
    """What matters in a text that is carried whole."""
    background.record_in_text(text, recorder)
    if host := known.heartbeat_in(text):
        recorder.changed("heartbeat", host, "stays in the command", "give the image curl, or take the ping out")
    if match := re.search(rf"\b({'|'.join(LOCKS)})\s+\S+", text):
        _record_lock(match[0], recorder)
    for program, why, todo in known.obstacles_in(text):
        recorder.changed(program, text, f"stays in the command, and {why}", todo)


def _only(reduced: Line | str) -> Simple | None:
    """The command, if it is a single one."""
    if isinstance(reduced, str) or len(reduced.items) != 1 or len(reduced.items[0].pipeline) != 1:
        return None
    return reduced.items[0].pipeline[0]


def _is_plain(simple: Simple) -> bool:
    """Whether it starts the same program without a shell."""
    is_known = bool(simple.words) and all(each.value for each in simple.words)
    return is_known and not simple.assignments and not simple.redirections and simple.program not in _OF_SHELL


def _script(reduced: Line | str, stdin: str) -> str:
    text = reduced if isinstance(reduced, str) else reduced.text
    if not stdin:
        return text
    if _only(reduced) is None:
        text = f"{{ {text}\n}}"
    return f"printf %s {shlex.quote(stdin)} | {text}"


def _words(reduced: Line | str) -> list[str]:
    """The words of the command that is the job: the last one that is no preparation."""
    if isinstance(reduced, str):
        bare = re.sub(r"[;&|(){}\[\]]", " ", reduced).split()
        return [*dict.fromkeys(each for each in bare if each not in RESERVED | _OF_SHELL | _TESTS)]
    simples = [each.pipeline[0] for each in reduced.items]
    found = next((each for each in simples if each.program not in _OF_SHELL | _TESTS | {"sleep"}), simples[-1])
    return [each.value if each.value is not None else each.text for each in found.words]
