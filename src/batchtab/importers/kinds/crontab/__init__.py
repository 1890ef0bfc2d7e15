"""crontab, /etc/cron.d and systemd timers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from batchtab.errors import UsageError, how_many
from batchtab.importers.findings import Recorder
from batchtab.importers.images import image_fields, short_ecr
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.crontab import crons
from batchtab.importers.kinds.crontab import jobs as crontab_jobs
from batchtab.importers.kinds.crontab import lines as crontab_lines
from batchtab.importers.kinds.crontab.lines import Tab
from batchtab.importers.kinds.systemd import timers as systemd_timers
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_USER_COLUMN = "user-column"
_CD = re.compile(r"\bcd [/~$\"']")
#: A path that begins with `.`, a `cd` to one, and a program by one such as `bin/report`.
_IN_FOLDER = re.compile(r"(^|[\s;&|(])(\.{1,2}/|cd [^/~$\s\"'-])|(^|[;&|(]\s*)[\w.-]+/[\w./-]+")
_DATE = re.compile(r"(?:^|[\s;&|(`/])date(?=$|[\s;&|)`])")
_DAY_SECONDS = 86_400


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of crontab files, and of systemd's timers with their services.

    Raises:
        UsageError: A file is neither, or there is no job in the files.
    """
    setting = options.settings.get(_USER_COLUMN, "auto")
    if setting not in {"auto", "yes", "no"}:
        raise UsageError(f"--set {_USER_COLUMN}={setting} is not yes, no or auto")
    cron = crons.chosen(options.settings)
    imported = Imported()
    tabs = [each for each in files if not systemd_timers.is_unit(each)]
    units = [each for each in files if systemd_timers.is_unit(each)]
    for file in files:
        if "\0" in file.text:
            raise UsageError(f"{file.path} is not text: it has NUL characters")
    for file in tabs:
        _read_tab(file, imported, options, setting, cron)
    if units:
        systemd_timers.read(units, imported, options)
    if not imported.jobs:
        raise UsageError(_why_none(imported, files))
    _record_machine(imported, options)
    _share_environment(imported)
    return imported


def _read_tab(file: SourceFile, imported: Imported, options: Options, setting: str, cron: str) -> None:
    recorder = Recorder(imported.findings, "", file.name)
    has_users, is_sure = crontab_lines.has_users(file.path, file.text)
    if setting != "auto":
        has_users, is_sure = setting == "yes", True
    if not is_sure:
        column = "users" if has_users else "no users"
        todo = f"confirm it with --set {_USER_COLUMN}={'yes' if has_users else 'no'}, or say the other"
        recorder.changed(_USER_COLUMN, "auto", f"the sixth column was taken for {column}", todo)
    if "\r\n" in file.text:
        recorder.changed("line ends", "CR LF", "the CR of each line is dropped; cron would give it to the command")
    tab = crontab_lines.parse(file.text, has_users=has_users)
    cron = crons.of_tab(tab, cron, recorder)
    crontab_jobs.read(tab, file, imported, options.timezone, cron)
    _record_comments(tab, recorder)


def _record_comments(tab: Tab, recorder: Recorder) -> None:
    if tab.commented_out:
        lines = ", ".join(map(str, tab.commented_out))
        text = how_many(len(tab.commented_out), "entry", "entries")
        recorder.not_carried("commented-out entries", text, f"they do not run; lines {lines}")
    if tab.comments:
        text = how_many(tab.comments, "line")
        recorder.not_carried("comments", text, "they are directly above no entry, or long")


def _why_none(imported: Imported, files: Sequence[SourceFile]) -> str:
    """One line on why there is no job: what was found first, or that there is nothing."""
    first = next((each for each in imported.findings if each.todo), None)
    if first is None:
        return f"{files[0].path} has no entry such as '0 5 * * * /srv/report'"
    return f"{first.place} has no job: '{first.shown}' {first.note} ({first.todo})"


def _record_machine(imported: Imported, options: Options) -> None:
    """What the machine had and no file says: its programs, its clock, and no limit of time."""
    recorder = Recorder(imported.findings)
    if options.image:
        imported.image = short_ecr(image_fields(options.image), options.account, options.region)
        recorder.changed("image", options.image, "image, of --image; it needs the machine's programs and files")
    else:
        todo = "import with --image ADDRESS, or put them into the runner image"
        recorder.changed("image", "", "the shared runner image, which needs the machine's programs and files", todo)
    if any(each.clock.timezone == options.timezone for each in imported.fires):
        todo = "" if options.is_zone_given else "import with --timezone, such as --timezone Europe/Berlin, or UTC"
        how = f"schedules without a zone are read in {options.timezone}"
        recorder.changed("time zone", "" if options.is_zone_given else "not named", how, todo)
    _record_clock(imported, options, recorder)
    _record_folders(imported, recorder)
    imported.defaults["read_only_root_filesystem"] = False
    how = "defaults.read_only_root_filesystem: false, as the machine's; what is written is lost at a run's end"
    recorder.changed("disk", "", how)
    if any("timeout_seconds" not in each.settings for each in imported.jobs):
        imported.defaults["timeout_seconds"] = _DAY_SECONDS
        recorder.changed("time limit", "", f"defaults.timeout_seconds: {_DAY_SECONDS}; the machine has none")


def _record_clock(imported: Imported, options: Options, recorder: Recorder) -> None:
    """A machine's programs see its local time, and a container's see UTC."""
    if options.is_zone_given and options.timezone != "UTC":
        imported.defaults["environment"] = {"TZ": options.timezone}
        how = f"defaults.environment.TZ: {options.timezone}, so programs see local time; the image needs tzdata"
        recorder.changed("clock", options.timezone, how)
    for job in imported.jobs if not options.is_zone_given else ():
        if _DATE.search(" ".join(job.settings.get("command", []))) and "TZ" not in job.settings.get("environment", {}):
            why = "the command calls date, which prints UTC in a container"
            todo = "import with --timezone, or write environment: {TZ: …}"
            Recorder(imported.findings, job.name, job.origin).changed("clock", "", why, todo)


def _record_folders(imported: Imported, recorder: Recorder) -> None:
    """Cron starts a command in the user's home folder, and a container in the image's WORKDIR."""
    recorder.changed(
        "working folder", "", "commands start in the image's WORKDIR; the machine's is HOME, the user's home folder"
    )
    for job in imported.jobs:
        command = job.settings.get("command", [])
        is_script = command[1:2] == ["-c"]
        script = command[2] if is_script else shlex.join(command)
        if not (named := _IN_FOLDER.search(script)) or _CD.search(script[: named.start()]):
            continue
        own = Recorder(imported.findings, job.name, job.origin)
        home = job.settings.get("environment", {}).get("HOME")
        if home:
            shell = command[:2] if is_script else ["sh", "-c"]
            job.settings["command"] = [*shell, f"cd {shlex.quote(home)} || exit\n{script}"]
            own.changed("working folder", home, "command: it begins with cd to HOME, where cron starts it")
        else:
            why = "the command names a path below the folder that it starts in"
            own.changed("working folder", "", why, "begin it with cd, or set WORKDIR in the image")


def _share_environment(imported: Imported) -> None:
    """What all jobs have goes into `defaults`, whose variables a job's own are added to."""
    if len(imported.jobs) < 2:
        return
    first, *others = [each.settings.get("environment", {}) for each in imported.jobs]
    shared = {name: value for name, value in first.items() if all(each.get(name) == value for each in others)}
    if not shared:
        return
    imported.defaults["environment"] = {**imported.defaults.get("environment", {}), **shared}
    for job in imported.jobs:
        own = {name: value for name, value in job.settings.pop("environment").items() if name not in shared}
        if own:
            job.settings["environment"] = own
