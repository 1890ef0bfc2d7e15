"""AWS as a command reaches it."""

from __future__ import annotations

from pathlib import Path

from batchtab.aws.client import Aws
from batchtab.cli.machine.daemon import Daemon
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


def connect(session: Session) -> Aws:
    """The AWS of a stage.

    Raises:
        UsageError: another project's local AWS answers on the stage's port.
    """
    refuse_foreign(session)
    return Aws(session.catalog.stage.region, session.endpoint_url)


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
            f"the local AWS on port {daemon.port} is of another project: {folder}",
            f"batchtab up --stage {session.catalog.stage.name} starts this project's own",
        )
