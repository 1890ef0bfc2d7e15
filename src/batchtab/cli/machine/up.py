"""`batchtab up`: the stage `local` on this machine, from nothing to jobs that run and an alert that arrives."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from batchtab import frameworks
from batchtab.aws.client import Aws
from batchtab.aws.states import States
from batchtab.cli.connection import connect
from batchtab.cli.deployment.applying import Applying
from batchtab.cli.deployment.bootstrap import make_bucket
from batchtab.cli.deployment.planning import Planning
from batchtab.cli.jobs.status import print_table
from batchtab.cli.machine import demo
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.machine.pages import LocalPages
from batchtab.cli.options import StageOption
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.runner_image import in_engine
from batchtab.terraform import last_deployment
from batchtab.terraform.processes import stoppable
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks
from batchtab.toolchain import refresh

_ENGINE_SECONDS = 90  # an engine that hangs takes local AWS a while to give up
# What AWS says of something that an apply made and that the killed Terraform could not write down.
_ORPHAN = re.compile(r"AlreadyExists|already exists|BucketAlreadyOwnedByYou|QueueAlreadyExists|ConflictException")


def up(stage: StageOption = "local") -> None:
    """Start local AWS, deploy the stage to it, run two jobs and show what they did.

    Refuses a stage on AWS. Safe to run again: what exists stays as it is. Schedules keep firing until `batchtab down`.
    """
    session = Session.open(stage)
    session.require_local("up")
    frameworks.choose()
    refresh(session.root)  # another environment may have installed what this one runs
    daemon = Daemon(session)
    with alone(session), stoppable(), Stacks(session) as stacks:
        with Step("Local AWS") as step:
            started = daemon.start()
            step.result = f"{'started' if started else 'runs already'} on http://127.0.0.1:{daemon.port}"
        _show_engine(session, daemon)
        aws = connect(session)
        fresh = _bring_up(session, daemon, stacks, aws)
        pages = LocalPages(session)
        pages.start()
        demo.show(session, aws, daemon, fresh=fresh)
        print_table(session, aws)
        typer.echo(f"\n{pages.said()}")
    typer.echo("Schedules keep firing. batchtab plan shows that nothing differs; batchtab down removes everything.")


def _show_engine(session: Session, daemon: Daemon) -> None:
    """Says what jobs run as, and has the runner image ready where that is an engine's container."""
    found = daemon.get("containers", _ENGINE_SECONDS) or {}
    engine = found.get("engine")
    typer.echo(found.get("said", "Jobs run as processes: local AWS does not say of a container engine"), err=True)
    if engine is not None:
        with Step("Runner image") as step:
            step.at("build")
            step.result = in_engine.provide(session, engine["name"])


def _bring_up(session: Session, daemon: Daemon, stacks: Stacks, aws: Aws) -> bool:
    """Deploys the stage; returns whether anything had to be deployed."""
    stage = session.catalog.stage
    wanted = {"inputs": last_deployment.fingerprint(session), "local_aws": str((daemon.health() or {}).get("pid"))}
    if last_deployment.read(session) == wanted:
        typer.echo("Deployment: nothing has changed since the last", err=True)
        return False
    with Step("State bucket") as step:
        make_bucket(aws, stage.state.bucket, stage.account_id, stage.partition)
        step.result = f"s3://{stage.state.bucket}"
    was_cut = _was_cut(session)
    clear_stale_locks(session, aws)
    try:
        _deploy(session, stacks, aws)
    except Exception:
        if not was_cut or not _ORPHAN.search(stacks.failure_text()):
            raise
        # A killed Terraform had made things that it could not write down. Nothing of value is in local AWS.
        typer.echo("The killed run left resources that are in no state: local AWS starts again, empty", err=True)
        stacks.providers.close()  # they call the port of the local AWS that ends now
        daemon.stop()
        daemon.start()
        aws = Aws(stage.region, session.endpoint_url)
        wanted["local_aws"] = str((daemon.health() or {}).get("pid"))
        make_bucket(aws, stage.state.bucket, stage.account_id, stage.partition)
        _deploy(session, stacks, aws)
    last_deployment.write(session, wanted)
    return True


def _deploy(session: Session, stacks: Stacks, aws: Aws) -> None:
    stage = session.catalog.stage
    marker = deployment_marker(session)
    marker.write_text(str(os.getpid()))
    try:
        with Step(f"Deployment of {', '.join(session.stacks())}") as step:
            last_deployment.write(session, None)
            step.at("synth")
            stacks.synthesize()
            states = States(aws, stage.state.bucket, stage.name)
            applying = Applying(session, aws, states, stacks, Planning(stacks, states))
            applying.run(session.stacks(), step)
            step.result = f"{len(applying.applied)} of {len(session.stacks())} stacks applied"
    except UsageError:  # Terraform ended by itself, with its state written and its lock released
        marker.unlink()
        raise
    marker.unlink()


def deployment_marker(session: Session) -> Path:
    """There while a deployment is under way; if it is there before one, the last was cut off."""
    return session.state / f"deploying-{session.catalog.stage.name}"


def _was_cut(session: Session) -> bool:
    return deployment_marker(session).exists()


def clear_stale_locks(session: Session, aws: Aws) -> None:
    """Clears the locks that a killed `up` left, and says so.

    Raises:
        UsageError: another run has a lock, as far as we know.
    """
    stage = session.catalog.stage
    found = [aws.lock(stage.state.bucket, stage.name, stack) for stack in session.stacks()]
    locks = [lock for lock in found if lock]
    for lock in locks:
        command = f"batchtab unlock {lock.stack} --stage {stage.name}"
        what = f"the state of {lock.stack} is locked since {lock.created} by {lock.who} ({lock.operation})"
        if not _was_cut(session):
            raise UsageError(what, f"if that run is gone: {command}")
        typer.echo(f"Stale lock: {what}; that run was killed, so now: {command}", err=True)
        aws.clear_lock(stage.state.bucket, stage.name, lock.stack)


@contextmanager
def alone(session: Session) -> Iterator[None]:
    """Keeps two commands that write below `cdktf.out` apart; the system frees the lock when a command dies.

    Raises:
        UsageError: another one runs.
    """
    path = session.state / "up.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UsageError(
                f"another batchtab works in this folder (pid {file.read().strip()})", "wait for it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
