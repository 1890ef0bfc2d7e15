"""What AWS would refuse of a job for its size, before anything is deployed: as much of it as the files say.

What AWS adds by itself (ARNs of roles, its own variables) is not counted, so nothing is refused that AWS takes.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab import limits
from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.job import JobSpec
from batchtab.declarations.other_words import COMING
from batchtab.declarations.service import Source
from batchtab.declarations.stage import StageConfig
from batchtab.errors import did_you_mean

Fault = tuple[tuple[str | int, ...], object, str, str]  # path in the job, value, message, hint
REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
#: Said of a reference in a command.
NO_PARAMETER = "and there is no parameter of that name: the job would get just these letters"
_ELSEWHERE = "keep what is large in the image, in S3 or in a parameter that the job reads"
_MOMENT, _ID = "2026-12-31T00:00:00Z", "00000000-0000-0000-0000-000000000000"  # as long as all of them are


def problems(stage: StageConfig, source: Source) -> Iterator[Diagnostic]:
    """What is too large in a service's jobs, or refers to a parameter that is not there."""
    at_fault: dict[str, set[str]] = defaultdict(set)
    for name, field in source.invalid_fields:
        at_fault[name].add(field)
    for name, job in source.spec.jobs.items():
        bad = at_fault[name]
        if "command" not in bad and "parameters" not in bad:
            yield from _written(source, name, _reference_faults(job))
        if not bad & {"command", "parameters", "environment", "secrets", "tags", "job_role_arn", "permissions"}:
            yield from _written(source, name, _size_faults(stage, source.spec.service, name, job))


def definition(stage: StageConfig, service: str, name: str, job: JobSpec) -> dict[str, Any]:
    """What is known of a job's definition, as it is registered.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
    """
    container = {
        "command": [*job.command],
        "environment": _pairs(job.environment, "value"),
        "image": str(job.image or stage.runner_image),
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-stream-prefix": f"{service}-{name}"}},
        "resourceRequirements": [
            {"type": "VCPU", "value": f"{job.vcpus:g}"},
            {"type": "MEMORY", "value": str(job.memory_mib)},
        ],
        # As they are called here: Batch's own names are about as long.
        "other": job.model_dump(mode="json", include={*COMING}, exclude_defaults=True, exclude_none=True),
        "secrets": _pairs({key: stage.secret_arn(value) for key, value in job.secrets.items()}, "valueFrom"),
    }
    return {
        "containerProperties": {key: value for key, value in container.items() if value},
        "jobDefinitionName": f"{stage.prefix}-{service}-{name}",
        "parameters": dict(job.parameters),
        "tags": {**stage.tags, **job.tags},
        "type": "container",
    }


def run_variables(service: str, name: str, job: JobSpec) -> list[dict[str, str]]:
    """The variables of one run, which are overrides of its container."""
    run = f"{service}-{name}"
    values = {limits.RUN_VARIABLES["run_id"]: f"{run}@{_MOMENT}", limits.RUN_VARIABLES["scheduled_time"]: _MOMENT}
    if job.upstream:
        values |= {limits.RUN_VARIABLES["run_id"]: f"{run}@{_ID}", limits.UPSTREAM_JOB_ID_VARIABLE: _ID}
    return _pairs(values, "value")


def _written(source: Source, name: str, faults: Iterator[Fault]) -> Iterator[Diagnostic]:
    own = source.document.data["jobs"][name]
    for path, value, message, hint in faults:
        place = ("jobs", name) if path[0] in own else ("defaults",)
        yield source.document.problem((*place, *path), message, value=value, hint=hint)


def _reference_faults(job: JobSpec) -> Iterator[Fault]:
    for index, word in enumerate(job.command):
        for reference in sorted({*REFERENCE.findall(word)} - {*job.parameters}):
            text = f"has Ref::{reference}, {NO_PARAMETER}"
            hint = did_you_mean(reference, job.parameters) or f"write parameters: {{{reference}: …}}"
            yield ("command", index), None, text, hint


def _size_faults(stage: StageConfig, service: str, name: str, job: JobSpec) -> Iterator[Fault]:
    registered = definition(stage, service, name, job)
    yield from _policy_faults(stage, job)
    size = _bytes(registered)
    if size > limits.JOB_DEFINITION_PAYLOAD_BYTES:
        text = f"makes a job definition of {size:,} bytes: at most {limits.JOB_DEFINITION_PAYLOAD_BYTES:,}"
        yield (_largest(job),), None, text, _ELSEWHERE
        return
    variables = run_variables(service, name, job)
    overrides: dict[str, Any] = {"name": "default", "environment": variables}
    command = [REFERENCE.sub(lambda found: job.parameters.get(found[1], found[0]), word) for word in job.command]
    if command != [*job.command]:
        overrides["command"] = command  # Batch hands on as an override what it has changed
        length = len(_json({"containerOverrides": [overrides]}))
        if length > limits.OVERRIDES_CHARACTERS:
            text = f"makes overrides of {length:,} characters, with its parameters in place and the run's variables"
            yield ("command",), None, f"{text}: at most {limits.OVERRIDES_CHARACTERS:,}", _ELSEWHERE
            return
    registered["containerProperties"]["command"] = command
    size = _bytes(registered) + _bytes({"containerOverrides": {"environment": variables}})
    if size > limits.SUBMIT_JOB_PAYLOAD_BYTES:
        text = (
            f"makes a job of {size:,} bytes with its parameters in place: at most {limits.SUBMIT_JOB_PAYLOAD_BYTES:,}"
        )
        yield (_largest(job),), None, text, _ELSEWHERE


def _policy_faults(stage: StageConfig, job: JobSpec) -> Iterator[Fault]:
    """The policies of the roles that are made for a job: IAM limits their length, white space not counted."""
    allowed = [
        {"Action": [*each.actions], "Effect": "Allow", "Resource": [*each.resources]} for each in job.permissions
    ]
    read = {"Resource": sorted({stage.secret_arn(value) for value in job.secrets.values()})}
    for field, statements, role, supplied in (
        ("permissions", allowed, "job", job.job_role_arn),
        ("secrets", [read], "execution", job.execution_role_arn),
    ):
        length = len(_json({"Statement": statements, "Version": "2012-10-17"}))
        if supplied is None and length > limits.ROLE_POLICIES_CHARACTERS:
            text = f"makes a policy of {length:,} characters: at most {limits.ROLE_POLICIES_CHARACTERS:,} in a role"
            hint = f"name what many ARNs begin with, or bring a role with {role}_role_arn"
            yield (field,), None, text, hint


def _largest(job: JobSpec) -> str:
    """The field that has most of a job's bytes."""
    fields = ("command", "environment", "secrets", "parameters", "tags")
    return max(fields, key=lambda field: len(_json(getattr(job, field))))


def _pairs(values: Mapping[str, str], value: str) -> list[dict[str, str]]:
    return [{"name": name, value: values[name]} for name in sorted(values)]


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _bytes(content: object) -> int:
    return len(_json(content).encode(errors="replace"))
