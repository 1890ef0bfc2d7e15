"""Who started a run, when a person asked for it, and how late its submission was."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchtab.errors import printable
from batchtab.run_story import not_due
from batchtab.run_story.batch_job import BatchJob
from batchtab.run_story.facts import Facts
from batchtab.run_story.wording import local, moment

#: EventBridge is due to the minute; later than that something was tried again, or waited.
PUNCTUAL = timedelta(seconds=60)
#: The longest that a delivery is tried.
TRIED = timedelta(hours=1)


def lateness(facts: Facts) -> timedelta:
    """By how much its submission came after its time, beyond what a flexible window allows, or after an end."""
    if facts.at is None or facts.batch is None or facts.batch.created is None:
        return timedelta()
    if facts.batch.upstream_job_id:
        upstream = facts.others.get(facts.batch.upstream_job_id)
        return facts.batch.created - upstream.stopped if upstream and upstream.stopped else timedelta()
    window = facts.job.spec.flexible_window_minutes if facts.job else None
    return facts.batch.created - facts.at - timedelta(minutes=window or 0)


def asked_at(facts: Facts) -> datetime | None:
    """When a person asked for a manual run: at its own time, unless `--at` named that, which then has no seconds."""
    created = facts.batch.created if facts.batch else None
    timing = facts.job.spec.timing if facts.job else None
    is_now = facts.at is not None and facts.at.second and not (timing is not None and timing.is_rate)
    if is_now and facts.at is not None and (created is None or facts.at <= created):
        return facts.at
    return created or (moment(facts.decision.noted_at) if facts.decision else None)


def is_by_trigger(facts: Facts) -> bool:
    """Whether a schedule started a run for all that is known: nothing else is so punctual and says nothing of itself.

    What the submit function started, and a job that no other submitted, it has noted; a retry replaces that.
    """
    if facts.mode or facts.at is None or facts.job is None or facts.job.spec.timing is None:
        return False
    if facts.decision is not None or facts.batch is None or facts.batch.created is None:
        return True
    if facts.job.spec.is_managed and not facts.retries:
        return False
    is_in_time = facts.before is not None or lateness(facts) <= TRIED
    return is_in_time and facts.at - PUNCTUAL <= facts.batch.created and not_due.is_due(facts.job.spec.timing, facts.at)


def asked_words(facts: Facts) -> str:
    """That a person started it; for which time, where that is another one, and why."""
    asked = asked_at(facts)
    is_other = facts.at is not None and asked is not None and abs(asked - facts.at) > PUNCTUAL
    time = f", as the run of {local(facts.at, facts.zone)}" if facts.at is not None and is_other else ""
    reason = facts.batch.asked_because if facts.batch else ""
    return f"a person asked for it{time}: {printable(reason) if reason else 'no schedule started it'}"


def by_whom(job: BatchJob, facts: Facts) -> str:
    """Who submitted a job, behind the queue that is named; empty where that is not recorded, or said before."""
    spec = facts.job.spec if facts.job else None
    if job.mode == "manual" and facts.mode == "manual" and facts.decision is None:
        if spec is None or not spec.is_managed:
            return ""
        policy = "" if facts.policy == "allow" else f" (concurrency_policy: {facts.policy})"
        return f" past the submit function: its policy was ignored{policy}"
    if facts.decision is not None or (spec is not None and spec.is_managed and is_by_trigger(facts)):
        return f" by the submit function (concurrency_policy: {facts.policy})"
    if job.upstream_job_id:
        return " by its rule on the ends of others"
    if spec is not None and spec.timing is not None and is_by_trigger(facts):
        return f" by its {spec.timing.trigger}"
    return ""
