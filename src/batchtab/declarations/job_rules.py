"""Rules across a job's fields. Each names the fields that it reads: where Terraform knows one later, it is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from batchtab import limits
from batchtab.declarations import container_rules, way_out
from batchtab.declarations.container_fields import TMP_VOLUME
from batchtab.declarations.job_fields import JobFields
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.table import Fault, Needs, fields_with, is_given, misplaced, written
from batchtab.declarations.trigger_fields import ONLY_SCHEDULER, POLICIES_OF_TRIGGERS
from batchtab.schedules.timing import Timing

NO_SCHEDULE = "has no effect: the job has no schedule"
NO_TRIGGER = "has no effect: the job has no schedule and comes after no other"
ONLY_WITH_QUEUE = "has no effect without concurrency_policy: queue"
SHORTER_THAN_WINDOW = "is shorter than flexible_window_minutes, and the last runs of each window would be late"
NOT_WITH_RATE = "EventBridge Scheduler runs a rate at once when it is deployed, and counts again from then"
NOT_AFTER_START = "is not after start"
TWICE = container_rules.TWICE
EXEC_WRITES = "has no effect with a read-only root: ECS Exec's agent writes there"
NO_EFFECT_ON_OWN_ROLE = "cannot be used together with job_role_arn, a role that is managed elsewhere"
NO_EFFECT_ON_LOG_GROUP = "cannot be used together with log_group_name, a log group that is managed elsewhere"
AFTER_NOTHING = "has no effect: the job comes after no other"
ONE_START = "a run starts only when all have ended"
ONLY_WITH_AFTER_ALL = "has no effect without after_all"
TMPFS_TOO = "is the path of a tmpfs too"
OWN_VOLUME = "is the name of Batchtab's own volume, at /tmp"
_OUT = "leave it out"
_TIMING = ("schedule", *ONLY_SCHEDULER, "trigger")


@dataclass(frozen=True)
class Rule:
    """What does not go together, and the fields that say so."""

    fields: tuple[str, ...]
    find: Callable[[OneJob], Iterator[Fault]]


RULES: list[Rule] = []


def faults(job: OneJob, *, unknown: Collection[str] = ()) -> Iterator[Fault]:
    """What does not go together in a whole job.

    Args:
        job: The job.
        unknown: Fields that are at fault themselves, or whose value only Terraform knows; rules that read one of them
            are left out.
    """
    for rule in RULES:
        if not set(rule.fields) & set(unknown):
            yield from rule.find(job)


def _rule(*fields: str) -> Callable[[Callable[[OneJob], Iterator[Fault]]], Callable[[OneJob], Iterator[Fault]]]:
    def register(find: Callable[[OneJob], Iterator[Fault]]) -> Callable[[OneJob], Iterator[Fault]]:
        RULES.append(Rule(fields, find))
        return find

    return register


def _needs(name: str, what: str) -> None:
    """A field without effect in a job that has no schedule, or nothing that starts it."""

    @_rule(name, "schedule", *(["after", "after_all"] if what == "trigger" else []))
    def find(job: OneJob) -> Iterator[Fault]:
        started = job.schedule is not None or (what == "trigger" and bool(job.upstream))
        if not started and is_given(job, name):
            field = type(job).model_fields[name]
            yield written(name, field), getattr(job, name), NO_SCHEDULE if what == "schedule" else NO_TRIGGER, _OUT


NEED_SCHEDULE = fields_with(JobFields, Needs("schedule"))
NEED_TRIGGER = fields_with(JobFields, Needs("trigger"))
for _name in fields_with(OneJob, Needs("schedule")):
    _needs(_name, "schedule")
for _name in NEED_TRIGGER:
    _needs(_name, "trigger")


@_rule("concurrency_policy", "schedule", "after", "after_all")
def _policy_without_trigger(job: OneJob) -> Iterator[Fault]:
    if job.schedule is None and not job.upstream and job.concurrency_policy in POLICIES_OF_TRIGGERS:
        yield "concurrency_policy", job.concurrency_policy, NO_TRIGGER, "forbid, or leave it out"


@_rule("after_status", "after", "after_all")
def _status_of_nothing(job: OneJob) -> Iterator[Fault]:
    if is_given(job, "after_status") and not job.upstream:
        yield "after_status", job.after_status, AFTER_NOTHING, _OUT


@_rule("after_all", "after", "schedule")
def _one_start(job: OneJob) -> Iterator[Fault]:
    other = "schedule" if job.schedule is not None else "after" if job.after else ""
    if job.after_all and other:
        yield "after_all", [*job.after_all], f"does not go with {other}: {ONE_START}", f"leave {other} out"


@_rule("within_seconds", "after_all")
def _within_nothing(job: OneJob) -> Iterator[Fault]:
    if job.within_seconds is not None and not job.after_all:
        yield "within_seconds", job.within_seconds, ONLY_WITH_AFTER_ALL, _OUT


@_rule("queue_limit", "concurrency_policy")
def _limit_without_queue(job: OneJob) -> Iterator[Fault]:
    if "queue_limit" in job.model_fields_set and job.concurrency_policy != "queue":
        yield "queue_limit", job.queue_limit, ONLY_WITH_QUEUE, _OUT


@_rule("flexible_window_minutes", "starting_deadline_seconds")
def _short_deadline(job: OneJob) -> Iterator[Fault]:
    window, deadline = job.flexible_window_minutes, job.starting_deadline_seconds
    if window and deadline and deadline < window * 60:
        yield "starting_deadline_seconds", deadline, SHORTER_THAN_WINDOW, f"at least {window * 60}"


@_rule("environment", "secrets")
def _one_value(job: OneJob) -> Iterator[Fault]:
    for name in sorted(set(job.environment) & set(job.secrets)):
        yield f"secrets.{name}", None, TWICE, ""


@_rule("containers", "main_depends_on")
def _containers(job: OneJob) -> Iterator[Fault]:
    yield from container_rules.faults(job)


@_rule("containers", "grace_seconds")
def _of_framework(job: OneJob) -> Iterator[Fault]:
    yield from container_rules.framework_faults(job)


@_rule("containers", "grace_seconds", "container")
def _container_of_several(job: OneJob) -> Iterator[Fault]:
    if "instanceType" in job.container and job.has_task:
        why = "containers" if job.containers else "grace_seconds"
        yield "container.instanceType", None, f"does not go with {why}: Batch has it for a job of one container", _OUT


@_rule("nodes", "array_size")
def _nodes_of_array(job: OneJob) -> Iterator[Fault]:
    if job.nodes is not None and job.array_size is not None:
        yield "nodes", job.nodes, "does not go with array_size: a multi-node job has no children", "use one of them"


@_rule("permissions", "managed_policy_arns", "exec", "job_role_arn")
def _own_role(job: OneJob) -> Iterator[Fault]:
    for name in ("permissions", "managed_policy_arns", "exec"):
        if job.job_role_arn and getattr(job, name):
            yield name, None, NO_EFFECT_ON_OWN_ROLE, "give that role the permissions, or leave job_role_arn out"


@_rule("exec", "read_only_root_filesystem")
def _exec(job: OneJob) -> Iterator[Fault]:
    if job.exec and job.read_only_root_filesystem:
        yield "exec", True, EXEC_WRITES, "add read_only_root_filesystem: false"


@_rule("volumes", "mounts", "tmpfs", "containers")
def _mounts(job: OneJob) -> Iterator[Fault]:
    used = set()
    for path, each in container_rules.all_of(job):
        place = "".join(f"{part}." for part in path)
        for index, mount in enumerate(each.mounts):
            used.add(mount.volume)
            if mount.volume not in job.volumes:
                known = ", ".join(job.volumes) or "none"
                yield f"{place}mounts.{index}.volume", mount.volume, f"is not one of the job's volumes: {known}", ""
            if mount.path in each.tmpfs:
                yield f"{place}mounts.{index}.path", mount.path, TMPFS_TOO, ""
    for name in job.volumes:
        if name == TMP_VOLUME:
            yield f"volumes.{name}", None, OWN_VOLUME, "give it another name"
        elif name not in used:
            yield f"volumes.{name}", None, "is mounted nowhere", f"mounts: [{{volume: {name}, path: /…}}]"


@_rule("container", "tmpfs", "volumes")
def _way_out(job: OneJob) -> Iterator[Fault]:
    if job.container:
        yield from way_out.faults(job.container, job.tmpfs, (TMP_VOLUME, *job.volumes))


@_rule(*_TIMING)
def _timing(job: OneJob) -> Iterator[Fault]:
    timing = job.timing
    if timing is None:
        return
    said = [name.rstrip("_") for name in ONLY_SCHEDULER if getattr(job, name)]
    if timing.is_rate and timing.trigger == "schedule":
        said += [f"trigger: {job.trigger}"] if job.trigger == "schedule" else []
        same = timing.clock_form
        hint = f"write '{same}'" if same else f"leave {', '.join(said)} out"
        yield "schedule", job.schedule, f"does not go with {', '.join(said)}: {NOT_WITH_RATE}", hint
        return
    if job.trigger == "rule" and job.needs_scheduler:
        if timing.is_once:
            said.append("at(…)")
        yield "trigger", "rule", f"cannot express {', '.join(said)}: only a schedule can", "leave trigger out"
    start, end = timing.start_utc, timing.end_utc
    if start is not None and end is not None and start >= end:
        yield "end", job.end, f"{NOT_AFTER_START}, {job.start}", ""
        return
    yield from _long_window(job, timing)
    yield from _never(job, timing)


def _long_window(job: OneJob, timing: Timing) -> Iterator[Fault]:
    window = job.flexible_window_minutes
    period = timing.shortest_period() if window else None
    if period is not None and window and window * 60 > period.total_seconds():
        most = int(period.total_seconds() // 60)
        yield "flexible_window_minutes", window, f"is longer than the time between two runs: {most} (minutes)", ""


def _never(job: OneJob, timing: Timing) -> Iterator[Fault]:
    if why := timing.why_never():
        yield "schedule", job.schedule, why, ""


# --- with what a construct knows beside the job


def share_faults(job: OneJob, queue: str, *, shares: bool) -> Iterator[Fault]:
    """What Batch refuses when the job is submitted: a fair-share queue requires a share of each job, another one none.

    Args:
        job: The job.
        queue: How a message names its queue.
        shares: Whether the queue has a scheduling policy.
    """
    if shares and job.share is None:
        yield "share", None, f"is missing, and queue {queue} has a scheduling_policy: it takes no job without one", ""
    if not shares and job.share is not None:
        yield "share", job.share, f"is for a queue with a scheduling_policy, and {queue} has none", _OUT


def capacity_faults(job: OneJob, capacity: str, stage: str = "", *, skip: Collection[str] = ()) -> Iterator[Fault]:
    """What jobs of a capacity do not have.

    Args:
        job: The job.
        capacity: EC2, SPOT, FARGATE or FARGATE_SPOT.
        stage: How a message names the stage that has this capacity.
        skip: Fields whose value is not known or at fault.
    """
    is_fargate = capacity in limits.FARGATE_CAPACITIES
    on = f"on Fargate ({stage})" if stage else "on Fargate"
    has = f"the capacity of {stage} is {capacity}" if stage else f"capacity is {capacity}"
    if not {"vcpus", "memory_mib", "containers"} & set(skip):
        yield from _fargate_size(job, on) if is_fargate else _ec2_size(job, has)
    if "containers" not in skip:
        yield from container_rules.capacity_faults(job, capacity, has)
    if job.nodes is not None and capacity == "SPOT" and "nodes" not in skip:
        hint = "AWS runs multi-node jobs on demand only"
        yield "nodes", job.nodes, f"is only for EC2 without Spot, and {has}", hint
    for name, value, only in misplaced(job, capacity):
        if name not in skip:
            shown = value if isinstance(value, bool | int | str) else None
            yield name, shown, f"is only for {only.kind}, and {has}", _OUT
    if not is_fargate:
        if job.architecture != "x86_64" and "architecture" not in skip:
            hint = "leave it out: the environment's instance types decide"
            yield "architecture", job.architecture, f"is only for Fargate, and {has}", hint
        return
    refusal = limits.FARGATE_TIMEOUT_SECONDS.refusal(job.timeout_seconds) if "timeout_seconds" not in skip else None
    if refusal:
        yield "timeout_seconds", job.timeout_seconds, f"{refusal} {on}", ""
    if "log" not in skip:
        yield from container_rules.fargate_log_faults("", job, has)
    for name, volume in job.volumes.items() if "volumes" not in skip else ():
        if volume.host_path is not None:
            yield f"volumes.{name}.host_path", volume.host_path, f"is only for EC2, and {has}", _OUT


def _fargate_size(job: OneJob, on: str) -> Iterator[Fault]:
    vcpus, memory_mib = job.task_vcpus, job.task_memory_mib
    with_all = " with all containers" if job.containers else ""
    sizes = limits.FARGATE_SIZES.get(vcpus)
    if sizes is None:
        allowed = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
        near = next((size for size in limits.FARGATE_SIZES if size >= vcpus), 32)
        yield "vcpus", vcpus, f"is not a size{with_all} {on}: {allowed}", f"the next is {near:g}"
    elif memory_mib not in sizes:
        text = f"does not go{with_all} with {vcpus:g} vCPU {on}: {steps(sizes)}"
        near_memory = next((size for size in sizes if size >= memory_mib), None)
        hint = f"the nearest that is enough: {near_memory}" if near_memory else "more memory needs more vcpus"
        yield "memory_mib", memory_mib, text, hint


def _ec2_size(job: OneJob, has: str) -> Iterator[Fault]:
    if job.vcpus < 1 or not float(job.vcpus).is_integer():
        yield "vcpus", job.vcpus, f"is not a whole number, and {has}: 1, 2, 3, …", "Fargate has 0.25 and 0.5"
    elif refusal := limits.EC2_VCPUS.refusal(job.vcpus):
        yield "vcpus", job.vcpus, refusal, ""


def steps(sizes: tuple[int, ...]) -> str:
    """The sizes of memory that go with vCPUs, in few words."""
    if len(sizes) <= 4:
        return ", ".join(map(str, sizes))
    return f"{sizes[0]} to {sizes[-1]} in steps of {sizes[1] - sizes[0]}"
