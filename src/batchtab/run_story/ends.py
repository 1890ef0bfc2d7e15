"""Why a job has ended as it has, by what Batch, ECS and the job runner say of it.

https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html
"""

from __future__ import annotations

import re
from dataclasses import replace

from batchtab.exit_codes import exit_code_meaning
from batchtab.limits import REPLACED_PREFIX
from batchtab.run_story import starts, stuck
from batchtab.run_story.batch_job import Attempt, BatchJob
from batchtab.run_story.facts import Facts
from batchtab.run_story.story import Cause
from batchtab.run_story.wording import command, localized, run_of
from batchtab.schedules.durations import duration

_TIMEOUT = re.compile(r"exceeded timeout|attempt duration", re.IGNORECASE)
_HOST = re.compile(r"^Host EC2|Spot Task was interrupted|SpotInterruption", re.IGNORECASE)
_MEMORY = re.compile(r"OutOfMemory|OOMKilled|out of memory", re.IGNORECASE)
_BY_ITSELF = "Essential container in task exited"  # as every container that ends by itself
_KILLED = 137
_SHOWN = 10  # failed children
_OWN_MEANINGS = {_KILLED: "killed (SIGKILL), often because memory ran out", 143: "stopped (SIGTERM)"}


def cause_of(job: BatchJob, facts: Facts) -> Cause | None:
    """Why a job that has ended did not do its work; None if nothing is wrong."""
    if gave_way := _gave_way(job, facts):
        return gave_way
    if job.status == "SUCCEEDED":
        return None
    return _not_by_itself(job, facts) or _by_itself(job, facts)


def attempt_words(attempt: Attempt, job: BatchJob) -> str:
    """How an attempt ended, in a few words."""
    if attempt.exit_code == 0 and not _TIMEOUT.search(attempt.status_reason):
        return "succeeded"
    said = _said(attempt.exit_code, attempt.status_reason, attempt.reason)
    return f"failed: {said or job.status_reason or 'no reason is given'}"


def words(job: BatchJob) -> str:
    """What Batch says of a job's end: its exit code, its reason, the container's."""
    return _said(job.exit_code, job.status_reason, job.reason)


def _said(exit_code: int | None, status_reason: str, reason: str) -> str:
    parts = [f"exit code {exit_code}"] if exit_code is not None else []
    parts += [each for each in (status_reason, reason) if each and not (parts and each == _BY_ITSELF)]
    return "; ".join(dict.fromkeys(parts))


def _gave_way(job: BatchJob, facts: Facts) -> Cause | None:
    """The job runner's guard, whose exit code may be 0: its end line says so."""
    by_code = job.skip_exit_code is not None and job.exit_code == job.skip_exit_code
    if not by_code and facts.runner.get("skipped") is not True:
        return None
    other = facts.runner.get("gave_way_to")
    to = f"job {other}" if other else "another run of the job"
    return Cause("gave_way", f"it gave way to {to}, which had not ended; its command was not started")


def _not_by_itself(job: BatchJob, facts: Facts) -> Cause | None:
    """What somebody or something else did to a job."""
    reason = job.status_reason
    if reason.startswith(REPLACED_PREFIX):
        later = run_of(reason.removeprefix(REPLACED_PREFIX).strip(), facts.zone)
        return Cause("replaced", f"replaced by {later}, as concurrency_policy: replace says")
    if re.match(r"dependen(t|cy)\b", reason, re.IGNORECASE):
        return _dependency(job, facts)
    if stuck.TIME_LIMIT in reason:
        why = stuck.found_in(reason)
        text = f"it could not be placed, and Batch cancelled it: {why.text}" if why else "it was not placed in time"
        return Cause("stuck", text, why.fix if why else "", command(facts, "retry", job.id))
    if _TIMEOUT.search(reason):
        after = f" after {duration(job.timeout_seconds)}" if job.timeout_seconds else ""
        fix = f"raise timeout_seconds{_in_file(facts)}, or find what took so long"
        return Cause("timeout", f"timed out{after}", fix, command(facts, "logs", job.id))
    if "job queue was deleted" in reason.lower() or reason == "Local AWS was reset":
        return Cause("queue_deleted", localized(reason, facts.zone), "", "")
    if (job.is_terminated or job.is_cancelled) and not (_is_of_children(reason) and facts.failed_children):
        how = "stopped" if job.is_terminated and (job.started or job.attempts) else "stopped before it started"
        said = localized(reason, facts.zone)
        return Cause("stopped", f"{how}: {said}" if said else how, "", command(facts, "retry", job.id))
    return None


def _by_itself(job: BatchJob, facts: Facts) -> Cause:
    words, logs, retry = job.words, command(facts, "logs", job.id), command(facts, "retry", job.id)
    if job.children or _is_of_children(job.status_reason):
        return _array(job, facts)
    if _HOST.search(job.status_reason) or _HOST.search(job.reason):
        fix = f"retry it{_in_file(facts)}: evaluate_on_exit with on_status_reason: Host EC2* and action: RETRY"
        return Cause("host", f"its host was taken away: {localized(words, facts.zone)}", fix, retry)
    if _MEMORY.search(words):
        limit = f" at its limit of {job.memory_mib} MiB" if job.memory_mib else ""
        return Cause("memory", f"out of memory: killed{limit}", f"raise memory_mib{_in_file(facts)}, and deploy", retry)
    if start := starts.cause_of(job):
        if start.kind == "lost":
            return Cause(start.kind, start.text, start.fix, logs)
        return Cause(start.kind, start.text, start.fix, retry)
    reason = str(facts.runner.get("reason") or "")
    if reason.startswith("could not check for other runs"):
        fix = "let the job role list the queue's jobs (batch:ListJobs), or set on_check_error"
        return Cause("guard", f"the job runner {localized(reason, facts.zone)}", fix, retry)
    if job.exit_code == _KILLED and _is_near_limit(job, facts):
        peak = f"its peak was {facts.runner['peak_memory_mib']} of {job.memory_mib} MiB"
        return Cause("memory", f"out of memory, it seems: {peak}", f"raise memory_mib{_in_file(facts)}", logs)
    if job.exit_code == 0:
        return Cause("other", f"Batch counts it as failed: {localized(words, facts.zone)}", "", logs)
    if job.exit_code is not None:
        meaning = exit_code_meaning(job.exit_code, _OWN_MEANINGS)
        said = f": {meaning}" if meaning else ""
        return Cause("exit", f"exit code {job.exit_code}{said}", "", logs)
    return Cause("other", localized(words, facts.zone) or "Batch gives no reason", "", logs)


def _dependency(job: BatchJob, facts: Facts) -> Cause:
    failed = [facts.others[each] for each in job.depends_on if each in facts.others]
    failed = [each for each in failed if each.status == "FAILED"]
    names = ", ".join(f"{each.name}, job {each.id}," for each in failed)
    do = command(facts, "why", failed[0].id) if failed else ""
    return Cause("dependency", f"a job that it depends on failed{f': {names}' if names else ''}".rstrip(","), "", do)


def _array(job: BatchJob, facts: Facts) -> Cause:
    failed = dict(job.children).get("FAILED", 0) or len(facts.failed_children)
    size = f" of {job.array_size}" if job.array_size else ""
    of_child = replace(facts, runner={})  # that is another job's
    whys = [(child, why) for child in facts.failed_children if (why := cause_of(child, of_child)) is not None]
    retry = command(facts, "retry", job.id)
    if whys and failed <= len(whys) and all(why.kind == "stopped" for _, why in whys):
        return replace(min((why for _, why in whys), key=lambda why: len(why.text)), do=retry)
    shown = whys[:_SHOWN]
    alike: dict[str, list[str]] = {}
    for child, why in shown:
        alike.setdefault(why.text, []).append(str(child.array_index))
    named = [f"{text}: {', '.join(indices)}" for text, indices in alike.items()]
    if shown and failed > len(shown):
        named.append(f"{failed - len(shown)} more")
    children = f"{failed}{size} {'child' if failed == 1 and not size else 'children'} failed"
    fix = whys[0][1].fix if len({why.kind for _, why in whys}) == 1 else ""
    fix = f"{fix or 'correct what failed'}, then: {retry}"
    text = f"{children} ({'; '.join(named)})" if named else children
    return Cause("array", text, fix, command(facts, "logs", job.id, "--failed"))


def _is_of_children(reason: str) -> bool:
    return reason.startswith("Array Child")


def _is_near_limit(job: BatchJob, facts: Facts) -> bool:
    peak = facts.runner.get("peak_memory_mib")
    return isinstance(peak, int | float) and bool(job.memory_mib) and peak >= 0.9 * job.memory_mib


def _in_file(facts: Facts) -> str:
    return f" in {facts.file}" if facts.file else ""
