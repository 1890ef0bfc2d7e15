"""`batchtab ci stage`: where a stage is and which roles a workflow takes there, from the stage's own file."""

from __future__ import annotations

import typer

from batchtab.cli.options import StageOption
from batchtab.github import actions
from batchtab.terraform.session import Session


def ci_stage(stage: StageOption = "local") -> None:
    """Print region, account and the roles of `batchtab ci roles`; in a workflow, also as the step's outputs."""
    config = Session.open(stage).catalog.stage
    values = {
        "region": config.region,
        "account_id": config.account_id,
        "plan_role_arn": role_arn(config.partition, config.account_id, config.prefix, "plan"),
        "deploy_role_arn": role_arn(config.partition, config.account_id, config.prefix, "deploy"),
    }
    for name, value in values.items():
        typer.echo(f"{name}={value}")
        actions.set_output("GITHUB_OUTPUT", name, value)


def role_arn(partition: str, account_id: str, prefix: str, kind: str) -> str:
    """A role of the module `ci_roles`, which names them so."""
    return f"arn:{partition}:iam::{account_id}:role/{prefix}-ci-{kind}"
