"""How the alerts look up what `alerts:` says: routes and watched schedules, by full names of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from batchtab.declarations.job import JobSpec
from batchtab.declarations.service import ServiceSpec


def routes(services: Iterable[ServiceSpec]) -> dict[str, Any]:
    """The routes of all services, by full names as the alerts look them up; an empty one gives the service's name.

    The alerts see only a job's full name and try every beginning of it. A job has a route of its own, which is whole,
    where a beginning would lead to another route than the written one: where the job says more than its service,
    and where a beginning of its name is another job's or service's.
    """
    services = list(services)
    owner = {service.service: service.service for service in services}
    found = {service.service: service.alerts.route for service in services}
    jobs = [(f"{one.service}-{name}", one, job) for one in services for name, job in one.jobs.items()]
    for full, service, job in sorted(jobs, key=lambda each: len(each[0])):  # each after the beginnings of its name
        begins = {owner[name] for name in found if full == name or full.startswith(f"{name}-")}
        if job.alerts.route != service.alerts.route or begins != {service.service}:
            found[full] = {**job.alerts.route, "service": service.service}
            owner[full] = full
    return {name: {key: value for key, value in route.items() if value} for name, route in sorted(found.items())}


def watched(services: Iterable[ServiceSpec]) -> Iterator[tuple[str, JobSpec]]:
    """The jobs, by full names, that have an alert for a run that does not start in time."""
    for service in services:
        for name, job in service.jobs.items():
            if job.alerts.late_after_seconds is not None and job.schedule is not None and not job.suspend:
                yield f"{service.service}-{name}", job
