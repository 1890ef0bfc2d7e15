"""The report of an import, in Markdown: each field of the source, and the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from batchtab.errors import how_many
from batchtab.importers.findings import Fate, Finding
from batchtab.importers.imported import Imported
from batchtab.importers.proof import MEANINGS, Proven

_FILE = "The whole file"


def text_of(imported: Imported, proven: Sequence[Proven], *, command: str, since: datetime, years: int) -> str:
    """The report.

    Args:
        imported: Jobs and findings.
        proven: The proof; empty if it was switched off.
        command: What made it.
        since: From when the proof compares.
        years: For how long.
    """
    fates = Counter(each.fate for each in imported.findings)
    decisions = imported.findings.decisions()
    lines = [
        "# Import report",
        "",
        f"Made by `{command}`. {summary(imported)}",
        "",
        "| fields | number |",
        "|---|---|",
        *(f"| {fate} | {fates[fate]} |" for fate in Fate),
        "",
    ]
    if decisions:
        lines += ["## For a person to decide", ""]
        lines += [
            f"- **{each.job or _FILE}**, {_place(each)}`{_code(each.field)}`: {each.note}. To do: {each.todo}"
            for each in decisions
        ]
        lines.append("")
    if proven:
        lines += [*_proof(proven, since, years), ""]
    for name in ["", *(job.name for job in imported.jobs), *_lost(imported)]:
        findings = imported.findings.of_job(name)
        if findings:
            lines += [f"## {f'Job `{name}`' if name else _FILE}", "", *_table(findings), ""]
    return "\n".join(lines).rstrip() + "\n"


def summary(imported: Imported) -> str:
    """The import in a sentence or two."""
    jobs, decisions = len(imported.jobs), len(imported.findings.decisions())
    text = f"{how_many(jobs, 'job')}."
    if decisions:
        text += f" {how_many(decisions, 'field needs', 'fields need')} a decision."
    return text


def proof_lines(proven: Sequence[Proven]) -> list[str]:
    """A line for each schedule, for the terminal, and one for what each kind of difference means."""
    lines = [f"{', '.join(each.fires.jobs)}: {_short(each)}" for each in proven]
    causes = dict.fromkeys(difference.cause for each in proven for difference in each.differences)
    return [*lines, *(f"{cause}: {MEANINGS[cause]}" for cause in causes)]


def _short(proven: Proven) -> str:
    starts = how_many(proven.times, "start")
    parts = [
        f"{'misses' if each.is_missing else 'adds'} {each.count} of {starts}, first {each.first} ({each.cause})"
        if each.first
        else each.cause
        for each in proven.differences
    ]
    return "; ".join(parts) or ("the same period" if proven.is_period else f"{starts}, the same")


def _lost(imported: Imported) -> list[str]:
    """Names of jobs that have findings and are not in jobs.yaml."""
    names = {each.name for each in imported.jobs}
    return [*dict.fromkeys(each.job for each in imported.findings if each.job and each.job not in names)]


def _proof(proven: Sequence[Proven], since: datetime, years: int) -> list[str]:
    lines = [
        "## Proof",
        "",
        f"The times of {how_many(years, 'year')} from {since:%Y-%m-%d} on, by the source's rules and by those of"
        " jobs.yaml, computed by two engines.",
        "",
        "| jobs | source | zone | starts | result |",
        "|---|---|---|---|---|",
    ]
    for each in proven:
        clock = each.fires.clock
        cells = (
            ", ".join(each.fires.jobs),
            f"`{_code(clock.expression)}`",
            clock.timezone,
            "-" if each.is_period else f"{each.times:,}",
        )
        lines.append(f"| {' | '.join(cells)} | {_outcome(each)} |")
    return lines


def _outcome(proven: Proven) -> str:
    parts = []
    for each in proven.differences:
        here, there = ("the source", "jobs.yaml") if each.is_missing else ("jobs.yaml", "the source")
        meaning = MEANINGS[each.cause]
        if each.first:
            times = f"differs {how_many(each.count, 'time')}, first {each.first}"
            parts.append(f"{times}: {here} starts it, {there} does not ({meaning})")
        else:
            parts.append(meaning)
    if proven.fires.jitter_seconds:
        parts.append(f"the source adds up to {proven.fires.jitter_seconds} s at random")
    return "; ".join(parts) or ("the same period" if proven.is_period else "the same times")


def _table(findings: Sequence[Finding]) -> list[str]:
    rows = ["| source | field | value | result |", "|---|---|---|---|"]
    for each in findings:
        note = f"**{each.fate}**: {each.note}" + (f". To do: {each.todo}" if each.todo else "")
        value = f"`{_code(each.shown)}`" if each.shown else ""
        rows.append(f"| {each.place} | `{_code(each.field)}` | {value} | {_cell(note)} |")
    return rows


def _place(finding: Finding) -> str:
    return f"{finding.place}, " if finding.place else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    """Text within backquotes in a table's cell."""
    return _cell(text).replace("`", "'")
