"""Timers of systemd, with the services that they start, as jobs.

https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers import engines
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob, SourceClock
from batchtab.importers.kinds.systemd import schedules as systemd_schedules
from batchtab.importers.kinds.systemd import services as systemd_services
from batchtab.importers.kinds.systemd.known import left
from batchtab.importers.kinds.systemd.units import Setting, Unit, instance_of, is_unit, seconds, units, without_reset
from batchtab.importers.naming import job_name
from batchtab.importers.node import UNKNOWN
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile
from batchtab.importers.triggers import ScheduleError, Trigger
from batchtab.importers.windows import set_window
from batchtab.schedules.expression import Rate

__all__ = ["is_unit", "read"]

_MINUTE = 60
_SINGLE = ("Unit", "Persistent", "RandomizedDelaySec", "AccuracySec", "Description", "WakeSystem")
_DECIDE = "write a schedule, or run the job with `batchtab run`"
#: Starts that a machine has and AWS does not have.
_OF_MACHINE = {
    "OnBootSec": "counts from the machine's boot, and no machine boots",
    "OnStartupSec": "counts from systemd's start, and no machine boots",
    "OnActiveSec": "counts once from the timer's activation",
    "OnUnitInactiveSec": "counts from the end of the run before",
    "OnClockChange": "the machine's clock is not the job's",
    "OnTimezoneChange": "the machine's time zone is not the job's",
}
_OTHERS = {
    "Persistent": "a time is not missed because a machine is off; `batchtab backfill` runs missed times",
    "AccuracySec": "EventBridge starts a job within the minute",
    "WakeSystem": "no machine sleeps",
    "RemainAfterElapse": "it is about the timer's own state",
    "FixedRandomDelay": "flexible_window_minutes is random each time",
    "DeferReactivation": "it is about the timer's own state",
}


@dataclass(slots=True)
class _Timer:
    """What a timer says.

    Attributes:
        calendars: `OnCalendar=`.
        periods: `OnUnitActiveSec=`.
        of_machine: Starts that have no schedule.
        delays: `RandomizedDelaySec=`.
        description: Of the timer.
    """

    calendars: list[Setting] = field(default_factory=list)
    periods: list[Setting] = field(default_factory=list)
    of_machine: list[Setting] = field(default_factory=list)
    delays: list[Setting] = field(default_factory=list)
    description: Setting | None = None


@dataclass(slots=True)
class _When:
    triggers: list[Trigger] = field(default_factory=list)
    clock: SourceClock | None = None


def read(files: Sequence[SourceFile], imported: Imported, options: Options) -> None:
    """Add the jobs of timers, and what became of each setting of them and of their services."""
    found = units(files)
    used: set[str] = set()
    for unit in found.values():
        if unit.name.endswith(".timer"):
            used |= _read_timer(unit, found, imported, options)
    for unit in found.values():
        if unit.name.endswith(".service") and unit.name not in used:
            recorder = Recorder(imported.findings, "", unit.place)
            recorder.not_carried("unit", unit.name, "no timer among these files starts it")


def _read_timer(unit: Unit, found: dict[str, Unit], imported: Imported, options: Options) -> set[str]:
    name = job_name(unit.stem, {each.name for each in imported.jobs})
    recorder = Recorder(imported.findings, name, unit.place)
    timer_unit = instance_of(unit, unit.name, recorder)
    target = timer_unit.last("Timer", "Unit") or f"{unit.stem}.service"
    template = f"{target.partition('@')[0]}@.service"
    source = found.get(target) or (found.get(template) if "@" in target else None)
    if source is None:
        why = f"starts {target}, which is not among the files"
        recorder.not_carried("Timer.Unit", target, why, f"import {unit.name} and {target} together")
        return set()
    timer = _settings(timer_unit, target, recorder)
    service = systemd_services.read(instance_of(source, target, recorder), recorder, is_fargate=options.is_fargate)
    if "command" not in service.settings:
        recorder.at(source.place).not_carried("Service.ExecStart", "", "is missing", "write the job into jobs.yaml")
        return {source.name}
    _describe(timer, service.settings, recorder)
    when = _when(timer, options.timezone, recorder)
    own_window = int(service.settings.pop("flexible_window_minutes", 0)) * _MINUTE
    settings = {**service.settings, "concurrency_policy": "forbid"}
    jitter = _delay(timer, when, settings, own_window, recorder) + service.jitter_seconds
    if not when.triggers:
        settings.pop("starting_deadline_seconds", None)
    names: list[str] = []
    schedules: list[Trigger | None] = [*when.triggers] or [None]
    for each in schedules:
        own = job_name(unit.stem, {job.name for job in imported.jobs})
        comments = (f"further times of {names[0]}",) if names else ()
        values: dict[str, Any] = {**settings, **(each.settings() if each else {})}
        imported.jobs.append(ImportedJob(own, f"{unit.name} and {source.name}", values, comments))
        names.append(own)
    for own in names[1:]:
        how = f"further times of {names[0]}, with the same other fields"
        recorder.at(unit.place, own).changed("Timer.OnCalendar", "", how)
    if when.clock is not None and when.triggers:
        imported.fires.append(Fires(when.clock, tuple(names), jitter))
    return {source.name}


def _settings(unit: Unit, target: str, recorder: Recorder) -> _Timer:
    timer = _Timer()
    how = "concurrency_policy: forbid: systemd does not start a unit that runs"
    if not unit.last("Timer", "Unit"):
        recorder.changed("Timer", target, f"the job's command, and {how}")
    for setting in without_reset(unit, _SINGLE, recorder):
        own = recorder.at(setting.place)
        if setting.section == "Unit" and setting.key == "Description":
            timer.description = setting
        elif setting.section != "Timer":
            why, todo = left(setting.key, setting.value) or (UNKNOWN, "decide whether the job needs it")
            own.not_carried(setting.name, setting.value, why, todo)
        elif setting.key == "OnCalendar":
            timer.calendars.append(setting)
        elif setting.key == "OnUnitActiveSec":
            timer.periods.append(setting)
        elif setting.key in _OF_MACHINE:
            timer.of_machine.append(setting)
        elif setting.key in {"RandomizedDelaySec", "RandomizedOffsetSec"}:
            timer.delays.append(setting)
        elif setting.key == "Unit":
            own.changed(setting.name, setting.value, f"the job's command, and {how}")
        elif setting.key in _OTHERS:
            own.not_carried(setting.name, setting.value, _OTHERS[setting.key])
        else:
            own.not_carried(setting.name, setting.value, UNKNOWN, "decide whether the job needs it")
    return timer


def _describe(timer: _Timer, settings: dict[str, Any], recorder: Recorder) -> None:
    if timer.description is None:
        return
    own = recorder.at(timer.description.place)
    if "description" in settings:
        own.not_carried("Unit.Description", timer.description.value, "the service's is the description")
    else:
        settings["description"] = timer.description.value[: limits.DESCRIPTION_MAX]
        own.carried("Unit.Description", timer.description.value, "description")


def _when(timer: _Timer, timezone: str, recorder: Recorder) -> _When:
    when = _calendar(timer, timezone, recorder) if timer.calendars else _period(timer, timezone, recorder)
    is_begun = bool(timer.calendars or (timer.periods and when.triggers))
    for setting in timer.of_machine:
        is_other = setting.key not in {"OnBootSec", "OnStartupSec", "OnActiveSec"}
        todo = "" if is_begun and not is_other else _DECIDE
        if setting.key == "OnUnitInactiveSec":
            span = _rate(seconds(setting.value))
            todo = f"write schedule: {span}; concurrency_policy forbids overlaps" if span else _DECIDE
        recorder.at(setting.place).not_carried(setting.name, setting.value, _OF_MACHINE[setting.key], todo)
    if not (timer.calendars or timer.periods or timer.of_machine):
        recorder.not_carried("Timer", "", "has no time", _DECIDE)
    return when


def _calendar(timer: _Timer, timezone: str, recorder: Recorder) -> _When:
    for setting in timer.periods:
        why = "the timer has OnCalendar too, and a job has one schedule"
        recorder.at(setting.place).not_carried(setting.name, setting.value, why, "write a second job with that rate")
    good: list[Setting] = []
    for setting in timer.calendars:
        own = recorder.at(setting.place)
        if why := engines.is_valid(SourceClock("systemd", setting.value, timezone)):
            own.not_carried(setting.name, setting.value, f"systemd refuses it: {why}", _DECIDE)
            continue
        try:
            systemd_schedules.schedules([setting.value], timezone)
        except ScheduleError as error:
            own.not_carried(setting.name, setting.value, f"it {error.reason}", error.hint or _DECIDE)
            continue
        good.append(setting)
    if not good:
        return _When()
    values = [each.value for each in good]
    triggers = systemd_schedules.schedules(values, timezone)
    text = "; ".join(f"{each.schedule}{f' ({each.note})' if each.note else ''}" for each in triggers)
    for setting in good:
        recorder.at(setting.place).changed(setting.name, setting.value, f"schedule: {text}")
    return _When(triggers, SourceClock("systemd", "\n".join(values), timezone))


def _period(timer: _Timer, timezone: str, recorder: Recorder) -> _When:
    when = _When()
    for setting in timer.periods:
        own = recorder.at(setting.place)
        span = seconds(setting.value)
        rate = _rate(span)
        if not rate or span is None:
            own.not_carried(setting.name, setting.value, "it is not a whole number of minutes", _DECIDE)
        elif when.triggers:
            own.not_carried(setting.name, setting.value, "a job has one schedule", "write a second job with that rate")
        else:
            own.changed(setting.name, setting.value, f"schedule: {rate}, which counts from the deployment")
            when = _When([Trigger(rate)], SourceClock("period", f"{int(span)} seconds", timezone))
    return when


def _rate(span: float | None) -> str:
    """`rate(…)` of a period; empty if there is none."""
    if not span or math.isinf(span) or span % _MINUTE:
        return ""
    return Rate(int(span)).text


def _delay(timer: _Timer, when: _When, settings: dict[str, Any], window: float, recorder: Recorder) -> int:
    """The window of starts; returns by how many seconds systemd may start later."""
    jitter = 0
    for setting in timer.delays:
        own = recorder.at(setting.place)
        span = seconds(setting.value)
        if span is None or math.isinf(span):
            own.not_carried(setting.name, setting.value, "is not a time span", "choose flexible_window_minutes")
        elif any(each.schedule.startswith("rate(") for each in when.triggers) or not when.triggers:
            own.not_carried(setting.name, setting.value, "only a schedule of times has flexible_window_minutes")
        elif span < _MINUTE:
            jitter += math.ceil(span)
            own.not_carried(setting.name, setting.value, "flexible_window_minutes is at least a minute")
        else:
            jitter += math.ceil(span)
            window += span
            own.changed(setting.name, setting.value, f"flexible_window_minutes: {math.ceil(window / _MINUTE)}")
    set_window(settings, when.triggers, math.ceil(window / _MINUTE), recorder)
    return jitter
