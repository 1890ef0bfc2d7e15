"""Rules for the containers beside a job's own: who waits for whom, and what runs where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from batchtab import frameworks, limits
from batchtab.declarations.container_fields import ContainerFields
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.table import Fault, misplaced
from batchtab.errors import did_you_mean, listed
from batchtab.main_container import MAIN

FARGATE_LOG_DRIVERS = ("awslogs", "splunk")
TAKEN = f"is what the job's own container is called: write what {MAIN} does in the job itself"
TWICE = "is in environment and in secrets: one name, one value"
ENDS_THE_JOB = "is essential, so that the job ends with it"


def all_of(job: OneJob) -> Iterator[tuple[tuple[str, ...], ContainerFields]]:
    """A job's containers, each with its path in the job."""
    yield (), job
    for name, each in job.containers.items():
        yield ("containers", name), each


def faults(job: OneJob) -> Iterator[Fault]:
    """What does not go together in a job's containers."""
    if MAIN in job.containers:
        yield f"containers.{MAIN}", None, TAKEN, "give it another name"
        return
    waits = {MAIN: job.main_depends_on} | {name: each.depends_on for name, each in job.containers.items()}
    found = [fault for name, others in waits.items() for fault in _dependency_faults(job, name, others)]
    yield from found
    if not found:
        yield from _circle(waits)
    for name, each in job.containers.items():
        for variable in sorted(set(each.environment) & set(each.secrets)):
            yield f"containers.{name}.secrets.{variable}", None, TWICE, ""


def _path(name: str) -> str:
    return "main_depends_on" if name == MAIN else f"containers.{name}.depends_on"


def _dependency_faults(job: OneJob, name: str, others: Mapping[str, str]) -> Iterator[Fault]:
    known = [each for each in (MAIN, *job.containers) if each != name]
    for other, condition in others.items():
        path = f"{_path(name)}.{other}"
        if other not in known:
            hint = did_you_mean(other, known) or ("name jobs in after" if name == MAIN else "")
            text = (
                f"is not one of the job's other containers: {listed(known)}"
                if known
                else "has no effect: the job has no other containers"
            )
            yield path, None, text, hint
        elif condition != "START" and (other == MAIN or job.containers[other].essential):
            yield path, condition, f"can't be waited for: {other} {ENDS_THE_JOB}", "START"


def _circle(waits: Mapping[str, Mapping[str, str]]) -> Iterator[Fault]:
    try:
        TopologicalSorter({name: [*others] for name, others in waits.items()}).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        yield _path(circle[0]), None, f"goes in a circle: {' → '.join(circle)}", ""


def capacity_faults(job: OneJob, capacity: str, has: str) -> Iterator[Fault]:
    """What the containers beside a job's own say that jobs of a capacity do not have."""
    on_fargate = capacity in limits.FARGATE_CAPACITIES
    for name, each in job.containers.items():
        place = f"containers.{name}."
        for field, value, only in misplaced(each, capacity):
            shown = value if isinstance(value, bool | int | str) else None
            yield f"{place}{field}", shown, f"is only for {only.kind}, and {has}", "leave it out"
        if on_fargate:
            yield from fargate_log_faults(place, each, has)
            continue
        for field in ("vcpus", "memory_mib"):
            if getattr(each, field) is None:
                yield f"containers.{name}", None, f"lacks {field}, and {has}: on EC2 each container needs its own", ""
        if each.vcpus is not None and not float(each.vcpus).is_integer():
            yield f"{place}vcpus", each.vcpus, f"is not a whole number, and {has}: 1, 2, 3, …", ""


def fargate_log_faults(place: str, each: ContainerFields, has: str) -> Iterator[Fault]:
    """A log driver that Fargate does not have."""
    if each.log.driver not in FARGATE_LOG_DRIVERS:
        drivers = " or ".join(FARGATE_LOG_DRIVERS)
        yield f"{place}log.driver", each.log.driver, f"is only for EC2, and {has}", drivers


def framework_faults(job: OneJob) -> Iterator[Fault]:
    """What the AWS provider of the framework in use would silently leave out of its requests."""
    at_fault = [(path, each) for path, each in all_of(job) if each.grace_seconds is not None]
    provider = at_fault and frameworks.without_stop_timeout()  # looks for packages, which takes a while
    for path, each in at_fault:
        if provider:
            text = f"would not reach AWS: {provider} does not know Batch's stopTimeout"
            yield (
                ".".join((*path, "grace_seconds")),
                each.grace_seconds,
                text,
                "leave it out, or use cdktn: docs/frameworks.md",
            )
