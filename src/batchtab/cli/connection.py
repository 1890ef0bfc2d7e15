"""AWS as a command reaches it."""

from __future__ import annotations

from pathlib import Path

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.cli.machine.daemon import Daemon
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


def connect(session: Session) -> Aws:
    """The AWS of a stage, once for each command. A stage that is not local is asked whose the credentials are.

    Raises:
        UsageError: the credentials are of another account than the stage's, or another project's local AWS answers on
            the stage's port.
    """
    refuse_foreign(session)
    stage = session.catalog.stage
    aws = Aws(stage.region, session.endpoint_url)
    answers.at(stage, aws)
    if not stage.is_local and (actual := aws.account_id()) != stage.account_id:
        raise answers.another_account(actual, stage)
    return aws


def refuse_foreign(session: Session) -> None:
    """Makes sure that a local stage does not work on what another project deployed.

    Raises:
        UsageError: another project's local AWS answers on the stage's port.
    """
    if not session.catalog.stage.is_local:
        return
    daemon = Daemon(session)
    folder = (daemon.health() or {}).get("folder")
    if folder is not None and Path(folder).resolve() != session.root:
        raise UsageError(
            f"the local AWS on port {daemon.port} belongs to another project: {folder}",
            f"batchtab up --stage {session.catalog.stage.name} starts this project's own",
        )
