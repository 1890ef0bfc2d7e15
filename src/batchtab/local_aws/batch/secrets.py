from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import kms, secretsmanager, ssm

from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.roles import RoleError, TaskRoles

_SSM = "unable to fetch secrets from ssm"
_REGISTRY = "unable to get registry auth from asm"
_ASM = "unable to retrieve secret from asm"


class SecretError(Exception):
    """A secret that a job's definition names cannot be had."""


def resolve(given: list[dict[str, str]], job: Job, roles: TaskRoles) -> dict[str, str]:
    """Return secrets by variable, from the parameters and secrets of local AWS.

    Args:
        given: `secrets` of a container, or `secretOptions` of its log.
        job: The job.
        roles: Its roles, one of which has to be allowed to read them.

    Raises:
        SecretError: One of them does not exist; the message has its name, never a value.
        RoleError: One of them may not be read.
    """
    values = {}
    with request_scope(job.account_id, job.region):
        for entry in given:
            reference = entry["valueFrom"]
            if ":secretsmanager:" in reference:
                values[entry["name"]] = _secret(reference, roles)
            else:
                values[entry["name"]] = _parameter(reference, job, roles)
    return values


def check_credentials(credentials: dict[str, str], job: Job, roles: TaskRoles) -> None:
    """Refuse a registry's credentials that can't be had, though no image is pulled here.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html

    Raises:
        SecretError: They do not exist, or have no user name and password.
        RoleError: They may not be read.
    """
    reference = credentials["credentialsParameter"]
    with request_scope(job.account_id, job.region):
        try:
            found = json.loads(_secret(reference, roles))
        except (SecretError, RoleError) as error:
            raise type(error)(f"{_REGISTRY}: {error}") from error
        except ValueError:
            found = None
    if not isinstance(found, dict) or not {"username", "password"} <= found.keys():
        raise SecretError(f"{_REGISTRY}: {reference} is no JSON with username and password")


def _parameter(reference: str, job: Job, roles: TaskRoles) -> str:
    name = reference.partition(":parameter/")[2] if reference.startswith("arn:") else reference.lstrip("/")
    arn = f"arn:aws:ssm:{job.region}:{job.account_id}:parameter/{name}"
    _check(roles, "ssm:GetParameters", reference if reference.startswith("arn:") else arn, _SSM)
    # An ARN does not say whether the name starts with a slash.
    for candidate in (name, f"/{name}"):
        status, _, body = ssm._get_parameter({"Name": candidate, "WithDecryption": True})
        if status == 200:
            found = json.loads(body)["Parameter"]
            _check_key(roles, (ssm._parameters.get(found["Name"]) or {}).get("KeyId"), "ssm", _SSM)
            return str(found["Value"])
    raise SecretError(f"{_SSM}: invalid ssm parameter: {reference}")


def _secret(reference: str, roles: TaskRoles) -> str:
    # arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]
    parts = reference.split(":")
    request: dict[str, Any] = {"SecretId": ":".join(parts[:7])}
    key, stage, version = [*parts[7:10], "", "", ""][:3]
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    status, _, body = secretsmanager._get_secret_value(request)
    answer = json.loads(body)
    arn = answer.get("ARN", request["SecretId"])  # a reference may lack the six characters at the end of the ARN
    _check(roles, "secretsmanager:GetSecretValue", arn, f"{_ASM}: failed to fetch secret {arn} from secrets manager")
    if status != 200:
        raise SecretError(f"{_ASM}: {reference}: {answer.get('message', '')}")
    record = secretsmanager._secrets.get(answer["Name"]) or {}
    _check_key(roles, record.get("KmsKeyId"), "secretsmanager", _ASM)
    text = answer.get("SecretString")
    if text is None:
        raise SecretError(f"{_ASM}: {reference} has no SecretString")
    if not key:
        return str(text)
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SecretError(f"retrieved secret from asm: {reference} has no key {key}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _check(roles: TaskRoles, action: str, resource: str, what: str, **context: str) -> None:
    try:
        roles.check(action, resource, context)
    except RoleError as error:
        raise RoleError(f"{what}: {error}") from error


def _check_key(roles: TaskRoles, key_id: str | None, service: str, what: str) -> None:
    """Refuse a secret under a key of the customer's that the role may not use; AWS's own keys serve whole accounts."""
    key = kms._resolve_key(key_id)
    if key is None or (key_id or "").startswith("alias/aws/"):
        return
    context = {
        "kms:ViaService": f"{service}.{roles.job.region}.amazonaws.com",
        "kms:CallerAccount": roles.job.account_id,
    }
    _check(roles, "kms:Decrypt", key["Arn"], what, **context)
