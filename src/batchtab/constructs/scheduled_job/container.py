"""A job's container properties, as the JSON that a job definition takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.constructs._terraform.documents import Conditional, document
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    not_empty,
    number_text,
)


def properties(
    *,
    image: str,
    command: Any,
    vcpus: Any,
    memory_mib: Any,
    environment: Any,
    own_environment: Sequence[Conditional],
    secrets: Any,
    job_role_arn: Any,
    execution_role_arn: Any,
    has_execution_role: Condition,
    log_group_name: Any,
    log_stream_prefix: str,
    read_only_root_filesystem: Any,
    on_fargate: Condition,
    ephemeral_storage_gib: Any,
    assign_public_ip: Any,
) -> str:
    """The document, with nothing that Batch would leave out of its answer.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
    """
    public_ip = choose(assign_public_ip, "ENABLED", "DISABLED")
    return document(
        {
            "image": image,
            "command": command if is_expression(command) else [literal(part) for part in command],
            "jobRoleArn": job_role_arn,
            "executionRoleArn": Conditional(has_execution_role, execution_role_arn),
            "resourceRequirements": [
                {"type": "VCPU", "value": _text(vcpus)},
                {"type": "MEMORY", "value": _text(memory_mib)},
            ],
            "environment": Conditional(
                any_of(not_empty(environment), *(own.condition for own in own_environment)),
                _pairs(_with(environment, own_environment), "value", escape=True),
            ),
            "secrets": Conditional(not_empty(secrets), _pairs(secrets, "valueFrom", escape=False)),
            "readonlyRootFilesystem": read_only_root_filesystem,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": log_group_name, "awslogs-stream-prefix": log_stream_prefix},
            },
            "fargatePlatformConfiguration": Conditional(on_fargate, {"platformVersion": "LATEST"}),
            "networkConfiguration": Conditional(on_fargate, {"assignPublicIp": public_ip}),
            "ephemeralStorage": Conditional(
                all_of(on_fargate, is_set(ephemeral_storage_gib)), {"sizeInGiB": ephemeral_storage_gib}
            ),
        }
    )


def _with(environment: Any, own: Sequence[Conditional]) -> Any:
    """The job's variables and, where they apply, those of its policies."""
    own = [variables for variables in own if variables.condition is not False]
    if not is_expression(environment) and all(variables.condition is True for variables in own):
        return {**(environment or {}), **{key: value for variables in own for key, value in variables.value.items()}}
    extra = (f"{{ for k, v in {hcl(variables.value)} : k => v if {hcl(variables.condition)} }}" for variables in own)
    return Expression.of(f"merge({', '.join([hcl(environment or {}), *extra])})")


def _text(number: Any) -> str:
    """A number as text, as Batch wants it: `0.25`."""
    return Expression.of(f"tostring({hcl(number)})") if is_expression(number) else number_text(number)


def _pairs(mapping: Any, value: str, *, escape: bool) -> Any:
    """A map as the list of pairs that Batch keeps, in the order of the names."""
    if is_expression(mapping):
        return Expression.of(
            f'[for name in sort(keys({hcl(mapping)})) : {{ "name" = name, "{value}" = {hcl(mapping)}[name] }}]'
        )
    known: Mapping[str, str] = mapping or {}
    return [{"name": name, value: literal(known[name]) if escape else known[name]} for name in sorted(known)]
