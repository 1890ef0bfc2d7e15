from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import secretsmanager, ssm

from batchtab.local_aws.batch.job import Job


class SecretError(Exception):
    """A secret that a job's definition names cannot be had."""


def resolve(job: Job) -> dict[str, str]:
    """Return a job's secrets by variable, from the parameters and secrets of local AWS.

    Raises:
        SecretError: One of them does not exist; its name is told, never a value.
    """
    values = {}
    with request_scope(job.account_id, job.region):
        for entry in job.record["container"].get("secrets") or []:
            reference = entry["valueFrom"]
            if ":secretsmanager:" in reference:
                values[entry["name"]] = _secret(reference)
            else:
                values[entry["name"]] = _parameter(reference)
    return values


def _parameter(reference: str) -> str:
    name = reference.partition(":parameter/")[2] if reference.startswith("arn:") else reference
    # An ARN does not tell whether the name starts with a slash.
    for candidate in (name, f"/{name}"):
        status, _, body = ssm._get_parameter({"Name": candidate, "WithDecryption": True})
        if status == 200:
            return str(json.loads(body)["Parameter"]["Value"])
    raise SecretError(f"unable to fetch secrets from ssm: invalid ssm parameter: {reference}")


def _secret(reference: str) -> str:
    # arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]
    parts = reference.split(":")
    request: dict[str, Any] = {"SecretId": ":".join(parts[:7])}
    key, stage, version = [*parts[7:10], "", "", ""][:3]
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    status, _, body = secretsmanager._get_secret_value(request)
    if status != 200:
        raise SecretError(f"unable to retrieve secret from asm: {reference}: {json.loads(body).get('message', '')}")
    text = json.loads(body).get("SecretString")
    if text is None:
        raise SecretError(f"unable to retrieve secret from asm: {reference} holds no SecretString")
    if not key:
        return str(text)
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SecretError(f"retrieved secret from asm: {reference} has no key {key}") from error
    return value if isinstance(value, str) else json.dumps(value)
