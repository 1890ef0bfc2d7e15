"""What an importer knows about programs and files in commands: pings of monitors, logs, work on the machine itself."""

from __future__ import annotations

import re

from batchtab.importers.kinds.shell.words import Item, Redirection, Simple

_HEARTBEATS = re.compile(
    r"hc-ping\.com|healthchecks\.io|hchk\.io|cronitor\.(?:link|io)|nosnch\.in|deadmanssnitch\.com|cronhub\.io"
    r"|betterstack\.com|betteruptime\.com|push\.statuscake\.com|heartbeat\.uptimerobot\.com|ping\.ohdear\.app"
    r"|api\.honeybadger\.io/v1/check_in|api\.opsgenie\.com/v2/heartbeats|sentry\.io/api/[^ ]*/cron/|/api/push/"
)
_CLIENTS = frozenset({"curl", "wget", "http", "https", "xh", "fetch", "lynx"})
#: Programs that only store what they read.
LOGGERS = frozenset({"logger", "systemd-cat", "ts", "cronolog", "rotatelogs", "multilog", "svlogd"})
_MAILERS = frozenset({"mail", "mailx", "mutt", "sendmail", "msmtp", "swaks"})
_NO_LOG = "writes to the machine's log, which a container does not have"
#: A program where a shell expects one.
_PROGRAM = re.compile(r"(?:^|[;&|({`\n])[ \t]*(?:(?:if|then|elif|else|while|until|do|sudo|exec|!)[ \t]+)*([\w./-]+)")
#: Files that only keep what a command prints.
LOG = re.compile(
    r"/dev/(?:null|stdout|stderr|tty|console)|/proc/(?:1|self|\$\$)/fd/[12]|.*/logs?/.*|(?:.*/)?[^/]*log[^/]*"
    r"|.*\.(?:err|out|stderr|stdout)|&?-|[0-9]",
    re.IGNORECASE,
)
_SERVICES = "starts or stops services of the machine, which a container cannot"
_MACHINE = "maintains the machine, which a container cannot"
_LEAVE_OUT = "take the job out, and keep the entry where the machine is"
#: Program to why it does not work in a container, and what to do.
_NOT_IN_CONTAINER = {
    **dict.fromkeys(("systemctl", "service", "rc-service", "invoke-rc.d", "initctl", "supervisorctl"), _SERVICES),
    **dict.fromkeys(("reboot", "shutdown", "poweroff", "halt", "init", "logrotate", "ntpdate", "hwclock"), _MACHINE),
    **dict.fromkeys(("apt", "apt-get", "aptitude", "yum", "dnf", "zypper", "unattended-upgrade"), _MACHINE),
    **dict.fromkeys(("fstrim", "mdadm", "updatedb", "crontab", "anacron", "iptables", "certbot"), _MACHINE),
}
_DOCKER = "starts a container, which a job cannot"
_CONTAINERS = frozenset({"docker", "podman", "nerdctl", "docker-compose"})
_IMAGE = "make its image and command those of the job: image: {repository: …, tag: …}, command: […]"


def heartbeat(simple: Simple) -> str:
    """The host that a command pings so that a monitor knows of the run; empty if it does something else."""
    if simple.program not in _CLIENTS:
        return ""
    match = next((found for each in simple.words if (found := _HEARTBEATS.search(each.text))), None)
    return _host(match) if match else ""


def heartbeat_in(text: str) -> str:
    """The same for a text that was not taken apart."""
    match = _HEARTBEATS.search(text)
    return _host(match) if match and re.search(rf"\b({'|'.join(_CLIENTS)})\b", text) else ""


def is_logger(simple: Simple) -> bool:
    """Whether a command at a pipeline's end only stores what is printed."""
    if simple.program == "tee":
        return all(LOG.fullmatch(each.text.strip("\"'")) for each in simple.words[1:] if not each.text.startswith("-"))
    return simple.program in LOGGERS


def is_log(redirection: Redirection) -> bool:
    """Whether a redirection only stores what is printed: in a log, or nowhere."""
    return redirection.is_output and LOG.fullmatch(redirection.target.text.strip("\"'")) is not None


def is_copy(redirection: Redirection) -> bool:
    """Whether it is `2>&1` or its like, which names no file."""
    return redirection.operator in {">&", "<&"} and re.fullmatch("[0-9]|-", redirection.target.text) is not None


def obstacle(item: Item) -> tuple[str, str, str] | None:
    """A program that does not do here what it does on the machine: its name, why, and what to do."""
    for simple in item.pipeline:
        if simple.program == "run-parts":
            folder = next((each.text for each in simple.words[1:] if not each.text.startswith("-")), "its folder")
            return _run_parts(folder)
        if found := _obstacle(simple.program):
            return found
    return None


def obstacles_in(text: str) -> list[tuple[str, str, str]]:
    """The same for a text that was not taken apart; also programs that would write to the machine's log."""
    programs = dict.fromkeys(match[1].rpartition("/")[2] for match in _PROGRAM.finditer(text))
    found = [_run_parts("a folder") if each == "run-parts" else _obstacle(each) for each in programs]
    logs = [(each, _NO_LOG, "take it out: output goes to CloudWatch Logs") for each in programs if each in LOGGERS]
    return [*filter(None, found), *logs]


def _obstacle(program: str) -> tuple[str, str, str] | None:
    if program in _NOT_IN_CONTAINER:
        return program, _NOT_IN_CONTAINER[program], _LEAVE_OUT
    if program in _CONTAINERS:
        return program, _DOCKER, _IMAGE
    if program in _MAILERS:
        return program, "sends mail", "give the image a mail program that can reach a server, or send to SNS"
    return None


def _run_parts(folder: str) -> tuple[str, str, str]:
    return "run-parts", f"runs the programs in {folder}, which are not in the image", "make each of them a job"


def without_keys(text: str) -> str:
    """The text without the addresses of monitors' pings, whose paths are keys."""
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "…", text) if "runitor" in text else text
    return re.sub("[^ \"']+", lambda match: _short(match[0]), text)


def _short(word: str) -> str:
    return f"{_host_in(word)}/…" if _HEARTBEATS.search(word) else word


def _host_in(address: str) -> str:
    return re.sub("^https?://", "", address).partition("/")[0].rpartition("@")[2]


def _host(match: re.Match[str]) -> str:
    text = match[0]
    return "a monitor" if text.startswith("/") else text.partition("/")[0]
