"""`batchtab down`: removes what `up` made."""

from __future__ import annotations

import shutil

import typer

from batchtab.aws.states import States
from batchtab.cli.connection import connect
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.machine.pages import LocalPages
from batchtab.cli.machine.up import alone, clear_stale_locks, deployment_marker
from batchtab.cli.options import StageOption
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.terraform import last_deployment
from batchtab.terraform.processes import stoppable
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks


def down(stage: StageOption = "local") -> None:
    """Destroy what was deployed to local AWS, and stop it. Nothing is left but the project's ignored folders."""
    session = Session.open(stage)
    session.require_local("down")
    daemon = Daemon(session)
    with alone(session), stoppable(), Stacks(session) as stacks:
        if daemon.is_ours():
            config = session.catalog.stage
            aws = connect(session)
            states = States(aws, config.state.bucket, config.name)
            if aws.bucket_exists(config.state.bucket, config.account_id):  # else `up` was killed before it made one
                clear_stale_locks(session, aws)
            try:
                with Step(f"Destroying {', '.join(reversed(session.stacks()))}") as step:
                    last_deployment.write(session, None)  # from now on something may be missing
                    step.at("synth")
                    stacks.synthesize()
                    for wave in reversed(stacks.waves()):
                        for stack in wave:
                            states.forget(stack.stack)
                        stacks.destroy(wave, step.at)
            except UsageError as problems:  # local AWS forgets everything when it ends
                typer.echo(f"{problems}; stopping local AWS removes what is left", err=True)
        LocalPages(session).stop()
        with Step("Local AWS") as step:
            step.result = "stopped" if daemon.stop() else "did not run"
        last_deployment.write(session, None)
        deployment_marker(session).unlink(missing_ok=True)
        shutil.rmtree(session.root / "cdktf.out", ignore_errors=True)
    typer.echo("Nothing is left. batchtab up starts again.")
