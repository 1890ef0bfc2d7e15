"""What happened with a run, in its order: delivery, decision, what it waited for, attempts, end, what came after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from batchtab.limits import REPLACED_PREFIX
from batchtab.run_story import ends, not_due
from batchtab.run_story.batch_job import BatchJob
from batchtab.run_story.facts import Facts, Follower
from batchtab.run_story.story import Line
from batchtab.run_story.submitter import PUNCTUAL, TRIED, asked_at, asked_words, by_whom, is_by_trigger, lateness
from batchtab.run_story.wording import clock, localized, moment
from batchtab.schedules.durations import duration

_NOTED = timedelta(seconds=30)  # longer than the submit function may run
_FAILURES = 3  # that are shown
_ASKED = {
    "backfill": "a person asked for it (backfill)",
    "retry": "a person asked for it again (retry)",
}


def lines_of(facts: Facts) -> tuple[Line, ...]:
    """The lines, the earliest first; those without a moment stay behind what they belong to."""
    found = [*_delivery(facts), *_decision(facts), *_job(facts), *_after(facts)]
    keyed: list[tuple[datetime, int, Line]] = []
    last = datetime.min.replace(tzinfo=facts.now.tzinfo)
    for number, line in enumerate(found):
        last = line.at or last
        keyed.append((last, number, line))
    return tuple(line for _, _, line in sorted(keyed, key=lambda each: each[:2]))


def is_tried_again(facts: Facts) -> bool:
    """Whether its delivery was tried again, it seems: it came late, waited for no run, and nobody made it up later."""
    has_failed = any(each.is_own for each in facts.failures)
    return PUNCTUAL < lateness(facts) <= TRIED and (facts.before is None or has_failed) and not facts.mode


def unnoted(facts: Facts) -> timedelta:
    """How long after its submission that was noted, where the answer of Batch was lost; else nothing.

    Whoever goes on with such a run finds its job in Batch; so does the end of the job.
    """
    decision, job = facts.decision, facts.batch
    noted = moment(decision.noted_at) if decision is not None and decision.status == "submitted" else None
    if noted is None or job is None or job.created is None:
        return timedelta()
    return noted - job.created if noted - job.created > _NOTED else timedelta()


# --- before it began


def _delivery(facts: Facts) -> Iterator[Line]:
    job = facts.batch
    if job is not None and job.upstream_job_id:
        yield _upstream(job, facts)
        return
    timing = facts.job.spec.timing if facts.job else None
    is_due = timing is not None and facts.at is not None and not_due.is_due(timing, facts.at)
    if facts.mode == "manual":
        yield Line(asked_words(facts), asked_at(facts))
    elif facts.at is not None and timing is not None and facts.job is not None and (is_due or job is None):
        zone = "" if timing.zone.key == facts.zone.key else f" {timing.zone.key}"
        verb = "due" if facts.batch or facts.decision else "asked for"
        yield Line(f"{verb}: its schedule is {facts.job.spec.schedule}{zone} ({timing.trigger})", facts.at)
    elif facts.at is not None:
        yield Line("its scheduled time", facts.at)
    for trigger in facts.triggers or ():
        state = "enabled" if trigger.is_enabled else "disabled"
        yield Line(f"now: its {trigger.kind} {trigger.name} is {state}")
    for letter in facts.letters:
        yield Line(f"its {letter.sender} could not submit it: into the dead-letter queue", letter.at)


def _upstream(job: BatchJob, facts: Facts) -> Line:
    other = facts.others.get(job.upstream_job_id)
    if other is None:
        return Line(f"job {job.upstream_job_id} ended, and its end started this run", job.created, job.upstream_job_id)
    text = f"{other.name}, job {other.id}, ended: {other.status}; its end started this run"
    return Line(text, other.stopped, other.id)


def _decision(facts: Facts) -> Iterator[Line]:
    decision, job = facts.decision, facts.batch
    if facts.before is not None:
        yield _waited(facts.before, facts)
    for failure in facts.failures[:_FAILURES]:
        whose = "" if failure.is_own else ", of this run or another"
        yield Line(f"the submit function failed{whose}: {failure.text}", failure.at)
    if job is not None:
        if facts.mode in ("backfill", "retry"):
            of = facts.others.get(job.retry_of)
            which = (
                f": job {of.id}, which {_lived(of, facts)}" if of else f": job {job.retry_of}" if job.retry_of else ""
            )
            yield Line(f"{_ASKED[facts.mode]}{which}", job.created, job.retry_of)
        yield Line(_submitted(job, facts), job.created)
        if unnoted(facts) and decision is not None:
            yield Line("only then noted: the answer of Batch had been lost", moment(decision.noted_at))
        for twin in facts.twins:
            yield Line(f"delivered again: job {twin.id} has the same scheduled time", twin.created, twin.id)
    elif decision is not None:
        who = "the submit function noted"
        reason = localized(decision.reason, facts.zone)
        yield Line(f"{who}: {decision.status}{f': {reason}' if reason else ''}", moment(decision.noted_at))
    for other in facts.others.values():
        if decision is not None and job is None and other.id in decision.reason:
            yield Line(f"job {other.id} {_lived(other, facts)}", None, other.id)


def _waited(before: BatchJob, facts: Facts) -> Line:
    scheduled = moment(before.scheduled_time)
    which = f"the run of {_due(scheduled, facts)}, " if scheduled else ""
    return Line(f"waited for {which}job {before.id}, which {_lived(before, facts)}", facts.at, before.id)


def _due(scheduled: datetime, facts: Facts) -> str:
    return clock(scheduled, facts.zone, facts.at).removesuffix(":00")


def _lived(job: BatchJob, facts: Facts) -> str:
    beside = facts.at or facts.now
    if job.stopped is not None and job.started is not None and job.has_ended:
        begun, over = (clock(each, facts.zone, beside) for each in (job.started, job.stopped))
        return f"ran from {begun} to {over}: {job.status}"
    if job.has_ended:
        return f"ended {clock(job.stopped, facts.zone, beside)}: {job.status}" if job.stopped else job.status
    return f"is {job.status}" + (f" since {clock(job.started, facts.zone, beside)}" if job.started else "")


def _submitted(job: BatchJob, facts: Facts) -> str:
    said = f"submitted to queue {job.queue}"
    if facts.at is None and not job.upstream_job_id and not facts.mode:
        return f"{said} by a person or a program: no schedule started it"
    is_known = bool(facts.mode or facts.decision is not None or job.upstream_job_id or is_by_trigger(facts))
    said += by_whom(job, facts)
    late = lateness(facts)
    if late > PUNCTUAL and facts.before is None and facts.mode != "manual":
        said += f", {duration(late.total_seconds())} after {'that end' if job.upstream_job_id else 'its time'}"
    return said if is_known else f"{said}; who submitted it is not recorded"


# --- the job


def _job(facts: Facts) -> Iterator[Line]:
    job = facts.batch
    if job is None:
        return
    for each in job.depends_on:
        if other := facts.others.get(each):
            yield Line(f"depends on {other.name}, job {other.id}, which {_lived(other, facts)}", None, other.id)
    if not job.array_size:
        yield from _attempts(job, facts)
    elif job.started is not None:
        yield Line(f"the first of {job.array_size} children started", job.started)
    if job.children and not job.has_ended:
        yield Line("children: " + ", ".join(f"{count} {status}" for status, count in job.children))
    if job.has_ended:
        yield Line(_end(job, facts), job.stopped)
    else:
        reason = localized(job.status_reason, facts.zone)
        yield Line(f"{job.status} now{f': {reason}' if reason and job.status != 'RUNNING' else ''}", facts.now)


def _attempts(job: BatchJob, facts: Facts) -> Iterator[Line]:
    if job.attempts_allowed == 1 and len(job.attempts) <= 1:  # its end is the job's
        if job.started is not None:
            waited = job.started - (job.created or job.started)
            after = f", {duration(waited.total_seconds())} after its submission" if waited > PUNCTUAL else ""
            yield Line(f"started{after}", job.started)
        return
    of = f" of {job.attempts_allowed}"
    for number, attempt in enumerate(job.attempts, 1):
        if attempt.started is not None:
            yield Line(f"attempt {number}{of} started", attempt.started)
        yield Line(f"attempt {number}{of} {localized(ends.attempt_words(attempt, job), facts.zone)}", attempt.stopped)
    if job.status == "RUNNING":
        yield Line(f"attempt {len(job.attempts) + 1}{of} started", job.started)


def _end(job: BatchJob, facts: Facts) -> str:
    took = f" after {duration((job.stopped - job.started).total_seconds())}" if job.started and job.stopped else ""
    children = ", ".join(f"{count} {status}" for status, count in job.children)
    reason = "" if job.status == "SUCCEEDED" else localized(ends.words(job), facts.zone)
    parts = "; ".join(filter(None, (children, reason)))
    untried = job.status == "FAILED" and 0 < len(job.attempts) < job.attempts_allowed
    more = "; Batch does not try it again" if untried else ""
    return f"{job.status}{took}{f': {parts}' if parts else ''}{more}"


# --- what came after it


def _after(facts: Facts) -> Iterator[Line]:
    if facts.following is not None and facts.batch is not None:
        following, scheduled = facts.following, moment(facts.following.scheduled_time)
        which = f"the run of {_due(scheduled, facts)}" if scheduled else "another run"
        verb = "came in its place" if facts.batch.status_reason.startswith(REPLACED_PREFIX) else "had waited for it"
        yield Line(f"{which}, job {following.id}, {verb}: {following.status}", following.created, following.id)
    for retry in facts.retries:
        yield Line(f"retried by job {retry.id}: {retry.status}", retry.created, retry.id)
    for follower in facts.followers:
        yield _followed(follower, facts)


def _followed(follower: Follower, facts: Facts) -> Line:
    if follower.job is not None:
        job = follower.job
        return Line(f"its end started {follower.name}, job {job.id}: {job.status}", job.created, job.id)
    if follower.decision is not None:
        decision = follower.decision
        reason = localized(decision.reason, facts.zone)
        text = f"{follower.name}, which comes after it: {decision.status}{f': {reason}' if reason else ''}"
        return Line(text, moment(decision.noted_at))
    ended = facts.batch
    counts = {"succeeded": "SUCCEEDED", "failed": "FAILED"}.get(follower.counts)
    if ended is not None and counts is not None and ended.status != counts:
        return Line(f"{follower.name} was not started: it comes after {counts} runs")
    return Line(f"{follower.name}, which comes after it: no run is known")
