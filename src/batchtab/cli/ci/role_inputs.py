"""What the roles of a stage's workflows may do, as its files say it: boundary, roles of one's own, names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from batchtab import limits
from batchtab.aws.client import Aws
from batchtab.aws.role_policies import RolePolicies
from batchtab.cli.ci.role_memory import Asked
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


def role_inputs(catalog: Catalog, options: Asked, environment: Mapping[str, Any] | None) -> dict[str, Any]:
    """Inputs of the module `ci_roles`.

    Args:
        catalog: The stage and its services.
        options: What was asked for.
        environment: The state of the stage's environment, if there is one.

    Raises:
        UsageError: an option is not what AWS takes, or says something else than the stage's file.
    """
    stage = catalog.stage
    for name, values, limit in (
        ("--boundary-action", options.boundary_action, limits.IAM_ACTION),
        ("--passable-role-arn", options.passable_role_arn, limits.ROLE_ARN),
    ):
        for value in values:
            if refusal := limit.refusal(value):
                raise UsageError(f"ci roles: {name}: '{value}' {refusal}")
    declared, own = stage.permissions_boundary_arn, stage.own_boundary_arn
    makes = options.make_boundary or declared == own
    asked = own if makes else options.permissions_boundary_arn
    given = [arn for arn in (options.permissions_boundary_arn, declared) if arn is not None and arn != asked]
    if asked is not None and given:
        raise UsageError(
            f"ci roles: the boundary is {asked} here and {given[0]} in config/{stage.name}.yaml or in another option",
            "say the same in both, or leave the options out",
        )
    if options.permissions_boundary_arn is not None and declared is None and not makes:
        raise UsageError(
            f"ci roles: config/{stage.name}.yaml names no boundary, so no role of the stage could be made",
            f"write there: permissions_boundary_arn: {options.permissions_boundary_arn}",
        )
    if options.boundary_action and not makes:
        raise UsageError("ci roles: --boundary-action: is for a boundary that is made here", "--make-boundary")
    brought = {
        arn
        for service in catalog.services
        for job in service.jobs.values()
        for arn in (job.job_role_arn, job.execution_role_arn)
        if arn is not None
    }
    return {
        "make_permissions_boundary": makes,
        "permissions_boundary_arn": None if makes else asked or declared,
        "boundary_actions": list(options.boundary_action),
        "passable_role_arns": sorted({*brought, *options.passable_role_arn}),
        "terraform_names_environments": has_generated_name(environment or {}, stage.prefix),
    }


def say_unbounded(session: Session, aws: Aws, inputs: Mapping[str, Any]) -> None:
    """Says which roles with the stage's names lack its boundary: a deployment can't change them, but give them to jobs.

    IAM has no condition on the boundary of a role that is passed.

    Args:
        session: The stage.
        aws: Its AWS.
        inputs: What `role_inputs` returned.
    """
    stage = session.catalog.stage
    arn = stage.own_boundary_arn if inputs["make_permissions_boundary"] else inputs["permissions_boundary_arn"]
    if arn is None:
        return
    try:
        names = RolePolicies(aws, stage.prefix).without_boundary(arn)
    except (BotoCoreError, ClientError) as error:
        typer.echo(f"open: the roles of {stage.prefix} were not looked at for their boundary: {error}", err=True)
        return
    if names:
        text = f"have another boundary than {arn}, or none, and jobs can get them: {', '.join(names)}"
        hint = f"deploy stage {stage.name}, which gives it to the roles of its stacks, and delete those that are left"
        typer.echo(f"open: roles {text} [hint: {hint}]", err=True)


def repositories(stage: StageConfig) -> dict[str, list[str]]:
    """Which image repositories the stage makes, and which of those that it runs images of are made elsewhere.

    Raises:
        UsageError: there is none.
    """
    image = stage.runner_image
    used = {image.repository} if image and image.in_ecr else set()
    if not used and not stage.repositories:
        raise UsageError(f"stage {stage.name} has no image repository", "runner_image or repositories in its file")
    return {
        "repository_names": sorted(set(stage.repositories)),
        "pulled_repository_names": sorted(used.difference(stage.repositories)),
    }


def has_generated_name(state: Mapping[str, Any], prefix: str) -> bool:
    """Whether a stage's compute environment is of a time when its name did not begin with the stage's."""
    names = [
        str(instance.get("attributes", {}).get("arn", "")).rpartition("/")[2]
        for resource in state.get("resources") or ()
        if resource.get("type") == "aws_batch_compute_environment"
        for instance in resource.get("instances") or ()
    ]
    return any(name and not name.startswith(f"{prefix}-") for name in names)
