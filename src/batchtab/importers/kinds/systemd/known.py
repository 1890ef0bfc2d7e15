"""Settings of units that jobs.yaml does not have: why, and what a person has to do about some of them."""

from __future__ import annotations

import os
import re
import signal

_STREAM = "output goes to CloudWatch Logs"
_SHARE = "the job has its vCPUs and its memory for itself: vcpus, memory_mib"
_SANDBOX = "a container is isolated by itself, and has no capabilities of the host; see read_only_root_filesystem"
_END = "Batch sends SIGTERM, and SIGKILL 30 seconds later"
_ORDER = "no unit of the machine runs beside a job"
_INSTALL = "a deployment switches the job on"
_DATA = "a container's disk is lost at its end"
_VOLUMES = "store the data in S3, or set volumes and mounts"
_FAILS = "exit status 0 is success, all others fail, and attempts repeats all of these"
_ULIMIT = "ulimits exist on EC2 alone"

_CODE_MAX = 255
_SIGNAL = 128

#: Pattern of keys, without their section, to why and what to do.
_LEFT = (
    (
        r"Standard(Output|Error)|Syslog.*|Log(LevelMax|RateLimit.*|ExtraFields|Namespace)|TTY.*|LogsDirectory.*",
        _STREAM,
        "",
    ),
    (
        r"Nice|IOScheduling.*|CPUScheduling.*|(Startup)?(CPU|IO|BlockIO).*(Weight|Shares)|OOM.*|TimerSlackNSec",
        _SHARE,
        "",
    ),
    (r"Memory(High|Low|Min|SwapMax)|TasksMax|.*Accounting|Slice|Delegate.*|CPUAffinity|NUMA.*|AllowedCPUs", _SHARE, ""),
    (r"(IO|BlockIO)(Read|Write).*|CoredumpFilter|ManagedOOM.*|CPUQuotaPeriodSec|LimitNICE", _SHARE, ""),
    (
        r"Protect.*|Private.*|NoNewPrivileges|Restrict(?!Network).*|SystemCall.*|.*Capabilit.*|LockPersonality",
        _SANDBOX,
        "",
    ),
    (r"MemoryDenyWriteExecute|RemoveIPC|Device.*|(ReadOnly|Inaccessible|ReadWrite|Exec|NoExec)Paths", _SANDBOX, ""),
    (r"SecureBits|KeyringMode|DynamicUser|ProcSubset|TemporaryFileSystem|IPAddress.*|RestrictNetwork.*", _SANDBOX, ""),
    (r"(ReadOnly|ReadWrite|Inaccessible)Directories|SELinuxContext|AppArmorProfile|UMask|IgnoreSIGPIPE", _SANDBOX, ""),
    (r"Kill.*|SendSIG.*|TimeoutStop.*|FinalKillSignal|TimeoutAbortSec|Watchdog.*|ExitType|RestartKillSignal", _END, ""),
    (r"After|Before|Wants|PartOf|Conflicts|DefaultDependencies|RefuseManual.*|StopWhenUnneeded|.*JobMode", _ORDER, ""),
    (r"JobTimeout.*|CollectMode|WantsMountsFor|RequiresMountsFor|ConditionACPower|NotifyAccess|Also", _ORDER, ""),
    (r"Documentation|SourcePath|X-.*|GuessMainPID", "it is for people and tools on the machine", ""),
    (r"OnFailure", "alerts report each failed run to the stage's Slack channel", ""),
    (r"WantedBy|RequiredBy|UpheldBy|Alias|DefaultInstance", _INSTALL, ""),
    (r"Limit[A-Z]+", _ULIMIT, ""),
    (r"RuntimeDirectory.*|RootHash.*|MountFlags|MountAPIVFS|PAMName|UtmpIdentifier|UtmpMode", _SANDBOX, ""),
    (r"Group|SupplementaryGroups", "the job runs as its image's user", ""),
    (r"UnsetEnvironment", "a job has no variables but those of the image and of jobs.yaml", ""),
    (r"(State|Cache|Configuration)Directory.*|Bind(ReadOnly)?Paths", _DATA, _VOLUMES),
    (r"Root(Directory|Image)", "the image is the job's file system", "build an image of it, and name it in image"),
    (r"Requires|Requisite|BindsTo|Upholds|Sockets", _ORDER, "decide where the job finds what that unit does"),
    (r"OnSuccess", "starts a unit of the machine", "write its job with after: the name of this one"),
    (r"Condition.*|Assert.*", "it is a condition of the machine", "test it in the command, if the job needs it"),
    (r"(Load|Import)Credential.*", "it reads a secret of the machine", "store it in SSM, and name it in secrets"),
    (r"PassEnvironment", "it is a variable of the machine", "write it into environment or secrets"),
    (r"StandardInput(Text|Data)?", "a job has no standard input", "write what the program reads into the command"),
    (r"Exec(Stop|StopPost|Reload)", "a job has one command", "add it to the command, if the job needs it"),
    (r"RestartPreventExitStatus", _FAILS, "write evaluate_on_exit, with action: EXIT for each of these codes"),
    (r"RestartForceExitStatus", _FAILS, "write evaluate_on_exit, with action: RETRY for each of these codes"),
)


def left(key: str, value: str) -> tuple[str, str] | None:
    """Why a setting is not carried, and what to do; None if it is not known."""
    if key in {"StandardOutput", "StandardError"} and re.match("(file|append|truncate):", value) and "log" not in value:
        return "writes a file of the machine", "write it to S3 in the command, or read the job's log"
    if key in {"Requires", "BindsTo", "Requisite"} and all(each.endswith(".target") for each in value.split()):
        return _ORDER, ""
    if key == "SuccessExitStatus":
        return "a job succeeds with exit status 0 alone", _success(value.split())
    return next(((why, todo) for pattern, why, todo in _LEFT if re.fullmatch(pattern, key)), None)


def _success(words: list[str]) -> str:
    """How a command ends with 0 where its program ends with one of these statuses: numbers, names or signals."""
    codes = [_code(each) for each in words]
    known = [str(each) for each in codes if each is not None and each <= _CODE_MAX]
    unknown = [word for word, code in zip(words, codes, strict=True) if code is None or code > _CODE_MAX]
    if not words:
        return ""
    pattern = "|".join([*dict.fromkeys(known), *(f"the number of {each}" for each in unknown)])
    return f"end the command, in a shell, with `|| {{ s=$?; case $s in {pattern}) ;; *) exit $s ;; esac; }}`"


def _code(word: str) -> int | None:
    """An exit status; a shell adds 128 to a signal's number."""
    if word.isascii() and word.isdigit() and len(word) < 4:
        return int(word)
    if word in signal.Signals.__members__:
        return _SIGNAL + signal.Signals[word]
    found = getattr(os, f"EX_{word}", None)  # TEMPFAIL, as in sysexits.h
    return found if isinstance(found, int) else None
