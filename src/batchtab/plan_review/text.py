"""A summary as plain text for a terminal. Nothing is left out."""

from __future__ import annotations

from batchtab.plan_review.job_change import CHANGED, JobChange
from batchtab.plan_review.left_out import by_reason
from batchtab.plan_review.permissions import PermissionChange
from batchtab.plan_review.summary import Summary


def render(summary: Summary, *, title: str) -> str:
    """The text, with a newline at its end."""
    lines = [f"{title}: {summary.headline()}"]
    if summary.provisional:
        lines += [
            "",
            f"Planned with placeholders, because what they read from is not deployed: {', '.join(summary.provisional)}",
        ]
    if summary.left_out:
        lines.append("")
        for reason, stacks in by_reason(summary.left_out).items():
            lines.append(f"Not planned ({reason}): {', '.join(stacks)}")
    if summary.revisions.lines():
        lines += ["", *summary.revisions.lines()]
    if summary.losses:
        lines += ["", "DESTROYS OR REPLACES"]
        for loss in summary.losses:
            forced = f", because of {', '.join(loss.forced_by)}" if loss.forced_by else ""
            lost = f": {loss.lost}" if loss.lost else ""
            lines.append(f"  ! {loss.action} {loss.kind} {loss.name}{forced}{lost} ({loss.address} in {loss.stack})")
    for change in summary.jobs:
        lines += ["", f"{change.name} ({change.action}): {change.headline}", *job_lines(change)]
    for other in summary.environment:
        lines += ["", f"{other.kind} {other.name}: {other.action}"]
        lines += [f"  {d.name}: {d.before or '-'} -> {d.after or '-'}" for d in other.details]
    if summary.permissions:
        lines += ["", "Permissions", *(row for granted in summary.permissions for row in _grants(granted))]
    if summary.resources:
        lines += ["", f"All {len(summary.resources)} changes of resources"]
        lines += [
            f"  {row.action:8} {row.stack}: {row.address} {' '.join(row.changed)}".rstrip() for row in summary.resources
        ]
    if summary.findings is not None:
        found = summary.findings
        state = "scanned nothing: no result" if found.is_blind else f"{len(found.failed)} findings"
        lines += ["", f"checkov: {state} ({found.passed} passed, {found.skipped} skipped)"]
        lines += [f"  {f.check} {f.name}: {f.resource} in {f.file}" for f in found.failed]
    return "\n".join(lines) + "\n"


def job_lines(change: JobChange) -> list[str]:
    """What a change of a job says below its headline."""
    width = max((len(field.name) for field in change.fields), default=0)
    lines = []
    for field in change.fields:
        value = (
            f"{field.before or '-'} -> {field.after or '-'}"
            if change.action == CHANGED
            else field.before or field.after
        )
        lines.append(f"  {field.name.ljust(width)}  {value}")
    if change.other:
        lines.append(f"  only {', '.join(change.other)} change")
    return lines + [row for granted in change.permissions for row in _grants(granted)]


def _grants(granted: PermissionChange) -> list[str]:
    rows = [
        f"  + {granted.holder}: {permission}{'  WIDE' if permission.is_wide else ''}" for permission in granted.added
    ]
    rows += [f"  - {granted.holder}: {permission}" for permission in granted.removed]
    if granted.unreadable:
        rows.append(f"  ? {granted.holder}: a policy that can be read only after the apply ({granted.address})")
    return rows
