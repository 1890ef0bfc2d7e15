"""`batchtab ci roles`: makes the roles that a stage's workflows take, once, by somebody who may make roles."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.cli.ci.audit import audit
from batchtab.cli.ci.role_inputs import repositories, role_inputs, say_unbounded
from batchtab.cli.ci.role_memory import OUTPUT, PLACE, Asked
from batchtab.cli.ci.trusted import say_what_is_open, trusted_names
from batchtab.cli.connection import connect
from batchtab.cli.options import StageOption
from batchtab.errors import UsageError
from batchtab.github.gh import Gh
from batchtab.terraform import provider_lock
from batchtab.terraform.modules import modules_folder
from batchtab.terraform.session import Session

_BRANCH = "main"  # the module's default
_PERMISSIONS = (
    "permissions_boundary_arn",
    "make_permissions_boundary",
    "boundary_actions",
    "passable_role_arns",
    "terraform_names_environments",
)


def ci_roles(
    repository: Annotated[
        str | None, typer.Option(help="GitHub's repository, as owner/name, spelled as there.")
    ] = None,
    stage: StageOption = "local",
    oidc_provider_arn: Annotated[
        str | None, typer.Option(help="The account's provider for GitHub, if it has one; an account can have just one.")
    ] = None,
    permissions_boundary_arn: Annotated[
        str | None,
        typer.Option(help="Permissions boundary that roles made by a deployment must have. Default: the stage's."),
    ] = None,
    make_boundary: Annotated[
        bool, typer.Option("--make-boundary", help="Create such a boundary, and require it of the stage's roles.")
    ] = False,
    boundary_action: Annotated[
        list[str] | None,
        typer.Option(help="An action that the boundary allows beside what jobs usually need. May be repeated."),
    ] = None,
    passable_role_arn: Annotated[
        list[str] | None,
        typer.Option(help="A role that jobs may have, beside those that jobs.yaml names. May be repeated."),
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="The branch whose workflows deploy and look for drift. Default: main.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(help="GitHub's environment whose jobs deploy. Default: the stage's name.")
    ] = None,
    deploy_workflow: Annotated[
        str | None, typer.Option(help="The workflow's file that deploys. Default: deploy.yml.")
    ] = None,
    any_branch: Annotated[
        bool, typer.Option("--any-branch", help="Let any branch or tag deploy that the environment's rules allow.")
    ] = False,
    repository_id: Annotated[
        str | None, typer.Option(help="The repository's number on GitHub. Default: what `gh` answers.")
    ] = None,
    owner_id: Annotated[
        str | None,
        typer.Option(help="Its owner's number, if GitHub's subjects have numbers. Default: as `gh` answers."),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the options of earlier runs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    show_audit: Annotated[
        bool,
        typer.Option("--audit", help="Create nothing: print what permissions roles of a local stage used and lacked."),
    ] = False,
) -> int:
    """Create the OIDC provider for GitHub and the roles that plan and deploy a stage. Safe to run again.

    Their state is separate from the stage's: a deployment can't change them. It keeps the options of earlier runs,
    which apply again unless --reset is given. `gh` asks GitHub for the form of the repository's OIDC subjects, unless
    --repository-id is given.
    """
    session = Session.open(stage)
    if show_audit:
        for line in audit(session):
            typer.echo(line)
        return 0
    if repository is None:
        raise UsageError("ci roles: --repository is missing", "name GitHub's repository, as owner/name")
    now = Asked(
        branch=branch,
        environment=environment,
        deploy_workflow=deploy_workflow,
        any_branch=any_branch,
        oidc_provider_arn=oidc_provider_arn,
        permissions_boundary_arn=permissions_boundary_arn,
        make_boundary=make_boundary,
        boundary_action=tuple(boundary_action or ()),
        passable_role_arn=tuple(passable_role_arn or ()),
    )
    aws = connect(session)
    made, former = _states(session, aws)
    config = session.catalog.stage
    asked = now if reset else now.since(former, config.permissions_boundary_arn, config.own_boundary_arn)
    if asked != now:
        typer.echo(f"ci roles: with what was asked for before: {asked.words()} (--reset forgets it)", err=True)
    gh = Gh()
    names = trusted_names(gh, repository, repository_id, owner_id)
    given = {**names, "asked": asked, **_permissions(session, asked, made)}
    folder = session.state / "ci-roles" / stage
    folder.mkdir(parents=True, exist_ok=True)
    # A copy, so that no machine's path gets into what Terraform keeps.
    copy_module(modules_folder() / "ci_roles", folder / "module")
    content = configuration(session, "./module", given)
    (folder / "main.tf.json").write_text(json.dumps(content, indent=2))
    if lock := provider_lock.path(session):
        shutil.copyfile(lock, folder / lock.name)
    variables = session.environment()
    for command in (["init", "-input=false", "-reconfigure"], ["apply", *(["-auto-approve"] if yes else [])]):
        done = subprocess.run([session.terraform, *command], cwd=folder, env=variables, check=False)
        if done.returncode:
            raise UsageError(f"ci roles: terraform {command[0]} ended with status {done.returncode}, see above")
    say_unbounded(session, aws, given)
    if given["make_permissions_boundary"] and config.permissions_boundary_arn is None:
        line = f"permissions_boundary_arn: {config.own_boundary_arn}"
        typer.echo(f"Write into config/{stage}.yaml, so that deployments can make roles: {line}")
    say_what_is_open(gh, str(names["repository"]), asked.environment or stage, asked.branch or _BRANCH)
    return 0


def _states(session: Session, aws: Aws) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The states of the stage's environment and of its roles; None where there is none yet.

    Raises:
        UsageError: the bucket is not there.
    """
    config = session.catalog.stage
    bucket = config.state.bucket
    if not aws.bucket_exists(bucket, config.account_id):
        raise answers.no_bucket(config)
    return aws.state(bucket, config.name, "environment"), aws.state(bucket, PLACE, config.name)


def _permissions(session: Session, asked: Asked, environment: dict[str, Any] | None) -> dict[str, Any]:
    config = session.catalog.stage
    inputs = role_inputs(session.catalog, asked, environment)
    if inputs["terraform_names_environments"]:
        text = "has a name of Terraform's, from an earlier version: the roles know it by its tag"
        typer.echo(f"ci roles: the compute environment of {config.name} {text}", err=True)
    return inputs


def copy_module(source: Path, target: Path) -> None:
    """Makes `target` a copy of a module, without what an older version left there.

    Contents only: where files of the installation are read-only, their copies could not be written a second time.
    """
    if target.exists():
        target.chmod(0o755)
        shutil.rmtree(target)
    target.mkdir()
    for path in source.iterdir():  # a module has no folders
        if path.is_file():
            shutil.copyfile(path, target / path.name)


def configuration(session: Session, source: str, given: dict[str, Any]) -> dict[str, Any]:
    """A root module that calls the module, with the stage's provider and a state of its own.

    Args:
        session: The stage.
        source: Where the module is, seen from the folder that this is written to.
        given: The repository's names, what was asked for, and what `role_inputs` made of it.
    """
    asked: Asked = given["asked"]
    stage = session.catalog.stage
    inputs = {
        "source": source,
        "namespace": stage.prefix,
        "stage": stage.name,
        "github_repository": given["repository"],
        "branch": asked.branch,
        "environment": asked.environment,
        "deploy_workflow": asked.deploy_workflow,
        "deploys_from_branch": False if asked.any_branch else None,
        "repository_id": given["repository_id"],
        "owner_id": given["owner_id"],
        "state_bucket": stage.state.bucket,
        "region": stage.region,
        **repositories(stage),
        "manages_network": bool(stage.network.create),
        "oidc_provider_arn": asked.oidc_provider_arn,
        **{name: given.get(name) for name in _PERMISSIONS},
    }
    # The boundary as it is: the stage's file may stop naming it, and that must not take it away.
    kept = replace(
        asked,
        make_boundary=bool(given.get("make_permissions_boundary")),
        permissions_boundary_arn=given.get("permissions_boundary_arn"),
    )
    backend = {
        "bucket": stage.state.bucket,
        "key": f"{PLACE}/{stage.name}.tfstate",
        "region": stage.region,
        "encrypt": True,
        "use_lockfile": True,
    }
    tags = {"batchtab:namespace": f"{stage.prefix}-ci", **stage.tags}
    return {
        "terraform": {"backend": {"s3": backend}, "required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {
            "aws": {
                "region": stage.region,
                "allowed_account_ids": [stage.account_id],
                "default_tags": {"tags": tags},
            }
        },
        "module": {"ci_roles": {key: value for key, value in inputs.items() if value is not None}},
        "output": {
            **{
                name: {"value": f"${{module.ci_roles.{name}}}"}
                for name in ("plan_role_arn", "deploy_role_arn", "oidc_provider_arn")
            },
            OUTPUT: {"value": {name: value for name, value in asdict(kept).items() if value}},
        },
    }
