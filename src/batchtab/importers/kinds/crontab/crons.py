"""Which cron reads a crontab: Debian's and cronie differ in CRON_TZ, RANDOM_DELAY, `~` and a doubled backslash."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.crontab.lines import Entry, Tab, Variable

SETTING = "cron"
DEBIAN, CRONIE, UNKNOWN = "debian", "cronie", "auto"
#: Variables that only cronie reads; to Debian's cron they are variables of commands.
OF_CRONIE = ("CRON_TZ", "RANDOM_DELAY")


def chosen(settings: Mapping[str, str]) -> str:
    """The cron that `--set cron=` names.

    Raises:
        UsageError: It is none.
    """
    value = settings.get(SETTING, UNKNOWN)
    if value not in {DEBIAN, CRONIE, UNKNOWN}:
        raise UsageError(f"--set {SETTING}={value} is not {DEBIAN}, {CRONIE} or {UNKNOWN}")
    return value


def of_tab(tab: Tab, wanted: str, recorder: Recorder) -> str:
    """The cron of a crontab: the one that is wanted, or cronie where a line has what only cronie knows."""
    if wanted != UNKNOWN:
        recorder.changed(SETTING, wanted, "the rules by which the crontab is read")
        return wanted
    marks = dict.fromkeys(each.name for each in tab.lines if isinstance(each, Variable) and each.name in OF_CRONIE)
    if any(isinstance(each, Entry) and "~" in each.fields for each in tab.lines):
        marks["~"] = None
    if not marks:
        return UNKNOWN
    how = f"taken for cronie's, which knows {', '.join(marks)}; Debian's cron does not: --set {SETTING}={DEBIAN}"
    recorder.changed(SETTING, UNKNOWN, how)
    return CRONIE


def command_of(entry: Entry, cron: str, recorder: Recorder) -> str:
    r"""An entry's command as a cron gives it to the shell: Debian's makes one backslash of two."""
    text = entry.command
    if len(text) - len(text.rstrip("\\")) & 1:
        why = "no line goes on in the next one: cron gives the shell this line alone"
        recorder.changed("line end", "\\", why, "write the whole command")
    if r"\\" not in text or cron == CRONIE:
        return text
    if cron == DEBIAN:
        recorder.changed("backslashes", r"\\", r"command: \, as Debian's cron makes one of two")
        return re.sub(r"\\\\", r"\\", text)
    why = r"two backslashes: Debian's cron makes one of them, others do not"
    recorder.changed("backslashes", r"\\", why, f"name the cron: --set {SETTING}={DEBIAN} or {CRONIE}")
    return text
