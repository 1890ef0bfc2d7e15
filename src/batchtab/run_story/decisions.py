"""Why a run that the submit function decided on has no job: skipped, late, dropped, refused, waiting, interrupted."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from batchtab.run_record import Record
from batchtab.run_story.facts import Facts
from batchtab.run_story.story import Cause
from batchtab.run_story.wording import backfill, command, localized, moment
from batchtab.schedules.durations import duration

_PUNCTUAL = timedelta(seconds=60)
_GOING = ("submitted", "waiting", "claimed", "joined")
_JOB_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def cause_of(decision: Record, facts: Facts) -> Cause | None:
    """Why a run did not start, or not yet; None if nothing is wrong, as where an end waits for that of others."""
    reason = localized(decision.reason, facts.zone)
    found = _BY_STATUS.get(decision.status)
    if found is None:
        return Cause("other", f"{decision.status}: {reason}".rstrip(": "))
    cause = found(decision, reason, facts)
    late = _late_delivery(decision, facts)
    return replace(cause, text=f"{cause.text}; {late}") if cause is not None and late else cause


def _late_delivery(decision: Record, facts: Facts) -> str:
    """That a run was decided late because its delivery came late; empty if not, or if it had waited for its turn."""
    at, noted = moment(decision.scheduled_time), moment(decision.noted_at)
    if at is None or noted is None or noted - at <= _PUNCTUAL:
        return ""
    after = f"{duration((noted - at).total_seconds())} after its time"
    if decision.status in _GOING:
        return ""
    if facts.failures:
        return f"it was decided {after}: {facts.failures[0].text}"
    on_arrival = decision.status == "skipped" or "queue_limit" in decision.reason or "came before it" in decision.reason
    return f"its delivery came {after}" if on_arrival else ""


def job_ids(decision: Record) -> list[str]:
    """The jobs that its reason names."""
    return _JOB_ID.findall(decision.reason)


def _skipped(decision: Record, reason: str, facts: Facts) -> Cause:
    if decision.reason.startswith(("excluded:", "excepted:")):
        entry = decision.reason.partition(":")[2].strip()
        return Cause("excepted", f"skipped: the time is excluded by except: {entry}")
    if decision.reason.startswith("paused since"):
        since = reason.removeprefix("paused ")
        backfilled, resume = backfill(facts), _resume(facts)
        fix = (
            f"correct what failed, and resume the job; then, for this time: {backfilled}"
            if resume and backfilled
            else ""
        )
        return Cause("paused", f"skipped: the job was paused {since}", fix, resume or backfilled)
    if "has not ended" in decision.reason:
        before = re.sub(r" has not ended$", "", reason)
        why = f"skipped: {before} had not ended (concurrency_policy: forbid)"
        return Cause("overlap", why, "queue in place of forbid, if each time's work counts", backfill(facts))
    return Cause("skipped", f"skipped: {reason}", "", backfill(facts))


def _late(decision: Record, reason: str, facts: Facts) -> Cause:
    found = re.match(r"(\d+) seconds after its time: starting_deadline_seconds is (\d+)", decision.reason)
    if found is None:
        return Cause("late", f"late: {reason}", "", backfill(facts))
    text = f"late: its turn came {found[1]} s after its time, and starting_deadline_seconds is {found[2]}"
    return Cause("late", text, "raise starting_deadline_seconds, if late is better than never", backfill(facts))


def _dropped(decision: Record, reason: str, facts: Facts) -> Cause:
    if found := re.match(r"(\d+) runs wait already: queue_limit", decision.reason):
        runs = "1 run" if found[1] == "1" else f"{found[1]} runs"
        text = f"dropped: {runs} waited already, which is queue_limit"
        return Cause("queue_limit", text, "raise queue_limit, or find why runs last so long", backfill(facts))
    if "a later one, came before it" in decision.reason or decision.reason.startswith("Replaced by"):
        later = reason.removeprefix("Replaced by ").removesuffix(" came before it").replace(", a later one,", "")
        return Cause("replaced", f"dropped: {later} came in its place (concurrency_policy: replace)")
    if "concurrency_policy was changed" in decision.reason:
        return Cause("policy_changed", f"dropped: {reason}", "", backfill(facts))
    return Cause("dropped", f"dropped: {reason}")


def _refused(decision: Record, reason: str, facts: Facts) -> Cause:
    if decision.reason.startswith("whether it started is not known"):
        return Cause("interrupted", reason, "", backfill(facts))
    said = reason.removeprefix("Batch refuses it: ")
    return Cause("refused", f"Batch refused it: {said}", "correct what Batch names, and deploy", backfill(facts))


def _waiting(decision: Record, reason: str, facts: Facts) -> Cause:
    if facts.paused and facts.job is not None and facts.job.spec.pause_on_failure:
        since = localized(facts.paused.get("since", ""), facts.zone)
        why = localized(facts.paused.get("reason", ""), facts.zone)
        return Cause("paused", f"waits: the job is paused since {since}: {why}", "", _resume(facts))
    named = [facts.others[each] for each in [*job_ids(decision), facts.active_job_id] if each in facts.others]
    going = next((each for each in named if not each.has_ended), None)
    if going is None and named:
        text = f"waits for job {named[0].id}, which has ended ({named[0].status}): its end was not noted"
        return Cause("end_not_noted", text, "", command(facts, "resume", facts.name))
    if going is not None and going.status != "RUNNING":
        return Cause("overlap", f"waits for job {going.id}, which is {going.status}", "", _why(going.id, facts))
    if going is not None:
        return Cause("overlap", f"waits: job {going.id}, which came before it, has not ended (RUNNING)")
    return Cause("overlap", f"waits: {reason}")


def _claimed(decision: Record, _: str, facts: Facts) -> Cause | None:
    if decision.lease_until is not None and decision.lease_until < facts.now.timestamp():
        text = "its submission was interrupted: the submit function was killed, or DynamoDB or Batch did not answer"
        return Cause(
            "cut_off",
            text,
            "its trigger is delivered again within minutes; after that, run it for this time",
            backfill(facts),
        )
    return Cause("submitting", "it is being submitted just now")


def _submitted(_: Record, __: str, ___: Facts) -> Cause:
    return Cause("forgotten", "it was submitted; Batch has forgotten how it ended, as it does after a week")


def _resume(facts: Facts) -> str:
    return command(facts, "resume", facts.name) if facts.paused else ""


def _why(job_id: str, facts: Facts) -> str:
    return command(facts, "why", job_id)


def _joined(decision: Record, reason: str, _: Facts) -> Cause | None:
    return Cause("joined", reason) if decision.reason.startswith("waits") else None


_BY_STATUS = {
    "skipped": _skipped,
    "late": _late,
    "dropped": _dropped,
    "refused": _refused,
    "waiting": _waiting,
    "claimed": _claimed,
    "submitted": _submitted,
    "joined": _joined,
}
