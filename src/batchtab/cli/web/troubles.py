"""What the page of alerts shows: what could not be delivered or submitted, and the queues that are blocked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import copy_context
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.aws import answers
from batchtab.aws.blocked_queues import blocked_queues
from batchtab.aws.client import Aws
from batchtab.aws.parallel import together
from batchtab.aws.trigger_letters import TriggerLetter, TriggerLetters
from batchtab.cli.jobs import alerts
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.errors import UsageError
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_LISTED_MAX = 100
Row = Mapping[str, str]


def troubles(session: Session, aws: Aws) -> Mapping[str, Any]:
    """`batchtab alerts list`, the runs that were not submitted, and the blocked queues of `batchtab status`.

    Each with what keeps it from being known, if something does.
    """
    jobs = {job.full: job for job in all_jobs(session.catalog)}
    zone = ZoneInfo(session.catalog.stage.timezone)
    looks: dict[str, Callable[[], list[Row]]] = {
        "alerts": lambda: _undelivered(session, aws, zone),
        "runs": lambda: _not_submitted(session, aws, jobs, zone),
        "queues": lambda: _blocked(session, aws, jobs),
    }
    # At once: a queue that is empty is asked for two seconds.
    found = together([partial(copy_context().run, _known, look) for look in looks.values()])
    return {**dict(zip(looks, found, strict=True)), "zone": str(zone), "most": _LISTED_MAX}


def _known(look: Callable[[], list[Row]]) -> tuple[list[Row], str]:
    """What there is, or what is wrong."""
    try:
        return look(), ""
    except Exception as error:
        said = error if isinstance(error, UsageError) else answers.answer(error)
        if said is None:
            raise
        return [], str(said)


def _undelivered(session: Session, aws: Aws, zone: ZoneInfo) -> list[Row]:
    return [
        {
            "at": _words(alerts.came(each), zone),
            "what": alerts.what(each),
            "error": each.error,
            "job_id": alerts.job_id(each),
        }
        for each in alerts.looked_at(alerts.letters_of(session, aws), _LISTED_MAX)
    ]


def _not_submitted(session: Session, aws: Aws, jobs: Mapping[str, NamedJob], zone: ZoneInfo) -> list[Row]:
    found = TriggerLetters(aws, session.catalog.stage.prefix).of_jobs(jobs)
    return [
        {
            "at": _words(each.sent, zone),
            "due": _words(each.scheduled, zone),
            "job": each.job if each.job in jobs else "",
            "what": each.job or "an event that names no job",
            "by": "submit function" if each.sender == "function" else each.sender,
            "error": each.error,
            "run": _run(each) if each.job in jobs else "",
        }
        for each in found
    ]


def _run(letter: TriggerLetter) -> str:
    """How the page that says why is called."""
    return f"{letter.job}@{utc_text(letter.scheduled)}" if letter.scheduled else ""


def _blocked(session: Session, aws: Aws, jobs: Mapping[str, NamedJob]) -> list[Row]:
    prefix = f"{session.catalog.stage.prefix}-"
    names = list(dict.fromkeys(session.catalog.job_queue_name(job.spec.queue) for job in jobs.values()))
    found = blocked_queues(aws, names)
    return [{"queue": name.removeprefix(prefix), "error": why} for name, why in found.items()]


def _words(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""
