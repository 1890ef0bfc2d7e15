"""`batchtab exec`: a shell in the container of a run, by ECS Exec.

Calls to AWS: those of the look-up (see `RunLookup`), one DescribeJobs for a child or a node, one ListJobs for an array
without --index, then DescribeTasks and ExecuteCommand. What lacks is said before a call that would fail because of it.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.client import Aws
from batchtab.aws.ecs_exec import EcsExec, refuse_without_agent, task_arn
from batchtab.aws.job_parts import JobParts, array_size, node_count, part
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.cli.completion.runs import complete_active_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs import local_containers
from batchtab.cli.jobs.job_page import declared_at
from batchtab.cli.jobs.session_plugin import SessionPlugin
from batchtab.cli.options import StageOption
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import UsageError, listed
from batchtab.main_container import MAIN_NODE
from batchtab.terraform.session import Session

_SHELL = "sh"


def exec_run(
    run: Annotated[
        str,
        typer.Argument(
            metavar="JOB|RUN",
            help="A job (its newest run), or a run: a job id, its beginning, or JOB@2026-11-28T09:00.",
            autocompletion=complete_active_runs,
        ),
    ],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="What to run. Default: sh.")
    ] = None,
    index: Annotated[int | None, typer.Option("--index", min=0, help="One child of an array, or one node.")] = None,
    container: Annotated[str, typer.Option("--container", help="One of several containers. Default: main.")] = "",
    explain: ExplainOption = False,
    stage: StageOption = "local",
) -> None:
    """Open a shell in a running container, or run a command in it.

    The job needs `exec: true`; this machine needs AWS's session-manager-plugin. Ctrl-C goes to the program in the
    container; the exit status is the plugin's.
    """
    session = Session.open(stage)
    aws = connect(session)
    found = RunLookup(session.catalog, aws, "exec").run(run)
    job = _running(aws, found, index)
    words = shlex.join(command or [_SHELL])
    if session.catalog.stage.is_local:
        raise local_containers.refusal(session, job, container, words)
    ecs = EcsExec(aws)
    task = ecs.task(task_arn(job))
    chosen = task.container(container, job)
    if not task.is_enabled:
        raise _not_declared(session, found.job, job)
    if explain:
        asked = {"cluster": task.cluster, "task": task.id, "container": chosen.name, "interactive": True}
        typer.echo(aws_command(session, "ecs", "execute-command", {**asked, "command": words}))
        return
    refuse_without_agent(chosen)
    plugin = SessionPlugin.found()
    if not sys.stdin.isatty():  # the plugin ends where its input does, before it has printed anything
        raise UsageError("exec: session-manager-plugin needs a terminal", f"script -qc 'batchtab exec {run}' /dev/null")
    opened = ecs.start(task, chosen, words)
    plugin.become(
        opened,
        region=session.catalog.stage.region,
        profile=aws.profile,
        target=task.target(chosen),
        endpoint_url=ecs.endpoint_url,
    )


def _running(aws: Aws, found: FoundRun, index: int | None) -> Mapping[str, Any]:
    """The job, or the child or node, that has a container.

    Raises:
        UsageError: it does not run, or it has to be said which child.
        NotFoundError: there is no such child or node.
    """
    detail = found.detail
    if not detail:
        status = found.record.status if found.record else "unknown"
        raise UsageError(f"exec: the run of {found.scheduled_time} of {found.name} is not in Batch: {status}")
    if index is None and array_size(detail):
        raise UsageError(
            f"exec: job {found.job_id} is an array of {array_size(detail)}", _running_children(aws, detail)
        )
    if index is None and node_count(detail) and "#" not in found.job_id:
        index = int(detail["nodeProperties"].get("mainNode") or MAIN_NODE)
    if index is not None:
        detail = part(aws, detail, index, "exec")
    if detail["status"] != "RUNNING":
        verb = "logs" if detail["status"] in ENDED else "why"
        text = f"exec: job {detail['jobId']} of {found.name} is {detail['status']}, and only RUNNING has a container"
        raise UsageError(text, f"batchtab {verb} {detail['jobId']}")
    return detail


def _running_children(aws: Aws, array: Mapping[str, Any]) -> str:
    running = JobParts(aws).running(array)
    return f"--index N; running: {listed(running)}" if running else "no child of it runs"


def _not_declared(session: Session, declared: NamedJob | None, job: Mapping[str, Any]) -> UsageError:
    text = f"exec: job {job['jobId']} was started without ECS Exec"
    if declared is None:
        return UsageError(text, "enableExecuteCommand: true in its job definition, and run it again")
    if declared.spec.exec:
        place = declared_at(session, declared, "exec")
        return UsageError(text, f"{place} says exec: true; deploy it, and run {declared.full} again")
    place = declared_at(session, declared)
    return UsageError(text, f"add exec: true to {declared.full} at {place}, deploy it, and run it again")
