"""Finishes a scheduled function: its command, and its times."""

from __future__ import annotations

from batchtab.importers import engines, rates
from batchtab.importers.imported import Fires, Imported, ImportedJob, SourceClock
from batchtab.importers.kinds.lambda_functions import command as commands
from batchtab.importers.kinds.lambda_functions.events import without_secrets
from batchtab.importers.kinds.lambda_functions.work import MINUTE, Start, Work
from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.expression import check

_STORE = "store it in SSM Parameter Store, write secrets, and read the variable in the handler"
_NO_EVENT = "nothing gives the image's program an event of Lambda"
_EVENT = "give it to the program: as an argument of command, or in the image"


def finish(imported: Imported, job: ImportedJob, work: Work, program: commands.Program, start: Start) -> None:
    """Add a job with its command and its times."""
    job.settings |= work.settings
    _record_flags(work, program, start)
    job.settings |= commands.settings(program, work, start)
    if start.description:
        job.settings["description"] = start.description[:512]
    if start.is_suspended:
        job.settings["suspend"] = True
    imported.jobs.append(job)
    if not start.expression:
        return
    clock = SourceClock("aws", start.expression, start.timezone, start.start, start.end)
    refusal = engines.is_valid(clock) or _refusal(start.expression)
    if refusal:
        work.recorder.not_carried("schedule", start.expression, refusal, "write the job's schedule")
        return
    job.settings |= start.settings()
    rates.on_the_clock(job.settings, work.recorder, "ScheduleExpression")
    imported.fires.append(Fires(clock, (job.name,), start.window_minutes * MINUTE))


def _record_flags(work: Work, program: commands.Program, start: Start) -> None:
    """What became of the event and of the trigger's names; secrets are taken out of the event."""
    secrets: list[str] = []
    if start.event is not None:
        start.event, secrets = without_secrets(start.event)
    for path in secrets:
        work.recorder.not_carried(f"event{path}", "(not shown)", "looks like a secret", _STORE)
    for node, key, flag in start.flags:
        is_event = flag == "--event"
        if is_event and secrets:
            shown: object = start.event
            if program.is_run_by_us:
                node.recorder.changed(node.name(key), shown, f"{flag} of the command, without what looks like a secret")
            else:
                node.recorder.not_carried(node.name(key), shown, _NO_EVENT, _EVENT)
        elif program.is_run_by_us:
            node.change(key, f"{flag} of the command{'' if is_event else ', for the event'}")
        else:
            node.leave(key, _NO_EVENT, _EVENT if is_event else "")


def _refusal(expression: str) -> str:
    try:
        check(expression)
    except ScheduleError as error:
        return str(error)
    return ""
