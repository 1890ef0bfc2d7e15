"""Variables of a function: plain ones, and those that CloudFormation reads from a store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.lambda_functions.template import is_open
from batchtab.importers.source_file import plain
from batchtab.importers.variables import carried_variables

_RESOLVE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")
_SERVERLESS_SSM = re.compile(r"\$\{ssm(?:\([^)]*\))?:([^,{}]+)\}")
_GET = "aws lambda get-function-configuration --query Environment shows it"


def settings(values: Mapping[str, Any], recorder: Recorder, field: str) -> dict[str, Any]:
    """`environment` and `secrets` of jobs.yaml, each variable recorded."""
    known, secrets = {}, {}
    for name, value in values.items():
        where = f"{field}.{name}"
        reference = _reference(value) if limits.ENVIRONMENT_NAME.refusal(str(name)) is None else ""
        if reference:
            recorder.changed(where, value, f"secrets.{name}: read at each start, not at deployment")
            secrets[str(name)] = reference
        elif is_open(value) or isinstance(value, (Mapping, list)):
            recorder.not_carried(
                where, plain(value), "only the deployed stack knows its value", f"write environment.{name}; {_GET}"
            )
        else:
            known[str(name)] = value
    found = {"environment": carried_variables(known, recorder, field), "secrets": secrets}
    return {key: value for key, value in found.items() if value}


def _reference(value: object) -> str:
    """A secret of jobs.yaml from `{{resolve:…}}` or `${ssm:…}`; empty if it is none of them."""
    if not isinstance(value, str):
        return ""
    if match := _SERVERLESS_SSM.fullmatch(value.strip()):
        return _ssm(match[1].removesuffix("~true"))
    match = _RESOLVE.fullmatch(value.strip())
    if match is None:
        return ""
    if match[1] != "secretsmanager":
        return _ssm(match[2])
    # {{resolve:secretsmanager:name-or-arn:SecretString:json-key:version-stage:version-id}}
    name, found, rest = match[2].partition(":SecretString")
    keys = rest.removeprefix(":").split(":") if found and rest else []
    suffix = ":" + ":".join([*keys, "", ""][:3]) if any(keys) else ""
    return f"{name}{suffix}" if name.startswith("arn:") else f"secretsmanager:{name}{suffix}"


def _ssm(text: str) -> str:
    """A parameter's name; its version is left out, since jobs.yaml reads the latest."""
    name = text.partition(":")[0].strip()
    return name if name.startswith("/") else f"ssm:{name}"
