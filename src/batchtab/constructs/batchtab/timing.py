"""When jobs run, as HCL: moments in UTC, and how near two runs may be, which `schedules.gaps` says in Python."""

from __future__ import annotations

from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs.batchtab.faults import text
from batchtab.constructs.batchtab.rules import is_given
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.trigger_fields import ONLY_SCHEDULER
from batchtab.schedules import crontab, gaps

_FIVE = "^[^ ()@]+( +[^ ()]+){4}$"
_RATE = "^rate[(] *([0-9]+) +(minute|hour|day)s? *[)]$"
_ITEM = "^(?:[*?]|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?$"
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MOMENT = "^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?$"


def locals_of_timing() -> dict[str, str]:
    """The jobs with what their schedules mean."""
    said = ", ".join(f"[for t in [{hcl(name.rstrip('_'))}] : t if {is_given(OneJob, name)}]" for name in ONLY_SCHEDULER)
    more = (
        f'{{ said = concat({said}), schedule = {_aws_form("w.schedule")}, queue = try(w.queue, "default"),'
        f" start = {_moment('start', '00:00', ':00')}, end = {_moment('end', '23:59', ':59')} }}"
    )
    gap = f"{{ gap = try({_gap('s.schedule')}, null) }}"
    return {
        "jobs_scheduled": f"[for s in local.jobs_known : merge(s, [for w in [s.job] : {more}][0])]",
        "jobs_timed": f"[for s in local.jobs_scheduled : merge(s, {gap})]",
    }


def _aws_form(schedule: str) -> str:
    """A schedule with crontab's words replaced; its five fields stay what they are."""
    whole = f'coalesce(try({schedule}, null), "-")'
    return f"lookup({hcl(crontab.WORDS)}, {whole}, {whole})"


def _moment(name: str, time: str, second: str) -> str:
    """A moment in UTC; null where there is none, or where only its time zone says which it is."""
    matched = f"regex({text(_MOMENT)}, w.{name})"
    wall = f'"${{m[0]}}T${{coalesce(m[1], "{time}")}}${{coalesce(m[2], m[1] == null ? "{second}" : ":00")}}Z"'
    offset = 'm[3] == null ? "0s" : "${m[3] == "+" ? "-" : ""}${m[4]}h${m[5]}m"'
    known = (
        f'm[3] != null || endswith(w.{name}, "Z") || contains(["UTC", "Etc/UTC", "GMT"],'
        ' coalesce(try(w.timezone, null), "UTC"))'
    )
    moved = f"[for m in [{matched}] : timeadd({wall}, {offset}) if {known}]"
    return f"try({moved}[0], null)"


def _numbers(field: str, most: int) -> str:
    """The numbers of a field of minutes or hours."""
    begin = "(p[0] == null ? 0 : tonumber(p[0]))"
    end = f"(p[1] != null ? tonumber(p[1]) : p[0] == null || p[2] != null ? {most} : tonumber(p[0]))"
    items = (
        f'flatten([for item in split(",", {field}) : [for p in [regex({text(_ITEM)}, item)] :'
        f' range({begin}, {end} + 1, tonumber(coalesce(p[2], "1")))]])'
    )
    return f"[for all in [{items}] : [for n in range({most + 1}) : n if contains(all, n)]][0]"


def _gap(schedule: str) -> str:
    """Seconds between two runs; null where they are further apart than two days, or one is all."""
    rate = f"[for r in [regex({text(_RATE)}, {schedule})] : tonumber(r[0]) * lookup({hcl(_UNITS)}, r[1], 0)][0]"
    inner = f'trimsuffix(substr({schedule}, 5, -1), ")")'
    five = f"regex({text(_FIVE)}, {schedule})[0] == null ? null : {schedule}"
    fields = f'compact(split(" ", startswith({schedule}, "cron(") ? {inner} : {five}))'
    of_minutes = "[for i in range(1, length(m)) : m[i] - m[i - 1]]"
    of_hours = "[for i in range(1, length(h)) : (h[i] - h[i - 1]) * 60 + m[0] - m[length(m) - 1]]"
    day = 'contains(["*", "?"], f[4]) ? f[2] : f[4]'
    of_days = (
        f"[for d in [{day}] : 1440 + (h[0] - h[length(h) - 1]) * 60 + m[0] - m[length(m) - 1] if"
        f" !can(regex({text(gaps.ONE_DAY_PATTERN)}, d))]"
    )
    least = f"min(concat({of_minutes}, {of_hours}, {of_days})...) * 60"
    cron = (
        f"[for f in [{fields}] : [for m in [{_numbers('f[0]', 59)}] :"
        f" [for h in [{_numbers('f[1]', 23)}] : {least}][0]][0]][0]"
    )
    return f"{rate}, {cron}"
