"""A summary as Markdown for GitHub: the dangerous first, the jobs in words, the raw changes folded."""

from __future__ import annotations

import html
import re

from cli.plan_summary.environment import EnvironmentChange
from cli.plan_summary.findings import Findings
from cli.plan_summary.fitting import fit, size
from cli.plan_summary.job_change import CHANGED, NEW, REMOVED, JobChange
from cli.plan_summary.permissions import Permission, PermissionChange
from cli.plan_summary.summary import Summary
from cli.plan_summary.usage import Usage

#: GitHub's limit for a comment.
LIMIT = 65_536
_LONGEST_NAMES = 400
_RESERVE = 200  # for a marker in front of it all
_SHARES = {"destructions": 0.2, "jobs": 0.62, "environment": 0.1, "permissions": 0.1, "findings": 0.15}
_ICONS = {NEW: "🟢", CHANGED: "🟡", REMOVED: "🔴"}
_CODE = frozenset({"command", "environment", "secrets"})
_NAMES = frozenset({"image", "queue", "job role", "capacity"})  # or words, where there is no name
_BOUND = "at most a month"
_BOUND_NOTE = (
    "At most a month: every attempt of every run lasting until its timeout, in the mean of the next twelve months. "
    "Real use is lower by as much as runs are shorter."
)


def render(summary: Summary, *, title: str, limit: int = LIMIT) -> str:
    """The comment.

    Args:
        summary: What to tell.
        title: Of the heading: the stage.
        limit: Bytes that must not be exceeded.
    """
    head = f"## {_plain(title)}: {summary.headline()}\n\n"
    place = " · ".join(part for part in (summary.account_id, summary.region) if part)
    names = f"stacks: {_plain(', '.join(summary.stacks))}"
    stacks = names if len(names) <= _LONGEST_NAMES else f"{len(summary.stacks)} stacks"
    foot = f"\n<sub>{_plain(place)} · {stacks} · {summary.now:%Y-%m-%d %H:%M} UTC</sub>\n"
    room = limit - size(head) - size(foot) - _RESERVE
    out = [head]

    def add(text: str) -> None:
        nonlocal room
        out.append(text)
        room -= size(text)

    if not summary.has_changes:
        add("What is deployed is what the files say.\n")
    if summary.provisional:
        names = ", ".join(map(_code, summary.provisional))
        add(f"> [!NOTE]\n> {names}: planned before what it reads from is deployed; some values are stand-ins.\n\n")
    add(_destructions(summary, int(room * _SHARES["destructions"])))
    total = room
    tail = [
        _environment(summary, int(total * _SHARES["environment"])),
        _permissions(summary, int(total * _SHARES["permissions"])),
    ]
    findings = _findings(summary.findings, int(total * _SHARES["findings"]))
    reserved = sum(map(size, tail)) + size(findings)
    add(_jobs(summary, min(int(total * _SHARES["jobs"]), total - reserved)))
    for text in tail:
        add(text)
    room -= size(findings)
    add(_resources(summary, room))
    out.append(findings)
    return "".join(out) + foot


def _destructions(summary: Summary, budget: int) -> str:
    if not summary.destructions:
        return ""
    number = len(summary.destructions)
    losing = sum(bool(loss.lost) for loss in summary.destructions)
    what = f"This plan destroys or replaces {number:,} thing{'' if number == 1 else 's'}"
    what += f"; {losing:,} of them with what is in {'it' if losing == 1 else 'them'}" if losing else ""
    lines = [
        f"> - **job {_code(change.name)} is removed: it does not run any more**\n"
        for change in summary.jobs
        if change.action == REMOVED
    ]
    for loss in summary.destructions:
        forced = f" because of {', '.join(map(_code, loss.forced_by))}" if loss.forced_by else ""
        verb = {"replace": "replaced", "destroy": "destroyed", "forget": "forgotten"}.get(loss.action, loss.action)
        name = f" {_code(loss.name)}" if loss.lost or loss.name not in loss.address else ""
        text = (
            f"> - **{loss.kind}{name} is {verb}**{forced}" if loss.lost else f"> - {loss.kind}{name} is {verb}{forced}"
        )
        text += f": **{loss.lost}**" if loss.lost else ""
        lines.append(f"{text} ({_code(loss.address)} in {_plain(loss.stack)})\n")
    head = f"> [!CAUTION]\n> **{what}.**\n>\n"
    body = fit(
        lines, budget - size(head), lambda n: f"> - … and {n:,} more: see the list of all changes, or the files\n"
    )
    return f"{head}{body}\n"


def _jobs(summary: Summary, budget: int) -> str:
    """All jobs in full while there is room, then on a line each, then only their number."""
    if not summary.jobs:
        unchanged = summary.unchanged_jobs
        return f"No job changes; there are {unchanged:,}.\n\n" if unchanged and summary.has_changes else ""
    head = "### Jobs\n\n"
    same = f" Unchanged jobs: {summary.unchanged_jobs:,}." if summary.unchanged_jobs else ""
    bound = any(field.name == _BOUND for change in summary.jobs for field in change.fields)
    words = f"{_BOUND_NOTE}{_total(summary)}{same}" if bound else same.strip()
    note = f"<sub>{words}</sub>\n\n" if words else ""
    budget -= size(head) + size(note)
    full = [_job(change) for change in summary.jobs]
    if sum(map(size, full)) <= budget:
        return head + "".join(full) + note
    line_budget = budget // 2
    kept, used = 0, 0
    while kept < len(full) and used + size(full[kept]) <= budget - line_budget:
        used += size(full[kept])
        kept += 1
    lines = [f"- {_line(change)}\n" for change in summary.jobs[kept:]]
    word = f"\n{len(lines):,} more jobs, shortened to a line each to fit into a comment:\n\n"
    rest = fit(
        lines,
        budget - used - size(word),
        lambda n: (
            f"- … and {n:,} more jobs, left out because a comment holds 65,536 characters: "
            "`batchtab plan-summary --format text` tells all\n"
        ),
    )
    return head + "".join(full[:kept]) + word + rest + "\n" + note


def _line(change: JobChange) -> str:
    return f"{_ICONS[change.action]} **{_plain(change.name)}** {_label(change)}: {_plain(change.headline)}"


def _label(change: JobChange) -> str:
    return f"({change.action})"


def _job(change: JobChange) -> str:
    text = ""
    if change.fields:
        changed = change.action == CHANGED
        text += "| | before | after |\n|---|---|---|\n" if changed else "| | |\n|---|---|\n"
        for field in change.fields:
            sides = (field.before, field.after) if changed else (field.before or field.after,)
            text += f"| {field.name} | {' | '.join(_value(field.name, side) for side in sides)} |\n"
        text += "\n"
    if change.other:
        text += f"Only {', '.join(map(_code, change.other))} change.\n\n"
    if change.permissions:
        text += "".join(row for held in change.permissions for row in _grants(held)) + "\n"
    if change.action == CHANGED:
        return f"#### {_line(change)}\n\n{text}"
    return f"<details><summary>{_summary_line(change)}</summary>\n\n{text}</details>\n\n"


def _summary_line(change: JobChange) -> str:
    name = html.escape(change.name)
    return f"{_ICONS[change.action]} <b>{name}</b> {_label(change)}: {html.escape(change.headline)}"


def _grants(held: PermissionChange, *, named: bool = False) -> list[str]:
    who = f"{_code(held.holder)} " if named else ""
    warning = "⚠️ " if held.widens else ""
    rows = [f"- {warning}{who}may now {_permission(p)}\n" for p in held.added if not p.denies]
    rows += [f"- {who}is now denied {_permission(p)}\n" for p in held.added if p.denies]
    rows += [f"- {who}may no longer {_permission(p)}\n" for p in held.removed if not p.denies]
    rows += [f"- ⚠️ {who}is no longer denied {_permission(p)}\n" for p in held.removed if p.denies]
    if held.unreadable:
        rows.append(f"- {warning}{who}gets a policy that can be read only after the apply ({_code(held.address)})\n")
    return rows


def _permission(permission: Permission) -> str:
    text = _code(permission.action)
    text += f" on {_code(permission.resource)}" if permission.resource else ""
    text += f", given to {_code(permission.who)}" if permission.who else ""
    text += f", if {_code(permission.condition)}" if permission.condition else ""
    return f"{text} (**wide**)" if permission.is_wide else text


def _total(summary: Summary) -> str:
    def add(uses: list[Usage | None]) -> tuple[float, float]:
        known = [used for used in uses if used]
        return sum(used.vcpu_hours for used in known), sum(used.gib_hours for used in known)

    before = add([change.usage_before for change in summary.jobs])
    after = add([change.usage_after for change in summary.jobs])
    if before == after:
        return ""
    return (
        f" These jobs together: {before[0]:,.0f} → {after[0]:,.0f} vCPU-hours,"
        f" {before[1]:,.0f} → {after[1]:,.0f} GiB-hours."
    )


def _environment(summary: Summary, budget: int) -> str:
    if not summary.environment:
        return ""
    alerts = [change for change in summary.environment if change.is_alert]
    others = [change for change in summary.environment if not change.is_alert]
    text = ""
    for title, changes in (("Environment", others), ("Alerts", alerts)):
        if changes:
            rows = [row for change in changes for row in _environment_rows(change)]
            head = f"### {title}\n\n| | setting | before | after |\n|---|---|---|---|\n"
            share = (budget // 2 if alerts and others else budget) - size(head)
            text += head + fit(rows, share, lambda n: f"| … and {n:,} more settings | | | |\n") + "\n"
    return text


def _environment_rows(change: EnvironmentChange) -> list[str]:
    verb = {"create": "new ", "destroy": "destroyed ", "replace": "replaced "}.get(change.action, "")
    name = f"{verb}{change.kind} {_code(change.name)}"
    if not change.details:
        return [f"| {name} | | | |\n"]
    rows = []
    for number, detail in enumerate(change.details):
        rows.append(
            f"| {name if number == 0 else ''} | {detail.name} | {_cell(detail.before)} | {_cell(detail.after)} |\n"
        )
    return rows


def _permissions(summary: Summary, budget: int) -> str:
    if not summary.permissions:
        return ""
    rows = [row for held in summary.permissions for row in _grants(held, named=True)]
    head = "### Permissions\n\n"
    return head + fit(rows, budget - size(head), lambda n: f"- … and {n:,} more\n") + "\n"


def _resources(summary: Summary, budget: int) -> str:
    if not summary.resources and not summary.outputs:
        return ""
    number = len(summary.resources)
    title = "The one change of a resource" if number == 1 else f"All {number:,} changes of resources"
    head = f"<details><summary>{title}</summary>\n\n| stack | action | resource | attributes |\n|---|---|---|---|\n"
    foot = "\n</details>\n\n"
    rows = [
        f"| {_plain(row.stack)} | {row.action} | {_code(row.address)} | {', '.join(map(_code, row.changed))} |\n"
        for row in summary.resources
    ]
    rows += [
        f"| {_plain(name.partition('.')[0])} | output | {_code(name.partition('.')[2])} | |\n"
        for name in summary.outputs
    ]
    body = fit(
        rows, budget - size(head) - size(foot), lambda n: f"| … | | {n:,} more, left out to fit into a comment | |\n"
    )
    return head + body + foot


def _findings(findings: Findings | None, budget: int) -> str:
    if findings is None:
        return ""
    if findings.is_blind:
        return (
            "> [!WARNING]\n> checkov could not read "
            f"{findings.parsing_errors or 'any'} file{'' if findings.parsing_errors == 1 else 's'}: "
            "what it says is worth nothing.\n\n"
        )
    tally = f"{findings.passed:,} checks passed, {findings.skipped:,} skipped with a reason"
    if not findings.failed:
        return f"checkov: nothing found ({tally}).\n"
    head = f"<details open><summary>checkov: {len(findings.failed):,} findings ({tally})</summary>\n\n"
    rows = []
    for finding in findings.failed:
        link = f"[{finding.check}]({finding.guideline})" if _is_link(finding.guideline) else _code(finding.check)
        rows.append(f"- {link} {_plain(finding.name)}: {_code(finding.resource)} in {_code(finding.file)}\n")
    foot = "\n</details>\n"
    return head + fit(rows, budget - size(head) - size(foot), lambda n: f"- … and {n:,} more\n") + foot


def _value(field: str, text: str) -> str:
    """A job's field: what is written for machines as code, what is said in words as words."""
    if field == "schedule":
        expression, comma, words = text.partition("), ")
        if not comma:
            return _code(text) if text.endswith(")") else _plain(text)
        return f"{_code(expression + ')')}, {_plain(words)}"
    is_code = field in _CODE or (field in _NAMES and " " not in text)
    return _cell(text) if is_code else _plain(text)


def _is_link(text: str) -> bool:
    return re.fullmatch(r"https://[A-Za-z0-9./_?=&%#-]+", text) is not None


def _cell(text: str) -> str:
    """A value in a table: what people and AWS wrote stands as code, so that none of it is markup."""
    return _code(text) if text else ""


def _code(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        return ""
    ticks = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (ticks + 1)
    pad = " " if ticks else ""
    return f"{fence}{pad}{line.replace('|', chr(92) + '|')}{pad}{fence}"


def _plain(text: str) -> str:
    """Words outside code: nothing in them is markup, and nobody is called by `@name`."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", " ".join(text.split()))
    return escaped.replace("@", "@\u200b")
