"""A summary as Markdown for GitHub: dangerous changes first, then the jobs in words, then the raw changes, folded."""

from __future__ import annotations

from batchtab.errors import how_many
from batchtab.plan_review.environment import EnvironmentChange
from batchtab.plan_review.findings import Findings
from batchtab.plan_review.fitting import fit, size
from batchtab.plan_review.job_change import REMOVED, JobChange
from batchtab.plan_review.left_out import by_reason
from batchtab.plan_review.markdown_jobs import grants, jobs, permission
from batchtab.plan_review.markup import code, is_link, plain
from batchtab.plan_review.revisions import Revisions
from batchtab.plan_review.summary import Summary

#: GitHub's limit for a comment.
LIMIT = 65_536
_LONGEST_NAMES = 400
_RESERVE = 200  # for a marker in front of it all
_SHARES = {
    "revisions": 0.1,
    "destructions": 0.2,
    "jobs": 0.62,
    "environment": 0.1,
    "permissions": 0.1,
    "findings": 0.15,
}


def render(summary: Summary, *, title: str, limit: int = LIMIT) -> str:
    """The comment.

    Args:
        summary: What to show.
        title: Of the heading: the stage.
        limit: Bytes that must not be exceeded.
    """
    head = f"## {plain(title)}: {summary.headline()}\n\n"
    place = " · ".join(part for part in (summary.account_id, summary.region) if part)
    names = f"stacks: {plain(', '.join(summary.stacks))}"
    stacks = names if len(names) <= _LONGEST_NAMES else f"{len(summary.stacks)} stacks"
    stacks = stacks if summary.stacks else "no stack planned"
    foot = f"\n<sub>{plain(place)} · {stacks} · {summary.now:%Y-%m-%d %H:%M} UTC</sub>\n"
    room = limit - size(head) - size(foot) - _RESERVE
    out = [head]

    def add(text: str) -> None:
        nonlocal room
        out.append(text)
        room -= size(text)

    if not summary.has_changes and not summary.revisions.mismatches:
        said = "The deployment matches the files." if summary.stacks else "Nothing changed since the last deployment."
        add(f"{said}\n")
    if summary.provisional:
        names = ", ".join(map(code, summary.provisional))
        add(f"> [!NOTE]\n> {names}: planned before what it reads from is deployed; some values are placeholders.\n\n")
    add(_left_out(summary))
    add(_revisions(summary.revisions, int(room * _SHARES["revisions"])))
    add(_cautions(summary, int(room * _SHARES["destructions"])))
    total = room
    tail = [
        _environment(summary, int(total * _SHARES["environment"])),
        _permissions(summary, int(total * _SHARES["permissions"])),
    ]
    findings = _findings(summary.findings, int(total * _SHARES["findings"]))
    reserved = sum(map(size, tail)) + size(findings)
    add(jobs(summary, min(int(total * _SHARES["jobs"]), total - reserved)))
    for text in tail:
        add(text)
    room -= size(findings)
    add(_resources(summary, room))
    out.append(findings)
    return "".join(out) + foot


def _left_out(summary: Summary) -> str:
    """What was not planned, and why; of many stacks only how many."""
    text = ""
    for reason, stacks in by_reason(summary.left_out).items():
        names = ", ".join(map(code, stacks))
        which = names if len(names) <= _LONGEST_NAMES else f"{len(stacks):,} stacks"
        text += f"Not planned ({plain(reason)}): {which}.\n"
    note = "The nightly drift run plans all stacks; so does `batchtab plan --all`."
    start = "" if summary.has_changes else "\n"
    return f"{start}<sub>{text}{note}</sub>\n\n" if text else ""


def _revisions(revisions: Revisions, budget: int) -> str:
    head = "> [!WARNING]\n> **Jobs run with other revisions of their definitions than Terraform deployed.**\n>\n"
    rows = [
        f"> - {code(each.job)} {each.what}: {', '.join(filter(None, (code(each.command), plain(each.otherwise))))}\n"
        for each in revisions.mismatches
    ]
    text = head + fit(rows, budget - size(head), lambda n: f"> - … and {n:,} more: `batchtab status`\n") if rows else ""
    unknown = "It could not be looked at which revisions the jobs run with"
    note = f"<sub>{unknown}: {plain(revisions.unknown)}</sub>\n" if revisions.unknown else ""
    return f"{text}{chr(10) if text else ''}{note}{chr(10) if note else ''}"


def _cautions(summary: Summary, budget: int) -> str:
    wide = [change for change in summary.jobs if change.wide]
    if not summary.losses and not wide:
        return ""
    number = len(summary.losses)
    losing = sum(bool(loss.lost) for loss in summary.losses)
    what = f"destroys or replaces {how_many(number, 'thing')}" if number else ""
    what += f"; {losing:,} of them with what is in {'it' if losing == 1 else 'them'}" if losing else ""
    gives = f"gives {how_many(len(wide), 'job')} wide permissions" if wide else ""
    what = f"This plan {', and '.join(filter(None, (what, gives)))}"
    lines = [
        f"> - **job {code(change.name)} is removed: it does not run any more**{_after(change)}\n"
        for change in summary.jobs
        if change.action == REMOVED
    ]
    lines += [
        f"> - **job {code(change.name)} ({change.action}) may now {permission(each)}**\n"
        for change in wide
        for each in change.wide
    ]
    for loss in summary.losses:
        forced = f" because of {', '.join(map(code, loss.forced_by))}" if loss.forced_by else ""
        verb = {"replace": "replaced", "destroy": "destroyed", "forget": "forgotten"}.get(loss.action, loss.action)
        name = f" {code(loss.name)}" if loss.lost or loss.name not in loss.address else ""
        text = (
            f"> - **{loss.kind}{name} is {verb}**{forced}" if loss.lost else f"> - {loss.kind}{name} is {verb}{forced}"
        )
        text += f": **{loss.lost}**" if loss.lost else ""
        lines.append(f"{text} ({code(loss.address)} in {plain(loss.stack)})\n")
    head = f"> [!CAUTION]\n> **{what}.**\n>\n"
    body = fit(
        lines, budget - size(head), lambda n: f"> - … and {n:,} more: see the list of all changes, or the files\n"
    )
    return f"{head}{body}\n"


def _after(change: JobChange) -> str:
    return f"; after it ran {', '.join(map(code, change.followers))}" if change.followers else ""


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
    name = f"{verb}{change.kind} {code(change.name)}"
    if not change.details:
        return [f"| {name} | | | |\n"]
    rows = []
    for number, detail in enumerate(change.details):
        rows.append(
            f"| {name if number == 0 else ''} | {detail.name} | {code(detail.before)} | {code(detail.after)} |\n"
        )
    return rows


def _permissions(summary: Summary, budget: int) -> str:
    if not summary.permissions:
        return ""
    rows = [row for granted in summary.permissions for row in grants(granted, named=True)]
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
        f"| {plain(row.stack)} | {row.action} | {code(row.address)} | {', '.join(map(code, row.changed))} |\n"
        for row in summary.resources
    ]
    rows += [
        f"| {plain(name.partition('.')[0])} | output | {code(name.partition('.')[2])} | |\n" for name in summary.outputs
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
            "its result is not valid.\n\n"
        )
    tally = (
        f" ({findings.passed:,} checks passed, {findings.skipped:,} skipped with a reason)" if findings.tallied else ""
    )
    if not findings.failed:
        return f"checkov: nothing found{tally}.\n"
    head = f"<details open><summary>checkov: {len(findings.failed):,} findings{tally}</summary>\n\n"
    rows = []
    for finding in findings.failed:
        link = f"[{finding.check}]({finding.guideline})" if is_link(finding.guideline) else code(finding.check)
        rows.append(f"- {link} {plain(finding.name)}: {code(finding.resource)} in {code(finding.file)}\n")
    foot = "\n</details>\n"
    return head + fit(rows, budget - size(head) - size(foot), lambda n: f"- … and {n:,} more\n") + foot
