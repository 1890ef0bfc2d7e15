"""Services of systemd: what a timer starts, as a job's settings.

https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers import sizes, variables
from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.kinds.shell import command as shell_command
from batchtab.importers.kinds.systemd.exec import Program, programs
from batchtab.importers.kinds.systemd.known import left
from batchtab.importers.kinds.systemd.units import Setting, Unit, seconds, without_reset, words
from batchtab.importers.node import UNKNOWN
from batchtab.importers.secret_texts import has_secret

_SINGLE = (
    *("Type", "User", "WorkingDirectory", "TimeoutStartSec", "TimeoutSec", "RuntimeMaxSec", "MemoryMax", "MemoryLimit"),
    *("CPUQuota", "Restart", "RestartSec", "StartLimitBurst", "Description", "RemainAfterExit"),
)
_STEPS = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost")
_BURST, _INTERVAL_SECONDS, _RESTART_SECONDS = 5, 10, 0.1  # systemd's defaults
_MIB = 2**20
_UNITS = {"": 1, "K": 2**10, "M": _MIB, "G": 2**30, "T": 2**40}
_DAEMONS = ("notify", "notify-reload", "forking", "dbus")


@dataclass(slots=True)
class Service:
    """What a service says.

    Attributes:
        settings: Fields of jobs.yaml.
        lock: The lock that its command takes.
        jitter_seconds: By how much its command sleeps at most, at random.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    lock: str = ""
    jitter_seconds: int = 0


def read(unit: Unit, recorder: Recorder, *, is_fargate: bool) -> Service:
    """Read a service, each of its settings recorded.

    Args:
        unit: Without specifiers.
        recorder: Of the job.
        is_fargate: Whether its size must be one of Fargate's.
    """
    reader = _Reader(unit, recorder)
    kept = without_reset(unit, _SINGLE, recorder)
    for setting in kept:  # commands are read with the variables
        if setting.key in {"Environment", "EnvironmentFile"}:
            reader.environment(setting)
    for setting in kept:
        if setting.key not in {"Environment", "EnvironmentFile"}:
            reader.read(setting)
    return reader.finish(is_fargate)


class _Reader:
    def __init__(self, unit: Unit, recorder: Recorder) -> None:
        self.recorder = recorder
        self.type = unit.last("Service", "Type") or ("simple" if unit.last("Service", "ExecStart") else "oneshot")
        self.burst = unit.last("Unit", "StartLimitBurst") or unit.last("Service", "StartLimitBurst")
        self.delay_seconds = seconds(unit.last("Service", "RestartSec") or "") or _RESTART_SECONDS
        interval = unit.last("Unit", "StartLimitIntervalSec") or unit.last("Service", "StartLimitInterval")
        self.interval_seconds = seconds(interval or "") or _INTERVAL_SECONDS
        self.found = Service()
        self.values: dict[str, str] = {}
        self.steps: dict[str, list[Program]] = {key: [] for key in _STEPS}
        self.starts: list[Setting] = []
        self.folder = ""
        self.vcpus: float | None = None
        self.memory_mib: int | None = None
        self.sized: list[Setting] = []

    def read(self, setting: Setting) -> None:
        handlers: dict[str, Callable[[Setting, Recorder], None]] = {
            "Description": self._description,
            "Type": self._type,
            "User": self._user,
            "WorkingDirectory": self._working_directory,
            "Restart": self._restart,
            "MemoryMax": self._memory,
            "MemoryLimit": self._memory,
            "CPUQuota": self._cpu,
            "RemainAfterExit": self._remain,
            **dict.fromkeys(("TimeoutStartSec", "TimeoutSec", "RuntimeMaxSec"), self._timeout),
            **dict.fromkeys(("RestartSec", "RestartMaxDelaySec", "RestartSteps", "RestartMode"), self._delay),
            **dict.fromkeys(("StartLimitBurst", "StartLimitIntervalSec", "StartLimitInterval"), self._burst),
            "SetCredential": self._credential,
            "SetCredentialEncrypted": self._credential,
        }
        recorder = self.recorder.at(setting.place)
        if setting.key in _STEPS:
            self.steps[setting.key] += programs(setting, self.values, recorder)
            self.starts.append(setting)
        elif setting.key in handlers:
            handlers[setting.key](setting, recorder)
        else:
            why, todo = left(setting.key, setting.value) or (UNKNOWN, "decide whether the job needs it")
            recorder.not_carried(setting.name, setting.value, why, todo)

    def environment(self, setting: Setting) -> None:
        recorder = self.recorder.at(setting.place)
        if setting.key == "EnvironmentFile":
            todo = "write its variables into environment, and those that are secret into secrets"
            recorder.not_carried(setting.name, setting.value, "its variables are in a file of the machine", todo)
            return
        for word in words(setting.value):
            name, equals, value = word.partition("=")
            if not equals:
                recorder.not_carried(setting.name, word, "is no NAME=value", "correct the source")
                continue
            self.values |= variables.carried_variables({name: value}, recorder, setting.name)
        if self.values:
            self.found.settings["environment"] = dict(self.values)

    def finish(self, is_fargate: bool) -> Service:
        self._command()
        self._size(is_fargate)
        return self.found

    def _command(self) -> None:
        starts = [each for key in ("ExecStartPre", "ExecStart", "ExecStartPost") for each in self.steps[key]]
        conditions = self.steps["ExecCondition"]
        if not self.steps["ExecStart"]:
            return
        alone = starts[0] if len(starts) == 1 and not conditions and not starts[0].may_fail else None
        parts = [each.step for each in starts] if alone is None else [alone.text]
        text = "; ".join([*(f"{each.step} || exit 0" for each in conditions), " && ".join(parts)])
        if len(starts) == 1 and starts[0].may_fail and not conditions:
            text = f"{starts[0].step[2 : -len(' || true; }')]} || true"
        if self.folder:
            text = f"cd {self.folder} && {text}"
        own = Recorder(Findings(), self.recorder.job, self.starts[0].place)
        command = shell_command.read(text, own, shell=(alone.shell if alone and alone.shell else "sh"))
        by = " by sh -c" if command.argv[1:2] == ["-c"] else ""
        dropped = any(each.field != "command" for each in own.findings)
        for setting in self.starts:
            recorder = self.recorder.at(setting.place)
            secret = next((each for each in own.findings if each.field == "command" and each.todo), None)
            if secret is not None:
                recorder.changed(setting.name, setting.value, secret.note, secret.todo)
            elif by or dropped or len(self.starts) > 1:
                recorder.changed(setting.name, setting.value, f"command{by}")
            else:
                recorder.carried(setting.name, setting.value, "command")
            if setting.key == "ExecStartPost" and self.type != "oneshot":
                todo = "take it out, if it must run beside the program"
                recorder.changed(setting.name, setting.value, "runs after the program, not beside it", todo)
        self.recorder.findings.all += [each for each in own.findings if each.field != "command"]
        self.found.settings |= {"command": command.argv, **command.settings}
        self.found.lock, self.found.jitter_seconds = command.lock, command.jitter_seconds
        if command.environment:
            self.found.settings["environment"] = {**self.values, **command.environment}

    def _description(self, setting: Setting, recorder: Recorder) -> None:
        if has_secret([setting.value]):
            recorder.not_carried(setting.name, setting.value, "looks like it has a secret")
            return
        self.found.settings["description"] = setting.value[: limits.DESCRIPTION_MAX]
        recorder.carried(setting.name, setting.value, "description")

    def _type(self, setting: Setting, recorder: Recorder) -> None:
        if setting.value in _DAEMONS:
            todo = "make the job a program that does its work and ends"
            recorder.not_carried(setting.name, setting.value, "a job ends when its program ends", todo)
        else:
            recorder.changed(setting.name, setting.value, "the job, which ends when its program ends")

    def _user(self, setting: Setting, recorder: Recorder) -> None:
        if setting.value.isdecimal():
            self.found.settings["user"] = setting.value
            recorder.carried(setting.name, setting.value, "user")
        else:
            recorder.not_carried(setting.name, setting.value, "the job runs as its image's user")

    def _working_directory(self, setting: Setting, recorder: Recorder) -> None:
        folder = setting.value.removeprefix("-")
        self.folder = folder if folder == "~" else shlex.quote(folder)
        recorder.changed(setting.name, setting.value, f"command: cd {self.folder} && …")

    def _timeout(self, setting: Setting, recorder: Recorder) -> None:
        is_start = setting.key != "RuntimeMaxSec"
        span = seconds(setting.value)
        if is_start != (self.type == "oneshot"):
            recorder.not_carried(setting.name, setting.value, f"it has no effect on a unit of type {self.type}")
        elif span is None:
            recorder.not_carried(setting.name, setting.value, "is not a time span", "write timeout_seconds")
        elif math.isinf(span) or span == 0:
            recorder.not_carried(setting.name, setting.value, "it means no limit; see the time limit of the whole file")
        else:
            limit = max(limits.TIMEOUT_SECONDS.minimum, math.ceil(span))
            self.found.settings["timeout_seconds"] = limit
            note = "" if limit >= span and limit == math.ceil(span) else ", the shortest"
            recorder.changed(setting.name, setting.value, f"timeout_seconds: {limit}{note}, of each attempt")

    def _restart(self, setting: Setting, recorder: Recorder) -> None:
        if setting.value == "no":
            recorder.not_carried(setting.name, setting.value, "it is the default: attempts: 1")
            return
        if setting.value in {"always", "on-success"}:
            todo = "decide how often the job must run, and what starts it"
            recorder.not_carried(setting.name, setting.value, "a job does not start again after a success", todo)
            return
        burst = int(self.burst) if self.burst.isdecimal() and len(self.burst) < 6 else _BURST
        if self.delay_seconds * burst > self.interval_seconds:
            self.found.settings["attempts"] = limits.ATTEMPTS.maximum
            why = "systemd starts it again without end: RestartSec is too long for StartLimitBurst"
            how = f"attempts: {limits.ATTEMPTS.maximum}, the most; {why}"
            recorder.changed(setting.name, setting.value, how, "decide how often it may fail")
            return
        attempts = min(limits.ATTEMPTS.maximum, max(1, burst))
        self.found.settings["attempts"] = attempts
        recorder.changed(setting.name, setting.value, f"attempts: {attempts}, as StartLimitBurst or its default says")

    def _delay(self, setting: Setting, recorder: Recorder) -> None:
        recorder.not_carried(setting.name, setting.value, "Batch starts the next attempt at once")

    def _burst(self, setting: Setting, recorder: Recorder) -> None:
        if setting.key == "StartLimitBurst":
            recorder.changed(setting.name, setting.value, "attempts, if Restart is there")
        else:
            recorder.not_carried(setting.name, setting.value, "attempts are counted, not their time")

    def _remain(self, setting: Setting, recorder: Recorder) -> None:
        if setting.value.lower() in {"no", "false", "0", "off"}:
            recorder.not_carried(setting.name, setting.value, "it is the default")
        else:
            why = "with it, systemd starts the unit once until it is stopped; jobs.yaml starts it each time"
            recorder.not_carried(setting.name, setting.value, why, "decide whether the schedule is right")

    def _credential(self, setting: Setting, recorder: Recorder) -> None:
        name = setting.value.partition(":")[0]
        recorder.not_carried(setting.name, name, "it is a secret", "store it in SSM, and name it in secrets")

    def _memory(self, setting: Setting, recorder: Recorder) -> None:
        match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)([KMGT]?)", setting.value)
        if match is None:
            recorder.not_carried(setting.name, setting.value, "it depends on the machine, or is no limit")
            return
        self.memory_mib = max(1, math.ceil(float(match[1]) * _UNITS[match[2]] / _MIB))
        self.sized.append(setting)

    def _cpu(self, setting: Setting, recorder: Recorder) -> None:
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)%", setting.value)
        if match is None or not float(match[1]):
            recorder.not_carried(setting.name, setting.value, "it is no limit")
            return
        self.vcpus = float(match[1]) / 100
        self.sized.append(setting)

    def _size(self, is_fargate: bool) -> None:
        if not self.sized:
            return
        default = limits.MEMORY_MIB.default or limits.MEMORY_MIB.minimum
        size = sizes.fitted(self.vcpus or 1, self.memory_mib or (0 if self.vcpus else default), is_fargate=is_fargate)
        for setting in self.sized:
            recorder = self.recorder.at(setting.place)
            if size is None:
                todo = "choose vcpus and memory_mib, or a queue on EC2"
                recorder.not_carried(setting.name, setting.value, "Fargate has no such size", todo)
            else:
                recorder.changed(setting.name, setting.value, f"vcpus: {size[0]:g}, memory_mib: {size[1]}")
        if size is not None:
            self.found.settings |= {"vcpus": size[0], "memory_mib": size[1]}
