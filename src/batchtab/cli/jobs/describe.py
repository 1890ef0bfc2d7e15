"""`batchtab describe`: a job or a run on one page.

Calls to AWS, of a job: those of `batchtab history JOB` for five runs; three of DescribeRule and GetSchedule, one of
GetObject, at most ten of DescribeJobDefinitions, three of IAM and two for each policy of its role. Of a run: those that
find it (see `RunLookup`), and at most two others.
"""

from __future__ import annotations

from typing import Annotated

import typer

from batchtab.aws.run_lookup import FoundRun, RunLookup
from batchtab.cli.completion.runs import complete_runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption, aws_command
from batchtab.cli.jobs.job_page import JobPage
from batchtab.cli.jobs.run_page import RunPage
from batchtab.cli.options import StageOption
from batchtab.cli.output import Output, OutputOption, print_data
from batchtab.declarations.named_jobs import NamedJob
from batchtab.terraform.session import Session


def describe(
    what: Annotated[
        str,
        typer.Argument(
            metavar="JOB|RUN", help="A job, a job id or its beginning, or JOB@TIME.", autocompletion=complete_runs
        ),
    ],
    stage: StageOption = "local",
    output: OutputOption = Output.TABLE,
    explain: ExplainOption = False,
) -> None:
    """Show a job or a run in detail.

    A job: where it is declared, its schedule, what is deployed, what its role may do, next and last runs. A run: what
    happened when, its attempts and its array's children.
    """
    session = Session.open(stage)
    aws = connect(session)
    found = RunLookup(session.catalog, aws, "describe").job_or_run(what)
    if explain:
        typer.echo(_explained(session, found))
        return
    if output is Output.NAME:
        typer.echo(found.full if isinstance(found, NamedJob) else found.job_id or found.name)
        return
    page = JobPage.of(session, aws, found) if isinstance(found, NamedJob) else RunPage.of(session, aws, found)
    if output in (Output.JSON, Output.YAML):
        print_data(page.as_dict(), output)
    else:
        page.print()


def _explained(session: Session, found: NamedJob | FoundRun) -> str:
    if isinstance(found, NamedJob):
        name = session.catalog.job_definition_name(found.service, found.name)
        arguments = {"jobDefinitionName": name, "status": "ACTIVE"}
        return aws_command(session, "batch", "describe-job-definitions", arguments)
    return aws_command(session, "batch", "describe-jobs", {"jobs": [found.job_id]})
