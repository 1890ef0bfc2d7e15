"""Which job of a stage a command is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from batchtab.declarations.catalog import Catalog
from batchtab.declarations.diagnostics import show
from batchtab.declarations.job import JobSpec
from batchtab.errors import CANDIDATES_MAX, NotFoundError, UsageError, did_you_mean, listed


@dataclass(frozen=True)
class NamedJob:
    """A job with its names."""

    service: str
    name: str
    spec: JobSpec

    @property
    def full(self) -> str:
        """As submitted jobs are called, and in the table of runs."""
        return f"{self.service}-{self.name}"

    def zone(self, catalog: Catalog) -> ZoneInfo:
        """The time zone in which people read its times: its own, else the stage's."""
        return ZoneInfo(self.spec.timezone or catalog.stage.timezone)


def all_jobs(catalog: Catalog) -> Iterator[NamedJob]:
    """Every job of a stage, in the order of the files."""
    for service in catalog.services:
        for name, spec in service.jobs.items():
            yield NamedJob(service.service, name, spec)


def find(catalog: Catalog, wanted: str, command: str) -> NamedJob:
    """The job that is called `JOB`, `SERVICE-JOB` or `SERVICE/JOB`.

    Raises:
        NotFoundError: no job is called so.
        UsageError: jobs of several services are.
    """
    everything = list(all_jobs(catalog))
    whole = [job for job in everything if wanted.replace("/", "-") == job.full]
    found = whole or [job for job in everything if wanted == job.name]
    if len(found) == 1:
        return found[0]
    if found:
        names = listed([job.full for job in found], CANDIDATES_MAX)
        raise UsageError(f"{command}: {show(wanted)} is a job of several services", f"name one of {names}")
    known = [job.full for job in everything]
    near = did_you_mean(wanted.replace("/", "-"), [*known, *(job.name for job in everything)])
    raise NotFoundError(
        f"{command}: {show(wanted)} is not a job of stage {catalog.stage.name}",
        near or f"its jobs: {listed(known, CANDIDATES_MAX)}",
    )
