"""Programs that start another one, such as `flock` and `timeout`: jobs.yaml says the same in a field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from batchtab import limits
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.shell.words import Simple, Word
from batchtab.importers.kinds.shell.wrappers import Wrapped, are_known, rest_of, with_words

_TIMEOUT_MIN = limits.TIMEOUT_SECONDS.minimum
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LOCKS = frozenset({"flock", "lckdo", "lockrun", "run-one", "run-this-one", "setlock", "solo"})


def without_policy(simple: Simple, wrapped: Wrapped) -> Simple | str | None:
    """The command without a lock, a time limit or a monitor that jobs.yaml has fields for; None: it has none."""
    readers: dict[str, Callable[[Simple, Wrapped], Sequence[Word] | str | None]] = {
        "flock": _flock,
        "timeout": _timeout,
        **dict.fromkeys(LOCKS - {"flock"}, _other_lock),
        **dict.fromkeys(("cronitor", "runitor", "sentry-cli"), _monitor),
    }
    reader = readers.get(simple.program)
    found = reader(simple, wrapped) if reader and are_known(simple.words[:2]) else None
    if not found:
        return None
    return found if isinstance(found, str) else with_words(simple, found)


def duration(text: str) -> int | None:
    """The seconds of `90`, `30m` or `1.5h`; None if it is something else."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})([smhd]?)", text)
    return math.ceil(float(match[1]) * _UNITS[match[2]]) if match else None


def _flock(simple: Simple, wrapped: Wrapped) -> Sequence[Word] | str | None:
    """See https://man7.org/linux/man-pages/man1/flock.1.html."""
    words = simple.words
    options, at, wait = set[str](), 1, ""
    while at < len(words) and (option := words[at].value or "").startswith("-") and option != "--":
        name, equals, value = option.partition("=")
        if short := re.fullmatch(r"-([A-Za-z]*?)([wE])(.*)", option):
            options |= {*short[1], short[2]}
            name, value, equals = short[2], short[3], short[3]
        elif not option.startswith("--"):
            options |= {*option[1:]}
        else:
            options.add(name)
        if name in {"w", "E", "--wait", "--timeout", "--conflict-exit-code"}:
            if not equals:
                at += 1
                value = words[at].value or "" if at < len(words) else ""
            wait = wait if name in {"E", "--conflict-exit-code"} else value
        at += 1
    if at + 1 >= len(words) or options & {"u", "--unlock"}:
        return None
    wrapped.lock = words[at].value or words[at].text
    rest: Sequence[Word] | str | None = words[at + 1 :]
    if words[at + 1].value in {"-c", "--command"}:
        rest = words[at + 2].value if at + 2 < len(words) else None
    if not rest:
        wrapped.lock = ""
        return None
    shown = " ".join(each.text for each in words[1 : at + 1])
    if options & {"s", "--shared"}:
        wrapped.recorder.not_carried(
            "flock", shown, "no setting is a shared lock", "decide which runs must not overlap: concurrency_policy"
        )
    elif options & {"n", "--nb", "--nonblock"} or wait == "0":
        _set_policy(wrapped, "flock", shown, "forbid", "a run is skipped while another one runs")
    else:
        _queue(wrapped, shown, wait)
    return rest


def _queue(wrapped: Wrapped, shown: str, wait: str) -> None:
    _set_policy(wrapped, "flock", shown, "queue", "a run waits while another one runs; at most 10 wait")
    seconds = duration(wait) if wait else None
    if seconds is None:
        return
    if limits.STARTING_DEADLINE_SECONDS.refusal(seconds) is None:
        wrapped.settings["starting_deadline_seconds"] = seconds
        wrapped.recorder.changed("flock.wait", wait, f"starting_deadline_seconds: {seconds}")
    else:
        allowed = limits.STARTING_DEADLINE_SECONDS
        why = f"starting_deadline_seconds is {allowed.minimum} to {allowed.maximum}: a run waits for its turn"
        wrapped.recorder.not_carried("flock.wait", wait, why)


def _other_lock(simple: Simple, wrapped: Wrapped) -> Sequence[Word] | None:
    """Programs that skip a run while another one has the lock, or with some of their options wait for it."""
    program, words = simple.program, simple.words
    positions = 1 if program in {"lckdo", "setlock"} else 0
    rest = rest_of(words, ("-W", "--idle", "--lockfile") if program != "solo" else (), positions)
    if rest is None:
        return None
    head = words[1 : len(words) - len(rest)]
    shown = " ".join(each.text for each in head)
    wrapped.lock = f"{program} {shown}" if shown else ""
    options = {each.value for each in head}
    waits = "-n" not in options if program == "setlock" else bool({"-w", "--wait"} & options)
    policy, how = ("queue", "a run waits while another one runs") if waits else ("forbid", "a run is skipped")
    _set_policy(wrapped, program, shown or program, policy, how)
    return rest


def _set_policy(wrapped: Wrapped, program: str, shown: str, policy: str, how: str) -> None:
    wrapped.settings["concurrency_policy"] = policy
    wrapped.recorder.changed(program, shown, f"concurrency_policy: {policy}: {how}")


def _timeout(simple: Simple, wrapped: Wrapped) -> Sequence[Word] | None:
    """See https://man7.org/linux/man-pages/man1/timeout.1.html."""
    words = simple.words
    rest = rest_of(words, ("-s", "--signal", "-k", "--kill-after"), 0)
    seconds = duration(rest[0].value or "") if rest else None
    if not rest or len(rest) == 1 or not seconds or seconds < _TIMEOUT_MIN:
        return None  # it stays in the command, which is short enough for it
    options = " ".join(each.text for each in words[1 : len(words) - len(rest)])
    wrapped.settings["timeout_seconds"] = min(seconds, int(wrapped.settings.get("timeout_seconds", seconds)))
    wrapped.recorder.changed("timeout", rest[0].text, f"timeout_seconds: {seconds}")
    if options:
        wrapped.recorder.not_carried("timeout.options", options, "Batch sends SIGTERM, and SIGKILL 30 seconds later")
    return rest[1:]


def _monitor(simple: Simple, wrapped: Wrapped) -> Sequence[Word] | None:
    words, program = simple.words, simple.program
    values = [each.value for each in words]
    if program == "cronitor":
        if "exec" not in values[:-2]:
            return None
        rest = words[values.index("exec") + 2 :]
    elif "--" in values[:-1]:
        rest = words[values.index("--") + 1 :]
    else:
        return None
    record_heartbeat(wrapped.recorder, program, program)
    return rest


def record_heartbeat(recorder: Recorder, name: str, value: str) -> None:
    """Report a ping of a monitor, without its key."""
    recorder.not_carried(
        "heartbeat",
        value,
        "taken out: alerts report a failed run, and with alerts.late_after_seconds one that starts late",
        f"pause this check at {name}, which would report missing pings",
    )
