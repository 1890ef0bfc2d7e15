"""`batchtab open`: where a job or a run is to be seen in the AWS console.

Calls to AWS: for a run those of RunLookup, then three about the job's triggers.
"""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Iterator
from typing import Annotated

import typer

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.aws.console_links import Console
from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.aws.triggers import Triggers
from batchtab.cli import exits
from batchtab.cli.completion.runs import complete_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.cli.options import StageOption
from batchtab.cli.output import Output, OutputOption, print_data
from batchtab.cli.tables import aligned, widths
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import UsageError
from batchtab.main_container import last_attempt, main_container
from batchtab.terraform.session import Session

Link = tuple[str, str]


def open_links(
    run: Annotated[str, typer.Argument(metavar="JOB|RUN", help="A job, or a run.", autocompletion=complete_runs)],
    browser: Annotated[bool, typer.Option("--browser", help="Open the first link in a browser.")] = False,
    explain: ExplainOption = False,
    output: OutputOption = Output.TABLE,
    stage: StageOption = "local",
) -> int:
    """Print links to the AWS console: the queue, triggers, and of a run also its job and log."""
    session = Session.open(stage)
    catalog = session.catalog
    if catalog.stage.is_local:
        raise UsageError(f"open: stage {stage} is local AWS, which has no console", "batchtab status, batchtab history")
    if browser and not sys.stdout.isatty():
        raise UsageError("open: --browser needs a terminal", "leave it out: the links are printed")
    aws = connect(session)
    found = RunLookup(catalog, aws, "open").job_or_run(run)
    if explain:
        commands = AwsCommands(session)
        asked = (found.job, found.job_id) if isinstance(found, FoundRun) else (found, "")
        for line in commands.of_links(*asked):
            typer.echo(line)
        return exits.OK
    console = Console(catalog.stage.region, catalog.stage.partition)
    links = list(_of_run(console, catalog, found) if isinstance(found, FoundRun) else _of_job(console, catalog, found))
    job = found.job if isinstance(found, FoundRun) else found
    triggers = list(_triggers(console, catalog, aws, job)) if job else []
    if isinstance(found, NamedJob) and not triggers and (found.spec.schedule is not None or found.spec.upstream):
        raise answers.not_deployed(f"{found.full} has no trigger")
    _print([*links, *triggers], output)
    if browser and not webbrowser.open((links or triggers)[0][1]):
        typer.echo("open: no browser was found", err=True)
    return exits.OK


def _of_run(console: Console, catalog: Catalog, found: FoundRun) -> Iterator[Link]:
    detail = found.detail
    if not detail:
        if found.job is not None:
            yield from _of_job(console, catalog, found.job)
        return
    yield "job", console.job(found.job_id)
    options = (main_container(detail).get("logConfiguration") or {}).get("options") or {}
    group = str(options.get("awslogs-group") or _log_group(catalog))
    stream = last_attempt(detail).get("logStreamName") or main_container(detail).get("logStreamName")
    if stream:
        yield "log", console.log_stream(group, str(stream))
    yield "job queue", console.job_queue(detail["jobQueue"])
    yield "job definition", console.job_definition(detail["jobDefinition"])


def _of_job(console: Console, catalog: Catalog, job: NamedJob) -> Iterator[Link]:
    stage = catalog.stage
    name = catalog.job_queue_name(job.spec.queue)
    arn = f"arn:{stage.partition}:batch:{stage.region}:{stage.account_id}:job-queue/{name}"
    yield "job queue", console.job_queue(arn)
    yield "log group", console.log_group(_log_group(catalog))


def _triggers(console: Console, catalog: Catalog, aws: Aws, job: NamedJob) -> Iterator[Link]:
    for trigger in Triggers(aws, catalog.stage.prefix).of_job(job.service, job.name):
        if trigger.group:
            yield trigger.kind, console.schedule(trigger.group, trigger.name)
        else:
            yield trigger.kind, console.rule(trigger.name)


def _log_group(catalog: Catalog) -> str:
    return f"/aws/batch/{catalog.stage.prefix}"


def _print(links: list[Link], output: Output) -> None:
    if output is Output.NAME:
        for _, url in links:
            typer.echo(url)
    elif output in (Output.JSON, Output.YAML):
        print_data([{"what": what, "url": url} for what, url in links], output)
    else:  # an address is not folded: a terminal finds it only in one piece
        sizes = widths(links)
        for link in links:
            typer.echo(aligned(link, sizes))
