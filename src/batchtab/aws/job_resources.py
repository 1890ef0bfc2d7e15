"""The vCPUs and the memory that a job asks for, in whatever form Batch reports the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.main_container import task_of

_TYPES = {"VCPU": "vcpus", "MEMORY": "memory"}


@dataclass(frozen=True)
class JobResources:
    """What one child or one job asks for, of all its containers and nodes; 0 where Batch does not say."""

    vcpus: float = 0.0
    memory_mib: int = 0


def job_resources(job: Mapping[str, Any]) -> JobResources:
    """Of a job of DescribeJobs, or of a job definition."""
    nodes = job.get("nodeProperties") or {}
    if nodes:
        count = int(nodes.get("numNodes") or 1)
        ranges = nodes.get("nodeRangeProperties") or ()
        first = job_resources(ranges[0]) if ranges else JobResources()  # all ranges of a Batchtab job are alike
        return JobResources(first.vcpus * count, first.memory_mib * count)
    found = [_asked(each) for each in _containers(job)]
    return JobResources(sum(each.vcpus for each in found), sum(each.memory_mib for each in found))


def _containers(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    single = job.get("container") or job.get("containerProperties")
    if single:
        yield single
    else:
        yield from task_of(job).get("containers") or ()


def _asked(container: Mapping[str, Any]) -> JobResources:
    asked = {
        _TYPES[each["type"]]: each["value"]
        for each in container.get("resourceRequirements") or ()
        if each["type"] in _TYPES
    }
    vcpus, memory = (asked.get(name) or container.get(name) or 0 for name in ("vcpus", "memory"))
    return JobResources(float(vcpus), int(float(memory)))
