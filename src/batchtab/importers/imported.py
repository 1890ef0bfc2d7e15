"""What an importer makes of its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from batchtab.importers.findings import Findings


@dataclass(frozen=True, slots=True)
class SourceClock:
    """When the source starts a job, as the source itself says it.

    Attributes:
        engine: Who reads the expression: a name in `batchtab.importers.engines`.
        expression: The source's own text.
        timezone: The IANA name of the zone in which the source reads it.
        start: ISO 8601 moment before which the source does not start it; empty: none.
        end: ISO 8601 moment after which it does not; empty: none.
    """

    engine: str
    expression: str
    timezone: str = "UTC"
    start: str = ""
    end: str = ""

    def as_json(self) -> dict[str, str]:
        """Its fields, without empty ones."""
        return {key: value for key, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Fires:
    """A claim that the proof checks: the source's clock and the jobs that together start at its times.

    Attributes:
        clock: The source's.
        jobs: Names in jobs.yaml. Crontab's day of month *or* day of week needs two.
        jitter_seconds: By how much the source may start later than the clock says, at random.
    """

    clock: SourceClock
    jobs: tuple[str, ...]
    jitter_seconds: int = 0


@dataclass(slots=True)
class ImportedJob:
    """One job of jobs.yaml.

    Attributes:
        name: Its name in jobs.yaml.
        origin: Where it comes from, for the comment above it: `crontab:14`.
        settings: Its fields, with the names and units of jobs.yaml.
        comments: Further lines of the comment.
    """

    name: str
    origin: str
    settings: dict[str, Any] = field(default_factory=dict)
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Imported:
    """All that comes out of an import.

    Attributes:
        jobs: In the order of the source.
        findings: The result of each field.
        fires: When each scheduled job starts, by the source.
        service: The service's name, if the source says one.
        image: The image of all jobs, as jobs.yaml has it; None: each job has its own.
        defaults: Settings of all jobs.
        files: Further files beside jobs.yaml, such as `import.tf`: name to text.
    """

    jobs: list[ImportedJob] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    fires: list[Fires] = field(default_factory=list)
    service: str = ""
    image: Mapping[str, str] | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def job(self, name: str) -> ImportedJob:
        """A job by its name.

        Raises:
            KeyError: There is none.
        """
        for each in self.jobs:
            if each.name == name:
                return each
        raise KeyError(name)

    def remove(self, name: str) -> None:
        """Take a job out, and what is said of when it starts."""
        self.jobs = [each for each in self.jobs if each.name != name]
        self.fires = [each for each in self.fires if name not in each.jobs]
