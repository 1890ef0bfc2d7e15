"""When a workflow runs: each entry of `on.schedule`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from batchtab.errors import UsageError
from batchtab.importers import engines, triggers
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob, SourceClock
from batchtab.importers.naming import job_name
from batchtab.importers.node import Node
from batchtab.importers.source_file import SourceFile, plain
from batchtab.schedules import zones

_LOOKED_AT = 400
_SHORTEST = timedelta(minutes=5)
_FIELDS = 5
_TODO = "write the job's schedule"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One entry of `on.schedule`.

    Attributes:
        number: Counted from 1.
        cron: Its text; empty if it has none.
        timezone: Its zone.
        known: What expressions know of a run that it starts.
        refusal: Why GitHub refuses it; empty if it does not.
    """

    number: int
    cron: str
    timezone: str
    known: dict[str, str | bool | float] = field(default_factory=dict)
    refusal: str = ""

    def add(self, imported: Imported, job: ImportedJob, recorder: Recorder) -> list[str]:
        """Add a job that this entry starts, and return its name; day of month *or* day of week needs two."""
        where = f"on.schedule[{self.number - 1}].cron"
        if self.refusal:
            recorder.not_carried(where, self.cron, self.refusal, _TODO)
            imported.jobs.append(job)
            return [job.name]
        clock = SourceClock("vixie", self.cron, self.timezone)
        try:
            found = triggers.of_fields(self.cron, self.timezone)
        except triggers.ScheduleError as error:
            recorder.not_carried(where, self.cron, str(error), _TODO)
            imported.jobs.append(job)
            return [job.name]
        if any(each.note for each in found):
            recorder.changed(where, self.cron, f"schedule: {found[0].note}")
        else:
            recorder.carried(where, self.cron, "schedule")
        if _is_too_often(clock):
            todo = "GitHub starts a workflow every five minutes at most: choose how often the job runs"
            recorder.changed(where, self.cron, "schedule, as it is written", todo)
        names: list[str] = []
        for each in found:
            name = job.name if not names else job_name(job.name, {one.name for one in imported.jobs})
            one = job if not names else ImportedJob(name, job.origin, deepcopy(job.settings))
            one.settings |= each.settings()
            imported.jobs.append(one)
            names.append(name)
        imported.fires.append(Fires(clock, tuple(names)))
        return names


def schedules(top: Node, file: SourceFile) -> list[Schedule]:
    """The entries of `on.schedule`, and a finding for each other event.

    Raises:
        UsageError: There is none.
    """
    events = top.data.get("on")
    given = events.get("schedule") if isinstance(events, Mapping) else None
    entries = given if isinstance(given, list) else [given]
    if not any(isinstance(each, Mapping) for each in entries):
        raise UsageError(f"{file.path} has no on.schedule", "only what a schedule starts is imported")
    on = top.child("on")
    on.leave("workflow_dispatch", "`batchtab run JOB` starts any job, with variables in place of inputs")
    found = [_schedule(node, number) for number, node in enumerate(on.children("schedule"), 1)]
    on.rest("only schedules start jobs: the workflow stays on GitHub for it, without its schedule", "")
    return found


def _schedule(node: Node, number: int) -> Schedule:
    cron = " ".join(str(plain(node.take("cron", ""))).split())
    zone = str(plain(node.data.get("timezone", "UTC")))
    refusal = ""
    if zones.refusal(zone) is None:
        node.carry("timezone", "timezone")
    else:
        node.leave("timezone", "is not a name of the IANA time zone database", "write timezone")
        zone, refusal = "UTC", "its time zone is not known"
    node.rest()
    if cron.startswith("@"):
        refusal = "GitHub refuses words such as @daily, and never ran it"
    elif len(cron.split()) != _FIELDS:
        refusal = f"has {len(cron.split())} fields, not {_FIELDS}, which GitHub refuses"
    elif not refusal:
        refusal = engines.is_valid(SourceClock("vixie", cron, zone))
    known = {"github.event_name": "schedule", "github.event.schedule": cron, "runner.os": "Linux"}
    known |= {"github.event.action": "", "github.event.inputs": "", "github.actor": "", "github.head_ref": ""}
    return Schedule(number, cron, zone, {**known, "github.event.repository.fork": False}, refusal)


def _is_too_often(clock: SourceClock) -> bool:
    since = datetime(2026, 1, 5, tzinfo=UTC)
    times = itertools.islice(engines.times(clock, since, since + timedelta(days=7)), _LOOKED_AT)
    return any(later - earlier < _SHORTEST for earlier, later in itertools.pairwise(times))
