"""What the pages show: the same that the commands of these names know, for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.client import Aws
from batchtab.aws.run_history import Run
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.calendar import timeline
from batchtab.calendar.days import Week
from batchtab.calendar.page import render
from batchtab.cli.jobs import active_rows, history, jobs, ps, run_table, why
from batchtab.cli.jobs.job_page import JobPage
from batchtab.cli.jobs.job_summary import summaries
from batchtab.cli.jobs.run_page import RunPage
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.output import Listing
from batchtab.cli.page import Section
from batchtab.cli.web import slack
from batchtab.cli.web.logs import TAIL, log_now
from batchtab.declarations.named_jobs import all_jobs, find
from batchtab.errors import NotFoundError, UsageError
from batchtab.run_story import story_of
from batchtab.run_story.wording import localized
from batchtab.terraform.session import Session

_LAST = 20
_RUNS = 100
_CALENDAR_YEARS = range(1971, 2199)
Shown = Mapping[str, Any]


def all_of_stage(session: Session, aws: Aws, now: datetime, wanted: str) -> Shown:
    """`batchtab jobs`, of those whose name has a text."""
    found = summaries(session, aws, list(all_jobs(session.catalog)), now)
    zone = ZoneInfo(session.catalog.stage.timezone)
    rows = [
        {"name": each.job.full, "status": each.status, "paused": each.paused, "cells": cells, "schedule": each.schedule}
        for each, cells in zip(found.jobs, _cells(jobs.listing(zone, now), found.jobs), strict=True)
        if wanted.lower() in each.job.full.lower()
    ]
    return {"rows": rows, "number": len(found.jobs), "missing": found.missing, "zone": str(zone), "wanted": wanted}


def now_of_stage(session: Session, aws: Aws, now: datetime) -> Shown:
    """`batchtab ps`."""
    look = ps.Look(session, aws, None)
    found = look()
    zone = ZoneInfo(session.catalog.stage.timezone)
    rows = [
        {"row": each, "cells": cells, "path": _path_of(each)}
        for each, cells in zip(found, _cells(active_rows.LISTING, found), strict=True)
    ]
    return {"rows": rows, "count": ps.counted(found), "missing": look.missing, "at": f"{now.astimezone(zone):%H:%M:%S}"}


def _path_of(row: active_rows.Row) -> str:
    """How a page names a run."""
    return row.job_id or (f"{row.job}@{row.scheduled_time}" if row.scheduled_time else "")


def past(session: Session, aws: Aws, now: datetime, name: str) -> Shown:
    """`batchtab history`."""
    chosen = [find(session.catalog, name, "history")] if name else list(all_jobs(session.catalog))
    found = history.gathered(session, aws, chosen, _RUNS, None, now)
    zone = chosen[0].zone(session.catalog) if name else ZoneInfo(session.catalog.stage.timezone)
    return {
        "runs": _runs(found.runs[:_RUNS], zone),
        "paused": found.paused,
        "missing": found.missing,
        "zone": str(zone),
        "more": _RUNS if len(found.runs) > _RUNS else 0,
        "name": chosen[0].full if name else "",
        "names": [job.full for job in all_jobs(session.catalog)],
    }


def _runs(runs: Iterable[Run], zone: ZoneInfo) -> list[Shown]:
    made: list[Shown] = []
    for run in runs:
        scheduled, status, started, took, tries = run_table.cells(run, zone)
        if run.scheduled is None:
            scheduled = f"{run.came.astimezone(zone):%Y-%m-%d %H:%M} manual"
        name = run.job_id or (f"{run.job}@{run_table.as_dict(run)['scheduled_time']}" if run.scheduled else "")
        cells = {"scheduled": scheduled, "started": started, "took": took, "tries": tries}
        made.append({"job": run.job, "status": status, "reason": localized(run.reason, zone), "path": name, **cells})
    return made


def one_job(session: Session, aws: Aws, name: str) -> Shown:
    """`batchtab describe JOB`."""
    job = find(session.catalog, name, "describe")
    page = JobPage.of(session, aws, job, _LAST)
    zone = job.zone(session.catalog)
    return {
        "name": job.full,
        "sections": _sections(page.sections()),
        "next_runs": page.next_words(),
        "runs": _runs(page.last_runs, zone),
        "zone": str(zone),
        "is_off": bool(page.paused) or any(not trigger.is_enabled for trigger in page.triggers),
        "is_on": any(trigger.is_enabled for trigger in page.triggers),
    }


def one_run(session: Session, aws: Aws, now: datetime, name: str) -> Shown:
    """`batchtab why RUN`, `batchtab describe RUN` and the end of `batchtab logs RUN`."""
    found = _run(session, aws, name)
    facts = why.Asked(session, aws, now).facts((found.job_id if found and found.detail else "") or name)
    story = story_of(facts)
    detail = found.detail if found else {}
    status = str(detail.get("status") or (facts.decision.status if facts.decision else ""))
    lines, said = log_now(session, aws, found) if found and detail else ([], ["There is no log: the run has no job."])
    page = RunPage.of(session, aws, found) if found and detail else None
    is_active = bool(detail) and status not in ENDED
    return {
        "name": name,
        "job": facts.name,
        "is_declared": facts.job is not None,
        "job_id": found.job_id if found and detail else "",
        "status": status,
        "title": why.masked(story.title),
        "story": [
            (f"{line.at.astimezone(facts.zone):%m-%d %H:%M:%S}" if line.at else "", why.masked(line.text), line.job_id)
            for line in story.lines
        ],
        "cause": story.cause,
        "is_mild": story.cause is None or story.cause.kind in why.MILD,
        "unread": facts.unread,
        "zone": str(facts.zone),
        "sections": _sections(page.sections()) if page else [],
        "log": lines,
        "log_said": said,
        "tail": TAIL,
        "is_active": is_active,
        "is_failed": page is not None and page.may_be_retried,
        "is_followed": is_active,
    }


def _run(session: Session, aws: Aws, name: str) -> FoundRun | None:
    """The run that is called so; None for a time without a run."""
    try:
        return RunLookup(session.catalog, aws, "web").run(name)
    except NotFoundError:
        if "@" in name:
            return None
        raise


def calendar(session: Session, now: datetime, first: str) -> Shown:
    """Which week `batchtab calendar` shows, and those beside it."""
    begin = _first(session, now, first)
    week = timedelta(days=7)
    return {"first": begin.isoformat(), "before": (begin - week).isoformat(), "after": (begin + week).isoformat()}


def week_page(session: Session, now: datetime, first: str) -> str:
    """What `batchtab calendar --html` writes."""
    zone = ZoneInfo(session.catalog.stage.timezone)
    return render(timeline.read(session.catalog, Week(_first(session, now, first), zone), None))


def _first(session: Session, now: datetime, text: str) -> date:
    if not text:
        return now.astimezone(ZoneInfo(session.catalog.stage.timezone)).date()
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"web: '{text}' is not a day", "as 2026-11-30") from None
    if found.year not in _CALENDAR_YEARS:
        raise UsageError(f"web: {found} is not a day of the years {_CALENDAR_YEARS[0]} to {_CALENDAR_YEARS[-1]}")
    return found


def slack_messages(session: Session) -> Shown:
    """What would have reached Slack, the newest first.

    Raises:
        NotFoundError: the stage is on AWS, where Slack itself has it.
        UsageError: local AWS does not answer.
    """
    stage = session.catalog.stage
    if not stage.is_local:
        raise NotFoundError(f"web: stage {stage.name} is on AWS: its messages are in Slack")
    found = Daemon(session).get("slack")
    if not isinstance(found, list):
        raise UsageError("local AWS does not answer", f"batchtab up --stage {stage.name}")
    return {"messages": [slack.read(each) for each in reversed(found) if isinstance(each, dict)]}


def _cells(listing: Listing[Any], records: Sequence[Any]) -> list[dict[str, str]]:
    """Of each record its cells, by the columns' headings."""
    return [{column.heading: column.cell(record) for column in listing.columns} for record in records]


def _sections(sections: Iterable[Section]) -> list[tuple[str, list[str]]]:
    """Those that have a line."""
    made = [(label, [lines] if isinstance(lines, str) else list(lines)) for label, lines in sections]
    made = [(label, [line for line in lines if line]) for label, lines in made]
    return [(label, lines) for label, lines in made if lines]


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)
