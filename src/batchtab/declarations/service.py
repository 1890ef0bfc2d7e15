"""The services and their jobs as the files under `jobs/` declare them: `<folder>/jobs.yaml`, one per service.

A job takes what it doesn't say from the service's `defaults`, then from `batchtab.limits`. Of `environment`, `secrets`,
`parameters` and `tags` the single entries are merged; all else is replaced as a whole. A service's own `alerts`
apply to its jobs in the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict, ValidationError, field_validator

from batchtab import limits
from batchtab.declarations import job_rules, trigger_fields
from batchtab.declarations.alerting import Alerting
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.fields import Limit, StrictModel, invalid, problems_of
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job import JobSettings, JobSpec
from batchtab.declarations.table import written
from batchtab.declarations.yaml_file import Document, Key, read, unreadable

__all__ = ["ImageRef", "JobSettings", "JobSpec", "ServiceFile", "ServiceSpec", "load_services", "read_services"]

FILE_NAME = "jobs.yaml"
#: Of these the single entries are merged.
MERGED = ("environment", "secrets", "parameters", "tags")
_CONTAINER_TEXTS = ("command.*", "environment.*", "image.tag", "user", "log.options.*")
_JOB_TEXTS = (
    *(f"{name}.*" for name in MERGED),
    "evaluate_on_exit.*.on_exit_code",
    *(f"{holder}{name}" for holder in ("", "containers.*.") for name in _CONTAINER_TEXTS),
)
_TEXTS = ("image.tag", *(f"{holder}.{name}" for holder in ("jobs.*", "defaults") for name in _JOB_TEXTS))


class ServiceFile(StrictModel):
    """A service's jobs.yaml, as it is written."""

    service: Annotated[str, Strict(), Limit(limits.SERVICE_NAME)] = Field(description="The service's name.")
    image: ImageRef | None = Field(
        default=None, description="The image of all jobs; left out: the shared runner image."
    )
    alerts: Alerting = Field(default=Alerting(), description="Where the alerts of its jobs go.")
    defaults: JobSettings | None = Field(default=None, description="Settings of every job that doesn't say otherwise.")
    jobs: dict[Annotated[str, Limit(limits.JOB_NAME)], JobSpec] = Field(min_length=1, description="Name to job.")

    @field_validator("service")
    @classmethod
    def _validate_service(cls, value: str) -> str:
        if value == limits.RESERVED_NAME:
            raise invalid("is reserved: the roles for workflows are called <namespace>-ci-plan and -ci-deploy")
        return value


class ServiceSpec(StrictModel):
    """A service and its jobs, with defaults and images merged in."""

    service: str
    image: ImageRef | None
    alerts: Alerting = Alerting()
    jobs: dict[str, JobSpec]


@dataclass(slots=True)
class Source:
    """A service with where it came from; `invalid_fields` (job, field) have a placeholder for a bad value."""

    spec: ServiceSpec
    document: Document
    invalid_fields: set[tuple[str, str]] = field(default_factory=set)
    problems: list[Diagnostic] = field(default_factory=list)


def load_services(root: Path = Path("jobs")) -> list[ServiceSpec]:
    """All services under `root`, one per `<folder>/jobs.yaml`, in the order of their names.

    Raises:
        UsageError: All faults of all files, each with its line.
    """
    sources, problems = read_services(root)
    if problems:
        raise Diagnostics(problems)
    return [source.spec for source in sources]


def read_services(root: Path) -> tuple[list[Source], list[Diagnostic]]:
    """All services that can be read and all faults; `load_services` is this with the faults raised."""
    if not root.is_dir():
        hint = "a service's jobs are in jobs/<service>/jobs.yaml; --root names the project's folder"
        return [], [Diagnostic(root.as_posix(), None, "", "", None, "is not a folder", hint)]
    sources: list[Source] = []
    problems: list[Diagnostic] = []
    for folder in _entries(root, problems):
        if not folder.is_dir():
            if folder.is_symlink():
                problems.append(Diagnostic(folder.as_posix(), None, "", "", None, "is a link to nothing", "remove it"))
            continue
        names = {path.name for path in _entries(folder, problems)}
        if "jobs.yml" in names:
            misnamed = (folder / "jobs.yml").as_posix()
            problems.append(Diagnostic(misnamed, None, "", "", None, "is not read", "call it jobs.yaml"))
        if FILE_NAME in names:
            source, found = _read_service(folder / FILE_NAME)
            problems.extend(found)
            sources.extend([source] if source else [])
    sources.sort(key=lambda source: source.spec.service)
    return sources, problems + _same_names(sources)


def _entries(folder: Path, problems: list[Diagnostic]) -> list[Path]:
    """What is in a folder, links to nothing included; none, and a problem, if it can't be read."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        problems.append(unreadable(folder.as_posix(), error))
        return []


def _same_names(sources: list[Source]) -> list[Diagnostic]:
    first: dict[str, Source] = {}
    problems = []
    for source in sources:
        other = first.setdefault(source.spec.service, source)
        if other is not source:
            message = f"is also the service of {other.document.file}: one file per service"
            problems.append(source.document.problem(("service",), message, value=source.spec.service))
    return problems


def _read_service(path: Path) -> tuple[Source | None, list[Diagnostic]]:
    document = read(path, _TEXTS)
    problems = list(document.problems)
    if not document.data:
        return None, problems
    faults: list[Key] = list(document.faults)
    try:
        ServiceFile.model_validate(
            document.data, context=trigger_fields.SKIP_CROSS_FIELD_CHECKS, by_alias=True, by_name=False
        )
    except ValidationError as error:
        for key, problem in problems_of(error, ServiceFile, document):
            if key not in document.faults:
                problems.append(problem)
            faults.append(key)
    source = _merge(document, faults, path.parent.name)
    known = {str(problem) for problem in problems}
    problems.extend(problem for problem in source.problems if str(problem) not in known)
    return source, problems


def _merge(document: Document, faults: list[Key], folder: str) -> Source:
    """The service with defaults merged in; what is faulty is left out, so that the rest can still be checked."""
    data = {key: value for key, value in document.data.items() if (key,) not in faults}
    defaults = data.get("defaults")
    defaults = dict(defaults) if isinstance(defaults, dict) else {}
    for fault in faults:
        if len(fault) > 1 and fault[0] == "defaults":
            defaults.pop(str(fault[1]), None)
    bad_image = any(fault[:1] == ("image",) for fault in faults)
    image = None if bad_image or not data.get("image") else ImageRef.model_validate(data["image"])
    alerts = data.get("alerts")
    alerts = (
        {key: value for key, value in alerts.items() if ("alerts", key) not in faults}
        if isinstance(alerts, dict)
        else {}
    )
    defaults["alerts"] = alerts
    spec = ServiceSpec(
        service=str(data.get("service") or folder), image=image, alerts=Alerting.model_validate(alerts), jobs={}
    )
    source = Source(spec, document)
    jobs = data.get("jobs")
    at_fault: dict[str | int, set[str]] = defaultdict(set)
    for fault in faults:
        if len(fault) > 2 and fault[0] == "jobs":
            at_fault[fault[1]].add(str(fault[2]))
    for name, raw in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(raw, dict):
            _merge_job(source, name, defaults, raw, at_fault[name])
    return source


def _merge_job(
    source: Source, name: str, defaults: dict[str, Any], raw: dict[str, Any], invalid_fields: set[str]
) -> None:
    merged = {**defaults, **{key: value for key, value in raw.items() if key not in invalid_fields}}
    for key in (*MERGED, "alerts"):
        if isinstance(defaults.get(key), dict) and isinstance(raw.get(key), dict) and key not in invalid_fields:
            merged[key] = {**defaults[key], **raw[key]}
    _drop_inapplicable(merged, raw, invalid_fields)
    for _ in range(2):
        if "command" in invalid_fields:
            merged["command"] = ["?"]
        try:
            job = JobSpec.model_validate(
                merged, context=trigger_fields.SKIP_CROSS_FIELD_CHECKS, by_alias=True, by_name=False
            )
        except ValidationError as error:
            for path, problem in problems_of(error, JobSpec, source.document, ("jobs", name)):
                source.problems.append(problem)
                invalid_fields.add(str(path[0]) if path else "")
            merged = {key: value for key, value in merged.items() if key not in invalid_fields}
            continue
        at_fault = {"except_" if key == "except" else key for key in invalid_fields}
        for key, value, message, hint in job.faults(unknown=at_fault):
            place = [int(part) if part.isdigit() else part for part in key.split(".")]
            source.problems.append(source.document.problem(("jobs", name, *place), message, value=value, hint=hint))
            invalid_fields.add(str(place[0]))
        image = job.image or source.spec.image
        source.spec.jobs[name] = job.model_copy(update={"image": image})
        break
    source.invalid_fields.update((name, key) for key in invalid_fields)


def _drop_inapplicable(merged: dict[str, Any], raw: dict[str, Any], invalid_fields: set[str]) -> None:
    """Removes what a service's defaults say and this job cannot use; what the job says itself stays."""
    useless: list[str] = []
    if merged.get("schedule") is None and "schedule" not in invalid_fields:
        useless += _written(job_rules.NEED_SCHEDULE)
        if not (merged.get("after") or merged.get("after_all")) and not {"after", "after_all"} & invalid_fields:
            useless += _written(job_rules.NEED_TRIGGER)
            if merged.get("concurrency_policy") in trigger_fields.POLICIES_OF_TRIGGERS:
                useless.append("concurrency_policy")
    if str(merged.get("schedule")).startswith("rate("):
        useless += trigger_fields.NOT_FOR_RATES
    for name in useless:
        if name not in raw:
            merged.pop(name, None)
    if merged.get("concurrency_policy") != "queue" and "queue_limit" not in raw:
        merged.pop("queue_limit", None)
    volumes = merged.get("volumes")
    if "volumes" not in raw and isinstance(volumes, dict):
        used = set(_mounted(merged))
        merged["volumes"] = {name: volume for name, volume in volumes.items() if name in used}


def _mounted(job: dict[str, Any]) -> Iterator[Any]:
    """The volumes that a job's containers mount, as they are written."""
    beside = job.get("containers")
    for container in (job, *(beside.values() if isinstance(beside, dict) else ())):
        mounts = container.get("mounts") if isinstance(container, dict) else None
        for mount in mounts if isinstance(mounts, list) else ():
            yield mount.get("volume") if isinstance(mount, dict) else None


def _written(names: Iterable[str]) -> Iterator[str]:
    return (written(name, JobSpec.model_fields[name]) for name in names)
