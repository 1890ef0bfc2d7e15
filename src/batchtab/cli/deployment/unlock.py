"""`batchtab unlock`: removes the lock that a killed Terraform left on a stack's state."""

from __future__ import annotations

from typing import Annotated

import typer

from batchtab.aws import answers
from batchtab.cli.asking import confirm
from batchtab.cli.connection import connect
from batchtab.cli.options import StageOption
from batchtab.errors import UsageError, did_you_mean, listed
from batchtab.terraform.session import Session


def unlock(
    stack: Annotated[str, typer.Argument(help="The stack: network, environment or jobs-<service>.")],
    stage: StageOption = "local",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Remove a lock that a killed run left on a state. Shows whose lock it is and asks first."""
    session = Session.open(stage)
    if stack not in session.stacks():
        raise UsageError(
            f"unlock: '{stack}' is not a stack of stage {stage}: {listed(session.stacks())}",
            did_you_mean(stack, session.stacks()),
        )
    aws = connect(session)
    bucket = session.catalog.stage.state.bucket
    lock = aws.lock(bucket, session.catalog.stage.name, stack)
    if lock is None and aws.state(bucket, session.catalog.stage.name, stack) is None:
        raise answers.not_deployed(f"unlock: stack {stack} has no state")
    if lock is None:
        typer.echo(f"{stack}: not locked")
        return
    typer.echo(f"{stack}: locked since {lock.created} by {lock.who} ({lock.operation}, id {lock.id})")
    if not yes:
        confirm("Is that run gone? Remove its lock?", "unlock")
    aws.clear_lock(bucket, session.catalog.stage.name, stack)
    typer.echo(f"{stack}: unlocked")
