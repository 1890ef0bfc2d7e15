"""Puts a story together: the run's title, what happened, and the one cause."""

from __future__ import annotations

from dataclasses import replace

from batchtab.run_story import absent, decisions, ends, submitter, timeline, waits
from batchtab.run_story.batch_job import BatchJob
from batchtab.run_story.facts import Facts
from batchtab.run_story.story import Cause, Story
from batchtab.run_story.wording import command, local
from batchtab.schedules.durations import duration

_RETRY = "batchtab retry "
_ASKED = {"backfill": ", backfilled", "retry": ", retried"}


def story_of(facts: Facts) -> Story:
    """The story of a run, or of a time without one. Where nothing is wrong it has no cause."""
    return Story(_title(facts), timeline.lines_of(facts), _cause(facts))


def _title(facts: Facts) -> str:
    which = f", {local(facts.at, facts.zone)} ({facts.zone.key})" if facts.at else ""
    if facts.batch is not None:
        part = f" child {facts.batch.array_index}" if facts.batch.array_index is not None else ""
        is_manual = facts.mode == "manual" or not (facts.at or facts.batch.upstream_job_id)
        asked = ", a manual run" if is_manual else _ASKED.get(facts.mode, "")
        return f"{facts.name}{part}{which}{asked}: {facts.batch.status}"
    if facts.decision is not None:
        return f"{facts.name}{which}: {facts.decision.status}"
    return f"{facts.name}{which}: no run"


def _cause(facts: Facts) -> Cause | None:
    if facts.batch is not None:
        found = _of_job(facts.batch, facts)
        return _after_retries(found, facts) if found is not None else _of_delivery(facts)
    if facts.decision is not None:
        is_open = facts.decision.status in ("claimed", "refused")
        if is_open and facts.letters and facts.job is not None:  # its error says more
            return absent.undelivered(facts.letters[0], facts)
        return decisions.cause_of(facts.decision, facts)
    return absent.cause_of(facts, facts.job) if facts.job is not None else None


def _of_job(job: BatchJob, facts: Facts) -> Cause | None:
    return ends.cause_of(job, facts) if job.has_ended else waits.cause_of(job, facts)


def _after_retries(cause: Cause, facts: Facts) -> Cause:
    """The cause of a failed run: no retry is advised where one succeeded or is under way."""
    if not facts.retries:
        return cause
    newest = facts.retries[-1]
    if newest.status == "FAILED":
        return replace(cause, do=command(facts, "why", newest.id))
    if not facts.is_retried and newest.has_ended:  # of an array some children are left
        return cause
    fix, do = (text if _RETRY not in text else "" for text in (cause.fix, cause.do))
    return replace(cause, fix=fix, do=do)


def _of_delivery(facts: Facts) -> Cause | None:
    """What was unusual about a run that is well."""
    if facts.twins:
        others = ", ".join(each.id for each in facts.twins)
        text = f"its trigger was delivered {len(facts.twins) + 1} times, and each made a job: also {others}"
        return Cause("delivered_again", text, "concurrency_policy: forbid or queue makes one of them")
    if timeline.is_tried_again(facts):
        late = duration(submitter.lateness(facts).total_seconds())
        since = "the end that started it" if facts.batch and facts.batch.upstream_job_id else "its time"
        why = _failed(facts) or "its trigger's delivery was tried again"
        return Cause("delayed", f"submitted {late} after {since}: {why}")
    if lost := timeline.unnoted(facts):
        why = _failed(facts) or "the submit function was ended"
        text = f"Batch's answer to its submission was lost, and found {duration(lost.total_seconds())} later: {why}"
        return Cause("answer_lost", text)
    return None


def _failed(facts: Facts) -> str:
    """Why the submit function failed, as its log says; empty if it did not, as far as is known."""
    return facts.failures[0].text if facts.failures else ""
