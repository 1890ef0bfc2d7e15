"""`batchtab doctor`: does a stage have everything that its deployment and its jobs need?

It calls AWS, for J jobs: STS once; S3 six times, once for each lock and once for each stack's state; Batch for one page
of queues and of environments (10 each at most), twice for each queue, and J definitions (for more than 20 jobs at most
50 pages of them); EventBridge for pages of 100 rules (50 at most) and 100 schedules (100 at most); IAM once for each
role (for more than 50 at most 10 lists); Secrets Manager once for each secret, 200 at most; SSM once for 25 parameters;
ECR once for each repository and 100 images; EC2 three times; Service Quotas three times at most; SQS four times;
DynamoDB once for 100 jobs that a failure pauses. Eight calls are under way at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from batchtab.aws import answers
from batchtab.aws.checkup.check import Check, Question, conduct
from batchtab.aws.checkup.finding import Finding, Status, fail, warn
from batchtab.aws.checkup.stage_checks import checks
from batchtab.aws.checkup.survey import Definitions, Survey
from batchtab.aws.client import Aws
from batchtab.aws.states import States
from batchtab.cli import exits
from batchtab.cli.connection import connect
from batchtab.cli.deployment import project_checkup
from batchtab.cli.deployment.doctor_commands import commands
from batchtab.cli.explain import ExplainOption
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.options import StageOption
from batchtab.cli.output import Column, Listing, Output, OutputOption
from batchtab.cli.progress import Step
from batchtab.errors import UsageError
from batchtab.plan_review.revisions import Revisions
from batchtab.terraform.session import Session

_STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}
_LISTING: Listing[Finding] = Listing(
    (
        Column("status", lambda each: each.status.value, style=lambda each: _STYLES[each.status]),
        Column("check", lambda each: each.check, is_wide=True),
        Column("what", lambda each: each.subject),
    ),
    as_dict=lambda each: {
        "status": each.status.value,
        "check": each.check,
        "subject": each.subject,
        "problem": each.problem or None,
        "fix": each.fix or None,
    },
    name=lambda each: each.subject,
    note=lambda each: f"{each.problem} [fix: {each.fix}]" if each.fix else each.problem,
    note_heading="problem",
)


def doctor(stage: StageOption = "local", output: OutputOption = Output.TABLE, explain: ExplainOption = False) -> int:
    """Check everything that a stage's deployment and its jobs need.

    Each line is ok, warn or fail; a problem names the command that fixes it, and never runs it. What cannot be checked
    is a warning. Exit status 1: something failed.
    """
    root = Path().resolve()
    if explain:
        for line in commands(Session.open(stage, root)):
            typer.echo(line)
        return exits.OK
    with Step(f"Checking stage {stage}") as step:
        found = _of_project(stage, root)
        if found[0].status is Status.OK:
            session = Session.open(stage, root)
            step.at("AWS")
            account, aws = _account(session)
            found.append(account)
            if aws:
                found += _of_stage(session, aws)
        has_aws = any(each.check == "account" and each.status is Status.OK for each in found)
        step.result = _counted(found)
    _LISTING.print(found, output)
    if not has_aws:
        typer.echo("What needs AWS was not checked.", err=True)
    return exits.FAILED if any(each.status is Status.FAIL for each in found) else exits.OK


def _of_project(stage: str, root: Path) -> list[Finding]:
    found = [project_checkup.files(stage, root), *project_checkup.version(root)]
    # Of a stage whose file cannot be read it is not known whether it is local.
    is_local = found[0].status is Status.OK and Session.open(stage, root).catalog.stage.is_local
    found += project_checkup.tools(root, is_local=is_local)
    return found if is_local else [*found, project_checkup.lock_file(root, stage)]


def _account(session: Session) -> tuple[Finding, Aws | None]:
    """Whether AWS answers to the stage's own account; without that nothing else is asked."""
    stage = session.catalog.stage
    if stage.is_local and Daemon(session).health(10) is None:
        text = f"does not answer on port {session.port}"
        return fail("account", "local AWS", text, f"batchtab up --stage {stage.name}"), None
    try:
        aws = connect(session)
    except UsageError as error:
        return fail("account", f"account {stage.account_id}", error.message, error.hint), None
    except Exception as error:
        said = answers.answer(error)
        if said is None:
            raise
        return fail("account", f"account {stage.account_id}", said.message, said.hint), None
    subject = f"local AWS on port {session.port}" if stage.is_local else f"account {stage.account_id}, {stage.region}"
    return Finding(Status.OK, "account", subject), aws


def _of_stage(session: Session, aws: Aws) -> list[Finding]:
    stage = session.catalog.stage
    others = [f"{stage.namespace}-{path.stem}" for path in sorted((session.root / "config").glob("*.yaml"))]
    foreign = [name for name in others if name != stage.prefix]
    survey = Survey(session.catalog, aws, foreign, session.endpoint_url).read()
    own = checks(survey)
    after = next((number for number, each in enumerate(own, 1) if each.name == "definitions"), len(own))
    return conduct([*own[:after], *_revisions(session, survey), *own[after:]], is_local=stage.is_local)


def _revisions(session: Session, survey: Survey) -> list[Check]:
    """Whether jobs run the revision that Terraform deployed; jobs without any have a line already."""
    there = survey.definitions.known(Definitions())
    if not there.newest or not survey.bucket.known(otherwise=False):
        return []
    stage = survey.stage
    states = States(survey.aws, stage.state.bucket, stage.name)

    def ask() -> Iterator[Finding]:
        deployed = states.job_revisions(session.stacks())
        active = {name: its for name, its in there.revisions.items() if its}
        known = {name: revision for name, revision in deployed.items() if name in active}
        if there.read is not None:  # of others a revision may be among those that were not read
            known = {name: own for name, own in known.items() if own in active[name]}
        for each in Revisions.compare(known, active, prefix=stage.prefix, region=stage.region).mismatches:
            fix = ", ".join(filter(None, (each.command, each.otherwise)))
            yield warn("revisions", f"job {each.job}", each.what, fix)

    return [Check("revisions", "jobs run the revisions that Terraform deployed", [Question("revisions", ask)])]


def _counted(found: list[Finding]) -> str:
    counts = {status: sum(each.status is status for each in found) for status in Status}
    return ", ".join(f"{number} {status.value}" for status, number in counts.items())
