"""A Python function on Lambda: its log group, which ends what it keeps; its role; its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.constructs._terraform.aws import (
    IamRolePolicy,
    LambdaFunction,
    LambdaFunctionDeadLetterConfig,
    LambdaFunctionEnvironment,
)
from batchtab.constructs._terraform.expressions import as_map, as_number
from batchtab.constructs._terraform.package import code
from batchtab.constructs._terraform.policies import grants, policy, service_trust
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource
from batchtab.constructs._terraform.roles import RoleSettings

_RUNTIME = "python3.13"
_ARCHITECTURE = "arm64"  # cheaper, and the code is Python only


@dataclass(frozen=True)
class PythonFunction:
    """What was made."""

    function: ResourceRef
    role: ResourceRef
    role_policy: ResourceRef


def python_function(
    scope: BatchtabConstruct,
    *,
    name: str,
    package: str,
    description: str,
    environment: Mapping[str, Any],
    may: Sequence[tuple[Sequence[str], Any]],
    timeout_seconds: int,
    memory_mib: int,
    kms_key_arn: str | None,
    roles: RoleSettings,
    log_group: ResourceRef,
    tags: Any,
    dead_letter_queue_arn: str | None = None,
    reserved_concurrent_executions: Any = None,
) -> PythonFunction:
    """Makes the function `lambda/<package>`, with the entry `handler.lambda_handler`.

    Args:
        scope: The construct that it belongs to.
        name: The function's and its role's name.
        package: The folder below `lambda/`.
        description: What the function is for.
        environment: Its variables; no secrets, since they are in the state and the console.
        may: Actions and the resources of each, beside writing its log.
        timeout_seconds: For one event.
        memory_mib: Its memory, and with it its share of a CPU.
        kms_key_arn: Encrypts the environment.
        roles: How the role is named, and its boundary.
        log_group: Its log group; made before, because the function would make one that keeps all.
        tags: On everything.
        dead_letter_queue_arn: Where Lambda puts an event that failed for the last time.
        reserved_concurrent_executions: The maximum number at once; taken from what the account may run.
    """
    role = roles.role(scope, "role", name, service_trust("lambda.amazonaws.com"))
    own_log = (["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group['arn']}:*"])
    role_policy = create_resource(
        scope,
        IamRolePolicy,
        "role_policy",
        name=package.replace("_", "-"),
        role=role["id"],
        policy=policy(grants([own_log, *may])),
    )
    variables = {key: value for key, value in environment.items() if value != ""}
    file = code(scope, package)
    function = create_resource(
        scope,
        LambdaFunction,
        "function",
        function_name=name,
        description=description,
        role=role["arn"],
        runtime=_RUNTIME,
        architectures=[_ARCHITECTURE],
        handler=f"{package}.handler.lambda_handler",
        filename=file.filename,
        source_code_hash=file.source_code_hash,
        timeout=timeout_seconds,
        memory_size=memory_mib,
        reserved_concurrent_executions=as_number(reserved_concurrent_executions),
        environment=LambdaFunctionEnvironment(variables=variables) if variables else None,
        kms_key_arn=kms_key_arn,
        dead_letter_config=(
            None if dead_letter_queue_arn is None else LambdaFunctionDeadLetterConfig(target_arn=dead_letter_queue_arn)
        ),
        tags=as_map(tags),
        # Without its log group the function would make one that never ends; without its policy Lambda refuses the
        # dead-letter queue.
        depends_on=[log_group.address, role_policy.address],
    )
    return PythonFunction(function, role, role_policy)
