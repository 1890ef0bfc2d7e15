"""`--explain`: the `aws` command that does the same."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from batchtab.terraform.session import Session

ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Print the equivalent aws command; change nothing and show nothing else.")
]
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def aws_command(session: Session, service: str, operation: str, arguments: Mapping[str, Any]) -> str:
    """A call as a line for a shell.

    Args:
        session: Its stage's region, and the address of its local AWS.
        service: As the AWS CLI names it, such as `batch`.
        operation: Likewise, such as `submit-job`.
        arguments: As boto3 takes them; what is no text or number is written as JSON.
    """
    words = ["aws", service, operation, "--region", session.catalog.stage.region]
    if session.endpoint_url:
        words += ["--endpoint-url", session.endpoint_url]
    for name, value in arguments.items():
        option = f"--{_WORDS.sub('-', name).lower()}"
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
            continue
        text = value.isoformat() if isinstance(value, datetime) else value
        words += [option, text if isinstance(text, str) else json.dumps(text, separators=(",", ":"))]
    return shlex.join(words)


def invoke_command(session: Session, payload: str) -> str:
    """An event for the stage's submit function, as a line for a shell."""
    function = f"{session.catalog.stage.prefix}-submit-run"
    given = {"functionName": function, "payload": payload, "cliBinaryFormat": "raw-in-base64-out"}
    return f"{aws_command(session, 'lambda', 'invoke', given)} /dev/stdout"
