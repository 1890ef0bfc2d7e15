"""The jobs of a summary in Markdown: in full while there is room, then on a line each, then as a number."""

from __future__ import annotations

import html

from batchtab.plan_review.fitting import fit, size
from batchtab.plan_review.job_change import CHANGED, NEW, REMOVED, JobChange
from batchtab.plan_review.markup import code, plain
from batchtab.plan_review.permissions import Permission, PermissionChange
from batchtab.plan_review.summary import Summary
from batchtab.plan_review.usage import Usage

_ICONS = {NEW: "🟢", CHANGED: "🟡", REMOVED: "🔴"}
_CODE = frozenset({"command", "environment", "secrets"})
_NAMES = frozenset({"image", "queue", "job role", "capacity"})  # or words, where there is no name
_BOUND = "at most a month"
_BOUND_NOTE = (
    "At most a month: every attempt of every run takes its whole timeout, averaged over the next twelve months. "
    "Real use is lower, as runs are shorter."
)


def jobs(summary: Summary, budget: int) -> str:
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
            f"- … and {n:,} more jobs, left out because a comment is limited to 65,536 characters: "
            "`batchtab ci summary --format text` shows all\n"
        ),
    )
    return head + "".join(full[:kept]) + word + rest + "\n" + note


def _line(change: JobChange) -> str:
    return f"{_ICONS[change.action]} **{plain(change.name)}** {_label(change)}: {plain(change.headline)}"


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
        text += f"Only {', '.join(map(code, change.other))} change.\n\n"
    if change.permissions:
        text += "".join(row for granted in change.permissions for row in grants(granted)) + "\n"
    if change.action == CHANGED:
        return f"#### {_line(change)}\n\n{text}"
    return f"<details><summary>{_summary_line(change)}</summary>\n\n{text}</details>\n\n"


def _summary_line(change: JobChange) -> str:
    name = html.escape(change.name)
    return f"{_ICONS[change.action]} <b>{name}</b> {_label(change)}: {html.escape(change.headline)}"


def grants(granted: PermissionChange, *, named: bool = False) -> list[str]:
    """What a policy gives and takes, a line each; `named` adds the holder's name."""
    who = f"{code(granted.holder)} " if named else ""
    warning = "⚠️ " if granted.widens else ""
    rows = [f"- {warning}{who}may now {_permission(p)}\n" for p in granted.added if not p.denies]
    rows += [f"- {who}is now denied {_permission(p)}\n" for p in granted.added if p.denies]
    rows += [f"- {who}may no longer {_permission(p)}\n" for p in granted.removed if not p.denies]
    rows += [f"- ⚠️ {who}is no longer denied {_permission(p)}\n" for p in granted.removed if p.denies]
    if granted.unreadable:
        rows.append(f"- {warning}{who}gets a policy that can be read only after the apply ({code(granted.address)})\n")
    return rows


def permission(given: Permission) -> str:
    """What may be done, on what, by whom and when."""
    text = code(given.action)
    text += f" on {code(given.resource)}" if given.resource else ""
    text += f", given to {code(given.who)}" if given.who else ""
    return f"{text}, if {code(given.condition)}" if given.condition else text


def _permission(given: Permission) -> str:
    return f"{permission(given)} (**wide**)" if given.is_wide else permission(given)


def _value(field: str, text: str) -> str:
    """A job's field: what is written for machines as code, what is said in words as words."""
    if field == "schedule":
        expression, comma, words = text.partition("), ")
        if not comma:
            return code(text) if text.endswith(")") else plain(text)
        return f"{code(expression + ')')}, {plain(words)}"
    is_code = field in _CODE or (field in _NAMES and " " not in text)
    return code(text) if is_code else plain(text)


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
