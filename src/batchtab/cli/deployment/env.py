"""`batchtab env`: the variables with which a person uses cdktf, Terraform and the AWS CLI on a stage."""

from __future__ import annotations

import shlex

import typer

from batchtab.cli.options import StageOption
from batchtab.terraform.session import Session


def env(stage: StageOption = "local") -> None:
    """Print environment variables for terraform, cdktf and aws: eval "$(batchtab env)".

    The stage and its region, and PATH with the project's own programs; of a local stage also the address and keys of
    local AWS.
    """
    session = Session.open(stage)
    if session.endpoint_url:  # they would be sent to local AWS, or win over its keys
        typer.echo("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in session.variables().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    typer.echo(f'export PATH={shlex.quote(str(session.state / "bin"))}:"$PATH"')  # Node and cdktf
