"""What of one job is deployed: the revision that runs, its image, and what its role may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.aws.job_definitions import active_definitions
from batchtab.aws.role_policies import RolePolicies
from batchtab.aws.states import States
from batchtab.declarations.stage import StageConfig
from batchtab.errors import printable
from batchtab.main_container import main_container, task_of


@dataclass(frozen=True)
class DeployedJob:
    """A job's definition.

    Attributes:
        name: The definition's.
        runs: The newest ACTIVE revision, which runs; None if there is none.
        deployed: The revision in Terraform's state; None if it is not there, or nobody knows.
        image: The main container's.
        role: The ARN of the role of the job's code; empty if it has none.
        actions: What the role's policies allow; None if nobody knows.
        policies_of_aws: AWS's own policies that the role has.
        unknown: What could not be read, with the reason.
    """

    name: str
    runs: int | None = None
    deployed: int | None = None
    image: str = ""
    role: str = ""
    actions: tuple[str, ...] | None = None
    policies_of_aws: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def deployed_job(aws: Aws, stage: StageConfig, service: str, name: str) -> DeployedJob:
    """Reads a definition, the state of the service's stack, and the role's policies.

    Who may not read states or roles learns the rest all the same.
    """
    active, _ = active_definitions(aws.client("batch"), [name])
    found: Mapping[str, Any] = max(active[name], key=lambda each: int(each["revision"]), default={})
    unknown: list[str] = []
    deployed: int | None = None
    try:
        deployed = States(aws, stage.state.bucket, stage.name).job_revisions([f"jobs-{service}"]).get(name)
    except ClientError as error:
        unknown.append(f"Terraform's state is not known: {_reason(error)}")
    role = _role(found)
    actions: tuple[str, ...] | None = None
    policies: tuple[str, ...] = ()
    if role:
        try:
            allowed = RolePolicies(aws, stage.prefix).of_role(role.rpartition("/")[2])
            actions, policies = allowed.actions, allowed.of_aws
        except ClientError as error:
            unknown.append(f"the role's policies are not known: {_reason(error)}")
    return DeployedJob(
        name=name,
        runs=int(found["revision"]) if found else None,
        deployed=deployed,
        image=str(main_container(found).get("image") or ""),
        role=role,
        actions=actions,
        policies_of_aws=policies,
        unknown=tuple(unknown),
    )


def _role(definition: Mapping[str, Any]) -> str:
    nodes = (definition.get("nodeProperties") or {}).get("nodeRangeProperties") or ()
    for each in (definition, *nodes):
        if found := main_container(each).get("jobRoleArn") or task_of(each).get("taskRoleArn"):
            return str(found)
    return ""


def _reason(error: ClientError) -> str:
    said = answers.answer(error)
    return printable(said.message if said else str(error))
