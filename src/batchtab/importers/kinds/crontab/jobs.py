"""Entries of a crontab as jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers import variables
from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob
from batchtab.importers.kinds.crontab import crons
from batchtab.importers.kinds.crontab import schedule as crontab_schedule
from batchtab.importers.kinds.crontab.lines import Anacron, Entry, Tab, Unread, Variable
from batchtab.importers.kinds.crontab.schedule import When
from batchtab.importers.kinds.shell import command as shell_command
from batchtab.importers.naming import job_name, name_of_command
from batchtab.importers.secret_texts import has_secret
from batchtab.importers.source_file import SourceFile
from batchtab.importers.triggers import Trigger
from batchtab.importers.windows import set_window
from batchtab.schedules import zones

_MAIL = "alerts go to the stage's Slack channel, or to another with alerts.channel; a run's output is in its log"
_OF_MAIL = ("MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING")
_IMAGE_PATHS = frozenset("/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /snap/bin".split())  # noqa: SIM905
_PERIODS = {"1": "@daily", "7": "@weekly", "@daily": "@daily", "@weekly": "@weekly", "@monthly": "@monthly"}


@dataclass(slots=True)
class _State:
    """What variables said so far; cron gives an entry those above it.

    Attributes:
        machine: The machine's zone.
        cron: Which cron reads it.
        timezone: The zone of schedules; None: one that nobody knows.
        engine: Who says when entries start.
        shell: Who runs commands.
        delay_minutes: By how much cronie delays starts at most.
        environment: Variables of commands.
        locks: Jobs by the lock that they take.
    """

    machine: str
    cron: str
    timezone: str | None
    engine: str = "vixie"
    shell: str = "sh"
    delay_minutes: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    locks: dict[str, list[str]] = field(default_factory=dict)


def read(tab: Tab, file: SourceFile, imported: Imported, timezone: str, cron: str) -> None:
    """Add a crontab's jobs, and what became of each of its lines.

    Args:
        tab: Its lines.
        file: Where they are.
        imported: Where jobs and findings go.
        timezone: The zone of the machine.
        cron: Which cron reads it.
    """
    state = _State(timezone, cron, timezone)
    last = max((each.line for each in tab.lines if isinstance(each, Entry)), default=0)
    for line in tab.lines:
        recorder = Recorder(imported.findings, "", file.at(line.line))
        if isinstance(line, Variable):
            _read_variable(line, state, recorder, is_used=line.line < last)
        elif isinstance(line, Entry):
            _read_entry(line, state, imported, recorder)
        elif isinstance(line, Anacron):
            _refuse_anacron(line, recorder)
        else:
            _refuse(line, recorder)
    _record_shared_locks(state, imported)


def _refuse(line: Unread, recorder: Recorder) -> None:
    recorder.not_carried("line", line.text, line.why, "correct the line, or write the job into jobs.yaml")


def _refuse_anacron(line: Anacron, recorder: Recorder) -> None:
    name = job_name(line.name)
    schedule = _PERIODS.get(line.period, f"rate({line.period} days)")
    why = f"is an entry of anacrontab: every {line.period} days, on a machine that is not always on"
    todo = f"write it into jobs.yaml with schedule: '{schedule}'"
    recorder.at(recorder.place, name).not_carried("anacron", line.text, why, todo)


def _read_variable(line: Variable, state: _State, recorder: Recorder, *, is_used: bool) -> None:
    name, value = line.name, line.value
    field_name = f"variable.{name}"
    if not is_used:
        recorder.not_carried(field_name, value, "no entry follows it")
    elif name in _OF_MAIL:
        recorder.not_carried(field_name, value, _MAIL)
    elif name in {"LOGNAME", "USER"}:
        recorder.not_carried(field_name, value, "the job runs as its image's user")
    elif name == "SHELL":
        state.shell = value or "sh"
        recorder.changed(
            field_name, value, f"commands that need a shell are run by {state.shell}, which the image needs"
        )
    elif name in crons.OF_CRONIE and state.cron == crons.DEBIAN:
        state.environment[name] = value
        how = f"environment.{name}: Debian's cron does not read it, and gives it to commands"
        recorder.changed(field_name, value, how)
    elif name == "CRON_TZ":
        _read_zone(value, state, recorder)
    elif name == "RANDOM_DELAY":
        _read_delay(value, state, recorder)
    elif name == "START_HOURS_RANGE":
        recorder.not_carried(field_name, value, "it is a setting of anacron")
    elif name == "PATH" and {*value.split(":")} <= _IMAGE_PATHS:
        recorder.not_carried(field_name, value, "the image has its own PATH, with these folders")
    elif name == "TZ" and value:
        state.environment[name] = value
        why = "cron reads schedules in the machine's zone all the same: --timezone or CRON_TZ"
        recorder.changed(field_name, value, f"environment.TZ, for the program; {why}")
    else:
        state.environment |= variables.carried_variables({name: value}, recorder, "variable")


def _read_zone(value: str, state: _State, recorder: Recorder) -> None:
    if not value:
        state.timezone, state.engine = state.machine, "vixie"
        recorder.changed("variable.CRON_TZ", value, "the machine's zone counts for the jobs after it")
        return
    state.engine = "cronie"
    refusal = zones.refusal(value)
    if refusal is None:
        state.timezone = value
        recorder.carried("variable.CRON_TZ", value, "timezone of the jobs after it")
    else:
        state.timezone = None
        recorder.not_carried("variable.CRON_TZ", value, refusal[0], refusal[1] or "write a zone's name")


def _read_delay(value: str, state: _State, recorder: Recorder) -> None:
    if not value.isdecimal() or int(value[:9]) > limits.FLEXIBLE_WINDOW_MINUTES.maximum:
        why = f"is not 0 to {limits.FLEXIBLE_WINDOW_MINUTES.maximum} minutes"
        recorder.not_carried("variable.RANDOM_DELAY", value, why, "choose flexible_window_minutes")
        return
    state.delay_minutes = int(value)
    how = f"flexible_window_minutes: {int(value)} of the jobs after it" if int(value) else "no delay"
    recorder.changed("variable.RANDOM_DELAY", value, how)


def _read_entry(entry: Entry, state: _State, imported: Imported, recorder: Recorder) -> None:
    # The job's name comes from what its command is after it was read, which already has findings.
    own = Recorder(Findings(), "", recorder.place)
    when = crontab_schedule.of_entry(entry.fields, state.timezone, own, state.engine, state.cron)
    if entry.is_quiet:
        own.not_carried("-", "-", "it keeps the entry out of the machine's log")
    if entry.user:
        own.not_carried("user", entry.user, "the job runs as its image's user; a number may be set as user")
    if entry.stdin:
        own.changed("%", entry.stdin, "command: a pipe from printf, because a job has no standard input")
    text = crons.command_of(entry, state.cron, own)
    command = shell_command.read(text, own, stdin=entry.stdin, shell=state.shell)
    settings = dict(command.settings)
    _read_options(entry, settings, own)
    description = _description(entry, command, own)
    environment = state.environment | command.environment
    if description:
        settings["description"] = description
    settings["command"] = command.argv
    if environment:
        settings["environment"] = environment
    window = when.window_minutes + state.delay_minutes + int(settings.pop("flexible_window_minutes", 0))
    _set_window(settings, when, window, own)
    jitter = (when.window_minutes + state.delay_minutes) * 60 + command.jitter_seconds
    names = _add(imported, entry, recorder.place, settings, when, command.words)
    if command.lock:
        state.locks.setdefault(command.lock, []).append(names[0])
    imported.findings.all += [dataclasses.replace(each, job=names[0]) for each in own.findings]
    for name in names[1:]:
        how = f"the other days of {names[0]}, with the same other fields"
        recorder.at(recorder.place, name).changed("schedule", entry.fields, how)
    if when.clock is not None and when.triggers:
        imported.fires.append(Fires(when.clock, names, jitter))


def _add(
    imported: Imported, entry: Entry, place: str, settings: Mapping[str, Any], when: When, words: list[str]
) -> tuple[str, ...]:
    names: list[str] = []
    wanted = name_of_command(words) or entry.comment
    schedules: list[Trigger | None] = [*when.triggers] or [None]
    for each in schedules:
        name = job_name(wanted, {job.name for job in imported.jobs})
        comments = (f"the other days of {names[0]}",) if names else ()
        own = {**settings, **(each.settings() if each else {})}
        imported.jobs.append(ImportedJob(name, place, own, comments))
        names.append(name)
    return tuple(names)


def _read_options(entry: Entry, settings: dict[str, Any], recorder: Recorder) -> None:
    for option in entry.options:
        if "s" in option:
            settings.setdefault("concurrency_policy", "forbid")
            recorder.changed("option", option, "concurrency_policy: forbid: one run at a time")
        else:
            recorder.not_carried("option", option, "it is about mail and the machine's log")


def _description(entry: Entry, command: shell_command.Command, recorder: Recorder) -> str:
    text = ""
    for comment in (entry.comment, command.comment):
        if not comment:
            continue
        if text:
            recorder.not_carried("comment", comment, "the comment above the entry is the description")
        elif has_secret([comment]):
            recorder.not_carried("comment", comment, "looks like it has a secret")
        else:
            text = comment[: limits.DESCRIPTION_MAX]
            recorder.carried("comment", comment, "description")
    return text


def _set_window(settings: dict[str, Any], when: When, window: int, recorder: Recorder) -> None:
    """The window, as far as it is shorter than the time between two starts."""
    deadline = settings.get("starting_deadline_seconds")
    if not when.triggers:
        if settings.pop("starting_deadline_seconds", None):
            recorder.not_carried("flock.wait", deadline, "a job without a schedule has no starting_deadline_seconds")
        return
    set_window(settings, when.triggers, window, recorder)
    if deadline and deadline < settings.get("flexible_window_minutes", 0) * 60:
        settings.pop("starting_deadline_seconds")
        recorder.not_carried("flock.wait", deadline, "it is shorter than flexible_window_minutes")


def _record_shared_locks(state: _State, imported: Imported) -> None:
    for lock, names in state.locks.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(each for each in names if each != name)
            why = f"{others} has the same lock; concurrency_policy is about the runs of one job"
            recorder = Recorder(imported.findings, name, imported.job(name).origin)
            recorder.changed("lock", lock, why, f"decide whether it may run at the same time as {others}")
