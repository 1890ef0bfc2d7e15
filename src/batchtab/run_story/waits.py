"""Why a job has not started: what it depends on, its queue, the environments of that, who has their vCPUs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from batchtab.errors import how_many
from batchtab.run_story import stuck
from batchtab.run_story.batch_job import BatchJob
from batchtab.run_story.facts import Environment, Facts, QueueFacts
from batchtab.run_story.story import Cause
from batchtab.run_story.wording import command, localized
from batchtab.schedules.durations import duration

_USUAL = timedelta(minutes=10)  # until an instance or a Fargate task is there, with its image
_NAMED = 3


def cause_of(job: BatchJob, facts: Facts) -> Cause | None:
    """Why a job that has not ended does not run; None if it runs, or nothing is wrong yet."""
    if job.status == "RUNNING" or dict(job.children).get("RUNNING") or job.has_ended:
        return None
    if job.status == "STARTING":
        return _starting(job, facts)
    going = [other for each in job.depends_on if (other := facts.others.get(each)) and not other.has_ended]
    if going:
        names = ", ".join(f"{each.name} (job {each.id}, {each.status})" for each in going[:_NAMED])
        do = "" if going[0].status == "RUNNING" else command(facts, "why", going[0].id)
        return Cause("dependency", f"it waits for {names}", "", do)
    if facts.queue is not None:
        return _of_queue(job, facts, facts.queue)
    why = stuck.found_in(job.status_reason)
    return Cause("stuck", why.text, why.fix) if why else None


def _of_queue(job: BatchJob, facts: Facts, queue: QueueFacts) -> Cause | None:
    if queue.status not in ("VALID", "UPDATING"):
        text = f"queue {queue.name} is {queue.status}: {localized(queue.status_reason, facts.zone)}"
        return Cause("queue_invalid", text, "correct the queue, and deploy", _deploy(facts))
    if unusable := _unusable(facts, queue):
        return unusable
    if too_big := _too_big(job, facts, queue):
        return too_big
    ahead = _ahead(job, queue)
    if ahead and (blocked := _blocks(ahead[0], facts, queue)):
        return blocked
    if full := _full(job, queue, ahead):
        return full
    if ahead:
        first = ahead[0]
        text = f"{how_many(len(ahead), 'job is', 'jobs are')} before it in queue {queue.name}"
        return Cause("queue_order", f"{text}; the next is {first.name}, job {first.id}", "", _why(first, facts))
    if queue.state == "DISABLED":
        fix = "remove state: DISABLED of the queue, and deploy"
        return Cause("queue_disabled", f"queue {queue.name} is DISABLED", fix, _deploy(facts))
    return _no_capacity(job, facts, queue)


def _unusable(facts: Facts, queue: QueueFacts) -> Cause | None:
    if not queue.environments:
        return Cause("no_environment", f"queue {queue.name} has no compute environment", "", _deploy(facts))
    if _usable(queue):
        return None
    invalid = [each for each in queue.environments if each.status not in ("VALID", "UPDATING")]
    if invalid:
        reason = localized(invalid[0].status_reason, facts.zone)
        text = f"compute environment {invalid[0].name} is {invalid[0].status}: {reason}"
        return Cause("environment_invalid", text, "correct what the reason names, and deploy", _deploy(facts))
    names = ", ".join(each.name for each in queue.environments)
    fix = "remove state: DISABLED of the environment, and deploy"
    return Cause("environment_disabled", f"compute environment {names} is DISABLED", fix, _deploy(facts))


def _usable(queue: QueueFacts) -> list[Environment]:
    return [each for each in queue.environments if each.state == "ENABLED" and each.status in ("VALID", "UPDATING")]


def _too_big(job: BatchJob, facts: Facts, queue: QueueFacts) -> Cause | None:
    """What its environments can never have."""
    most = max((each.max_vcpus for each in _usable(queue) if each.max_vcpus is not None), default=None)
    unlimited = any(each.max_vcpus is None for each in _usable(queue))
    if most is not None and not unlimited and job.vcpus > most:
        text = f"it asks for {job.vcpus:g} vCPUs, and max_vcpus of its compute environment is {most:g}"
        return Cause("too_big", text, f"raise max_vcpus, or lower vcpus{_in_file(facts)}, and deploy", _deploy(facts))
    if why := stuck.found_in(job.status_reason):
        asks = f" ({job.vcpus:g} vCPUs, {job.memory_mib} MiB)" if job.vcpus else ""
        return Cause("stuck", f"{why.text}{asks}", why.fix, _deploy(facts))
    return None


def _ahead(job: BatchJob, queue: QueueFacts) -> list[BatchJob]:
    """Those before it; of a job that is not among the first all of them."""
    ids = [each.id for each in queue.front]
    own = next((number for number, each in enumerate(ids) if each.partition(":")[0] == job.id.partition(":")[0]), None)
    return list(queue.front if own is None else queue.front[:own])


def _blocks(first: BatchJob, facts: Facts, queue: QueueFacts) -> Cause | None:
    """Whether the job at the head of the queue can never start."""
    most = max((each.max_vcpus or 0 for each in _usable(queue)), default=0)
    why = stuck.found_in(first.status_reason)
    if first.vcpus > most > 0:
        said = f"it asks for {first.vcpus:g} vCPUs, and max_vcpus is {most:g}"
    elif why is not None:
        said = why.text
    else:
        return None
    text = f"{first.name}, job {first.id}, blocks the head of queue {queue.name}: {said}"
    return Cause("queue_blocked", text, why.fix if why else "", command(facts, "stop", first.id))


def _full(job: BatchJob, queue: QueueFacts, ahead: Sequence[BatchJob]) -> Cause | None:
    limits = [each.max_vcpus for each in _usable(queue)]
    if not queue.running or any(limit is None for limit in limits):
        return None
    most, used = sum(limit or 0 for limit in limits), sum(each.vcpus for each in queue.running)
    if used + job.vcpus <= most:
        return None
    names = ", ".join(dict.fromkeys(each.name for each in queue.running))
    text = f"{used:g} of {most:g} vCPUs are in use by {how_many(len(queue.running), 'job')} ({names[:120]})"
    before = f"; {len(ahead)} before it" if ahead else ""
    return Cause("full", f"{text}, and it asks for {job.vcpus:g}{before}", "wait, or raise max_vcpus and deploy")


def _no_capacity(job: BatchJob, facts: Facts, queue: QueueFacts) -> Cause | None:
    since = queue.front_since or (job.attempts[-1].stopped if job.attempts else None) or job.created
    waited = facts.now - since if since else timedelta()
    if waited < _USUAL:
        return None
    scaled = [each for each in _usable(queue) if each.desired_vcpus is not None]
    desired = ", ".join(f"{each.name} has {each.desired_vcpus:g} of {each.max_vcpus:g} vCPUs" for each in scaled)
    text = f"no capacity for {duration(waited.total_seconds())}{f': {desired}' if desired else ''}"
    fix = "add instance_types, subnets or another environment; can instances reach ECS? can their role register?"
    return Cause("no_capacity", text, fix, command(facts, "doctor"))


def _starting(job: BatchJob, facts: Facts) -> Cause | None:
    since = (job.attempts[-1].stopped if job.attempts else None) or job.created
    if since is None or facts.now - since < _USUAL:
        return None
    text = f"its container has been starting for {duration((facts.now - since).total_seconds())}: its image, most often"
    return Cause("slow_start", text)


def _why(job: BatchJob, facts: Facts) -> str:
    return command(facts, "why", job.id)


def _deploy(facts: Facts) -> str:
    return command(facts, "up" if facts.stage == "local" else "deploy")


def _in_file(facts: Facts) -> str:
    return f" in {facts.file}" if facts.file else ""
