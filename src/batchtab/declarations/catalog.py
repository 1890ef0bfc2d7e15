"""The stages and the services together, with the checks that need both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from pathlib import Path

from batchtab import limits
from batchtab.declarations import chain, instance_sizes, job_rules, one_account, sizes, tag_rules
from batchtab.declarations import queue as queue_fields
from batchtab.declarations.diagnostics import STAGES as _STAGES
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.job import JobSpec
from batchtab.declarations.service import FILE_NAME, ServiceSpec, Source, read_services
from batchtab.declarations.stage import StageConfig, read_stage
from batchtab.declarations.yaml_file import Document, Key
from batchtab.errors import did_you_mean, listed

Fault = tuple[str, object, str, str]  # field, value, message, hint
_CIRCLE_MAX = 12  # jobs of a circle that are named


@dataclass(frozen=True, slots=True)
class Catalog:
    """One stage and the services that are deployed in it, with the files that say so."""

    stage: StageConfig
    services: list[ServiceSpec]
    sources: Sequence[Source] = attribute(default=(), repr=False, compare=False)
    document: Document | None = attribute(default=None, repr=False, compare=False)

    def job_definition_name(self, service: str, job: str) -> str:
        """The physical name, `<namespace>-<stage>-<service>-<job>`; a submitted job is called `<service>-<job>`."""
        return f"{self.stage.prefix}-{service}-{job}"

    def job_queue_name(self, queue: str) -> str:
        """The physical name of a queue, `<namespace>-<stage>-<queue>`."""
        return f"{self.stage.prefix}-{queue}"


def load(stage_name: str, root: Path = Path()) -> Catalog:
    """One stage and its services, checked against each other.

    Raises:
        UsageError: All faults of the stage's file, of all job files, and of the two together.
    """
    return load_all(root, [stage_name])[0]


def load_all(root: Path = Path(), stage_names: Sequence[str] | None = None) -> list[Catalog]:
    """Several stages, by default all in `config/`, each with its services.

    Raises:
        UsageError: All faults of everything.
    """
    sources, problems = read_services(root / "jobs")
    known = sorted(path.stem for path in (root / "config").glob("*.yaml"))
    if not known:
        hint = "a stage is a file config/<stage>.yaml; --root names the project's folder"
        problems.append(Diagnostic((root / "config").as_posix(), None, "", "", None, "has no stage", hint))
    catalogs = []
    of_stages: dict[str, tuple[Diagnostic, list[str]]] = {}  # one line for a fault that several stages share
    seen: set[tuple[str, ...]] = set()  # services that have been checked against each other, for another stage
    for name in known if stage_names is None else stage_names:
        path = root / "config" / f"{name}.yaml"
        if name not in known:
            if known:
                text = f"does not exist: the stages are {listed(known)}"
                problems.append(Diagnostic(path.as_posix(), None, "", "", None, text, did_you_mean(name, known)))
            continue
        stage, document, found, invalid_fields = read_stage(path)
        problems.extend(found)
        if stage is None:
            continue
        problems.extend(_stage_problems(stage, document, invalid_fields, sources, root))
        chosen = [s for s in sources if stage.jobs is None or "jobs" in invalid_fields or s.spec.service in stage.jobs]
        catalog = Catalog(stage, [source.spec for source in chosen], chosen, document)
        for source in chosen:
            for problem in _service_problems(catalog, source, invalid_fields):
                of_stages.setdefault(str(problem), (problem, []))[1].append(name)
        together = tuple(source.document.file for source in chosen)
        if together not in seen:
            seen.add(together)
            problems.extend(_same_names(chosen))
            problems.extend(_chain_problems(chosen, _is_unread(sources, root)))
        catalogs.append(catalog)
    problems.extend(one_account.problems(root, known, {catalog.stage.name for catalog in catalogs}))
    for problem, names in of_stages.values():
        stages = f"stage{'s' if len(names) > 1 else ''} {listed(names)}"
        problems.append(replace(problem, message=problem.message.replace(_STAGES, stages)))
    if problems:
        raise Diagnostics(problems)
    return catalogs


def _stage_problems(
    stage: StageConfig, document: Document, invalid_fields: set[str], sources: list[Source], root: Path
) -> Iterator[Diagnostic]:
    services = [source.spec.service for source in sources]
    for index, name in enumerate(stage.jobs or ()):
        if name not in services and not _is_unread(sources, root) and "jobs" not in invalid_fields:
            text, hint = f"is not a service: {listed(services)}", did_you_mean(name, services)
            yield document.problem(("jobs", index), text, value=name, hint=hint)
    for repository, entry in stage.local.images.items() if stage.local else ():
        folder = entry if isinstance(entry, str) else entry.folder
        if not (root / folder).is_dir():
            yield document.problem(("local", "images", repository), "is not a folder", value=folder)
    for queue in stage.environment.queues:
        name = f"{stage.prefix}-{queue}"
        if len(name) > limits.QUEUE_NAME_MAX and not invalid_fields & {"environment", "namespace"}:
            yield document.problem(("environment", "queues", queue), queue_fields.long_name(len(name)))
    boundary = stage.permissions_boundary_arn
    if boundary and boundary.split(":")[4] not in {stage.account_id, "aws"}:
        text = f"belongs to another account than the stage, {stage.account_id}, and IAM takes no boundary from there"
        if not invalid_fields & {"permissions_boundary_arn", "account_id"}:
            yield document.problem(("permissions_boundary_arn",), text, value=boundary)
    if "tags" not in invalid_fields:
        yield from tag_rules.stage_problems(stage, document)
    subnets = len(stage.network.subnet_ids)
    if any(each.is_fargate for each in stage.compute_environments.values()) and subnets > limits.FARGATE_SUBNETS_MAX:
        text = f"has {subnets} subnets: at most {limits.FARGATE_SUBNETS_MAX} on Fargate"
        yield document.problem(("network", "subnet_ids"), text)


def _is_unread(sources: list[Source], root: Path) -> bool:
    """Whether a file can't be read: it has a line of its own, and its service may be the one that seems unknown."""
    read = {Path(source.document.file).parent.name for source in sources}
    return bool({path.parent.name for path in (root / "jobs").glob(f"*/{FILE_NAME}")} - read)


def _service_problems(catalog: Catalog, source: Source, invalid_fields: set[str]) -> Iterator[Diagnostic]:
    if not catalog.stage.alerts.quiet and "alerts" not in invalid_fields:
        yield from _unquiet_problems(source)
    yield from _late_problems(source)
    yield from sizes.problems(catalog.stage, source)
    if "tags" not in invalid_fields:
        yield from tag_rules.job_problems(catalog.stage, source)
    for name, job in source.spec.jobs.items():
        for field, value, message, hint in _job_faults(catalog, source.spec.service, name, job, invalid_fields):
            if (name, field) not in source.invalid_fields:
                path = ("jobs", name, *field.split(".")) if field else ("jobs", name)
                yield source.document.problem(path, message, value=value, hint=hint)


def _late_problems(source: Source) -> Iterator[Diagnostic]:
    """Jobs without a schedule that say how late they may be; their service may say so for those that have one."""
    for name, job in source.spec.jobs.items():
        own = source.document.data["jobs"][name].get("alerts")
        given = own.get("late_after_seconds") if isinstance(own, dict) else None
        if (
            given is not None
            and job.schedule is None
            and not {(name, "schedule"), (name, "alerts")} & source.invalid_fields
        ):
            path = ("jobs", name, "alerts", "late_after_seconds")
            yield source.document.problem(
                path, "has no effect: the job has no schedule", value=given, hint="leave it out"
            )


def _unquiet_problems(source: Source) -> Iterator[Diagnostic]:
    """What says where alerts go, in a stage with alerts that are not quiet."""
    of_service = source.spec.alerts
    paths: list[tuple[str, ...]] = [] if of_service.is_empty else [("alerts",)]
    paths += [("jobs", name, "alerts") for name, job in source.spec.jobs.items() if job.alerts != of_service]
    for path in paths:
        text = f"has no effect: {_STAGES} has no quiet alerts, which a job's alerts need"
        yield source.document.problem(path, text, hint="alerts: {quiet: true} in the stage's file")


def _same_names(sources: list[Source]) -> Iterator[Diagnostic]:
    """Job `c` of service `a-b` and job `b-c` of service `a` would be one job definition; some names are the alerts'."""
    first: dict[str, tuple[str, str]] = {}
    for source in sources:
        addresses: dict[str, str] = {}
        for job in source.spec.jobs:
            service = source.spec.service
            twin = addresses.setdefault(re.sub(r"[^A-Za-z0-9]", "_", job), job)
            if twin != job:
                text = f"differs from job {twin} in punctuation only, and Terraform's addresses have none"
                yield source.document.problem(("jobs", job), text, hint="give one of the two another name")
            if refusal := limits.RESERVED_JOB_NAME.refusal(f"{service}-{job}"):
                text = f"has the full name {service}-{job}, which {refusal}"
                yield source.document.problem(("jobs", job), text, hint=limits.RESERVED_JOB_NAME.hint)
            other = first.setdefault(f"{service}-{job}", (service, job))
            if other != (service, job) and other[0] != service:
                text = f"has the same full name as job {other[1]} of service {other[0]}: {service}-{job}"
                yield source.document.problem(("jobs", job), text, hint="give one of the two another name")


def _chain_problems(sources: list[Source], is_unread: bool) -> Iterator[Diagnostic]:
    """Names in `after` and `after_all` that are no job of the stage, the same job twice in `after_all`, and circles."""
    services = {source.spec.service for source in sources}
    jobs = dict.fromkeys((source.spec.service, name) for source in sources for name in source.spec.jobs)
    known = chain.Known(jobs)
    before: dict[chain.JobName, list[chain.JobName]] = {}
    where: dict[chain.JobName, Source] = {}
    for source in sorted(sources, key=lambda each: each.document.file):  # as they are shown: the first have hints
        service = source.spec.service
        for name, job in source.spec.jobs.items():
            where[service, name] = source
            before[service, name] = [chain.resolve(service, reference) for reference in job.upstream]
            for field, references in (("after", job.after), ("after_all", job.after_all)):
                for index, message, hint in known.unknown(service, references):
                    if is_unread and chain.resolve(service, references[index])[0] not in services:
                        continue
                    is_list = isinstance(source.document.data["jobs"][name][field], list)
                    path: Key = ("jobs", name, field, index) if is_list else ("jobs", name, field)
                    yield source.document.problem(path, message, value=references[index], hint=hint)
            for index, message in chain.doubles(service, job.after_all):
                if before[service, name][index] in jobs:  # else it is no job, which has its own line
                    path = ("jobs", name, "after_all", index)
                    yield source.document.problem(path, message, value=job.after_all[index], hint="leave it out")
    for circle in chain.circles(before):
        service, name = circle[0]
        names = [job if other == service else f"{other}/{job}" for other, job in circle]
        left_out = [f"… ({len(names) - _CIRCLE_MAX} more)"] if len(names) > _CIRCLE_MAX else []
        steps = " → ".join([*names[:_CIRCLE_MAX], *left_out, name])
        source = where[service, name]
        field = "after_all" if source.spec.jobs[name].after_all else "after"
        yield source.document.problem(("jobs", name, field), f"goes in a circle: {steps}")


def _job_faults(catalog: Catalog, service: str, name: str, job: JobSpec, invalid_fields: set[str]) -> Iterator[Fault]:
    stage = catalog.stage
    full = catalog.job_definition_name(service, name)
    if len(full) > limits.JOB_NAME_MAX:
        yield (
            "",
            None,
            f"has the full name {full} of {len(full)} characters: at most {limits.JOB_NAME_MAX}",
            "shorten it",
        )
    if job.image is None and stage.runner_image is None and "runner_image" not in invalid_fields:
        yield "image", None, f"is missing, and {_STAGES} has no runner_image", "name an image, or give the stage one"
    if "environment" not in invalid_fields:
        queues = stage.environment.queues
        if job.queue not in queues:
            text = f"is not a queue of {_STAGES}: {listed(queues)}"
            yield "queue", job.queue, text, did_you_mean(job.queue, queues)
        else:
            shares = queues[job.queue].scheduling_policy is not None
            yield from job_rules.share_faults(job, f"{job.queue} of {_STAGES}", shares=shares)
        yield from size_faults(stage, job, _STAGES)
    if "account_id" not in invalid_fields and not stage.is_local:
        yield from _account_faults(stage, job)


def size_faults(stage: StageConfig, job: JobSpec, where: str) -> Iterator[Fault]:
    """What a job needs and its queue does not have.

    Args:
        stage: The stage.
        job: The job.
        where: How a message names the stage.
    """
    kinds = {each.is_fargate for each in stage.environments_of(job.queue).values()}
    if len(kinds) != 1:  # the queue is not known, and with it what its jobs run on
        return
    found = list(job_rules.capacity_faults(job, stage.capacity_of(job.queue), where))
    yield from found
    if "vcpus" not in {field for field, *_ in found}:
        yield from _width_faults(stage, job, where)


def _width_faults(stage: StageConfig, job: JobSpec, where: str) -> Iterator[Fault]:
    """A job that fits into none of its queue's environments."""
    environments = stage.environments_of(job.queue).values()
    most = max(each.max_vcpus for each in environments)
    if job.nodes is not None and any(each.capacity == "SPOT" for each in [*environments][1:]):
        yield "nodes", job.nodes, f"is only for EC2 without Spot, which queue {job.queue} tries too ({where})", ""
    if job.total_vcpus > most:
        if job.nodes is None:
            yield "vcpus", job.task_vcpus, f"is more than max_vcpus of {where}: {most}", ""
        else:
            text = f"need {job.total_vcpus:g} vCPUs at once, more than max_vcpus of {where}: {most}"
            yield "nodes", job.nodes, text, ""
        return
    types = [name for each in environments if not each.is_fargate for name in each.instance_types]
    if found := instance_sizes.refusal(types, job.task_vcpus, job.task_memory_mib):
        field, text = found
        yield field, getattr(job, f"task_{field}"), f"{text} ({where})", "other instance_types, or a smaller job"


def _account_faults(stage: StageConfig, job: JobSpec) -> Iterator[Fault]:
    """What is known to fail: Batch can't pass another account's role, nor ECS read another account's parameter."""
    references = {"job_role_arn": job.job_role_arn, "execution_role_arn": job.execution_role_arn}
    references |= {f"secrets.{name}": value for name, value in job.secrets.items() if ":ssm:" in value}
    for name, each in job.containers.items():
        references |= {f"containers.{name}.secrets.{k}": v for k, v in each.secrets.items() if ":ssm:" in v}
    for field, arn in references.items():
        account = arn.split(":")[4] if arn else stage.account_id
        if account != stage.account_id:
            hint = f"write {arn.split(':parameter', 1)[1]}: each stage reads its own" if arn and ":ssm:" in arn else ""
            yield field, arn, f"belongs to account {account}, and the account of {_STAGES} is {stage.account_id}", hint
