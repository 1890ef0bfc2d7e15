"""Why there is no run of a time, and nothing is noted of one: the schedule, the files, the trigger, its delivery."""

from __future__ import annotations

from datetime import timedelta

from batchtab.declarations.named_jobs import NamedJob
from batchtab.run_story import not_due
from batchtab.run_story.facts import Facts, Letter, Trigger
from batchtab.run_story.story import Cause
from batchtab.run_story.wording import backfill, command, local, localized
from batchtab.schedules.durations import duration

#: So long its trigger may still deliver a run.
DELIVERY = timedelta(minutes=2)
_REMEMBERED = timedelta(days=7)  # by Batch, of jobs that have ended


def cause_of(facts: Facts, job: NamedJob) -> Cause:
    """Why a job has no run, at a time or at all."""
    timing = job.spec.timing
    if timing is None:
        return _without_schedule(facts, job)
    if facts.at is not None and (found := not_due.cause_of(facts, timing, facts.at)):
        return found
    if job.spec.suspend:
        text = f"the job is suspended: {facts.file or 'its file'} says suspend: true"
        return Cause("suspended", text, "remove suspend: true, and deploy", _deploy(facts))
    if facts.letters:
        return undelivered(facts.letters[0], facts)
    if facts.at is not None and facts.at > facts.now:
        off = _of_trigger(facts)
        wait = duration((facts.at - facts.now).total_seconds())
        if off is not None and off.kind in ("paused", "no_trigger"):
            return Cause(off.kind, f"it is due in {wait}, and will not run: {off.text}", off.fix, off.do)
        return Cause("future", f"it is not due yet: it is in {wait}")
    if off := _of_trigger(facts):
        return off
    if facts.at is None:
        return Cause("none_known", "no run of it is known", "", command(facts, "next", facts.name))
    ago = facts.now - facts.at
    if ago < DELIVERY:
        return Cause("just_due", f"it was due {duration(ago.total_seconds())} ago, and its trigger may still come")
    return _forgotten(facts, job) or _unknown(facts, job)


def _without_schedule(facts: Facts, job: NamedJob) -> Cause:
    if not job.spec.upstream:
        text = "it has no schedule and comes after no job: it runs when somebody starts it"
        return Cause("no_schedule", text, "", command(facts, "run", facts.name))
    if off := _of_trigger(facts):
        return off
    first = job.spec.upstream[0]
    upstream = first.replace("/", "-") if "/" in first else f"{job.service}-{first}"
    text = f"it has no schedule: it starts {job.spec.origin} ({job.spec.after_status})"
    return Cause("no_schedule", text, "", command(facts, "why", upstream))


def undelivered(letter: Letter, facts: Facts) -> Cause:
    """A run that is in the dead-letter queue: who put it there, and why."""
    who = "the submit function" if letter.sender == "function" else f"its {letter.sender}"
    tries = f" after {letter.attempts} retries" if letter.attempts not in ("", "0") else ""
    error = localized(letter.error, facts.zone) or "no reason is given"
    where = "the alerts have sent it" if letter.is_sent else "it is in the dead-letter queue"
    text = f"{who} could not submit it{tries}: {error} ({where})"
    return Cause("dead_letter", text, "correct what the error names, and run it for this time", backfill(facts))


def _of_trigger(facts: Facts) -> Cause | None:
    """What is wrong with a trigger as it is now; None if nothing is, or if it was not read."""
    if facts.triggers is None:
        return None
    timing = facts.job.spec.timing if facts.job else None
    own = [each for each in facts.triggers if each.is_after == (timing is None)]
    if not own:
        if timing is not None and timing.end_utc is not None and timing.end_utc < facts.now:
            return None  # a schedule that is over may be gone
        text = "it has no trigger in AWS: it is not deployed, or somebody deleted it"
        return Cause("no_trigger", text, "", _deploy(facts))
    off = [each for each in own if not each.is_enabled and not _is_later(each, facts)]
    if len(off) == len(own):
        since = f" since {local(off[0].changed, facts.zone)}" if off[0].changed else ""
        text = f"the job is paused: its {off[0].kind} {off[0].name} is disabled{since}"
        return Cause("paused", text, "", command(facts, "resume", facts.name))
    made = [each.made for each in own if each.made is not None]
    if facts.at is not None and len(made) == len(own) and min(made) > facts.at:
        text = f"it was deployed only later: its {own[0].kind} was made at {local(min(made), facts.zone)}"
        return Cause("deployed_later", text, "", backfill(facts))
    return None


def _is_later(trigger: Trigger, facts: Facts) -> bool:
    """Whether a trigger was disabled only after the time that is asked for."""
    return facts.at is not None and trigger.changed is not None and trigger.changed > facts.at


def _forgotten(facts: Facts, job: NamedJob) -> Cause | None:
    """Of what is long over nobody knows any more."""
    kept = timedelta(days=facts.history_days) if job.spec.is_managed else _REMEMBERED
    if facts.at is None or facts.now - facts.at <= kept:
        return None
    who = "decisions are kept" if job.spec.is_managed else "Batch remembers jobs"
    text = f"it is too long ago: {who} for {kept.days} days"
    return Cause("forgotten", text)


def _unknown(facts: Facts, job: NamedJob) -> Cause:
    if facts.at is not None and facts.first_known is not None and facts.first_known > facts.at:
        text = f"its first known run is of {local(facts.first_known, facts.zone)}: it was deployed only later, it seems"
        return Cause("deployed_later", text, "", backfill(facts))
    if facts.failures:
        text = f"the submit function failed, and nothing of the run is noted: {facts.failures[0].text}"
        return Cause("function_failed", text, "correct what the error names, and run it for this time", backfill(facts))
    who = "the submit function" if job.spec.is_managed else "Batch"
    text = f"it was due, and {who} knows nothing of it: its trigger was not delivered"
    why = "the trigger was disabled or not there at that time, or its message was taken from the dead-letter queue"
    return Cause("not_delivered", text, why, backfill(facts))


def _deploy(facts: Facts) -> str:
    return command(facts, "up" if facts.stage == "local" else "deploy")
