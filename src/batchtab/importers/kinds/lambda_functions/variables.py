"""Variables of a function: plain ones, and those that CloudFormation reads from a store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.importers.dynamic_references import (
    IN_A_TEXT,
    IN_A_TEXT_TODO,
    Reference,
    has_reference,
    parameter,
    reference_in,
)
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.lambda_functions.template import is_open, why_open
from batchtab.importers.source_file import plain
from batchtab.importers.variables import carried_variables

_SERVERLESS_SSM = re.compile(r"\$\{ssm(?:\([^)]*\))?:([^,{}]+)\}")
_GET = "aws lambda get-function-configuration --query Environment shows it"


def settings(values: Mapping[str, Any], recorder: Recorder, field: str) -> dict[str, Any]:
    """`environment` and `secrets` of jobs.yaml, each variable recorded."""
    known, secrets = {}, {}
    for name, value in values.items():
        where = f"{field}.{name}"
        reference = _reference(value) if limits.ENVIRONMENT_NAME.refusal(str(name)) is None else None
        if reference is not None:
            recorder.changed(where, value, reference.how(str(name)), reference.todo)
            secrets[str(name)] = reference.secret
        elif has_reference(value):
            recorder.not_carried(where, value, IN_A_TEXT, IN_A_TEXT_TODO.format(name))
        elif is_open(value) or isinstance(value, (Mapping, list)):
            recorder.not_carried(where, plain(value), why_open(value), f"write environment.{name}; {_GET}")
        else:
            known[str(name)] = value
    found = {"environment": carried_variables(known, recorder, field), "secrets": secrets}
    return {key: value for key, value in found.items() if value}


def _reference(value: object) -> Reference | None:
    """A secret of jobs.yaml from `{{resolve:…}}` or `${ssm:…}`; None if it is none of them."""
    if not isinstance(value, str):
        return None
    if match := _SERVERLESS_SSM.fullmatch(value.strip()):
        return parameter(match[1].removesuffix("~true"))
    return reference_in(value)
