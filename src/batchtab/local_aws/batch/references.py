"""Whether what a request refers to exists: roles, networks, launch templates."""

from __future__ import annotations

from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id
from ministack.services import ec2, iam

from batchtab.local_aws.batch.errors import ClientError


def check_role(arn: str, member: str) -> None:
    """Refuse a role that does not exist; one of another account, or service-linked, cannot be seen and passes."""
    try:
        spec = parse_arn(arn)
    except ArnParseError as error:
        raise ClientError(f"{member}: {arn} is not the ARN of a role") from error
    if spec.service != "iam" or not spec.resource.startswith("role/"):
        raise ClientError(f"{member}: {arn} is not the ARN of a role")
    if spec.account_id != get_account_id() or "/aws-service-role/" in spec.resource:
        return
    if spec.resource.rsplit("/", 1)[-1] not in iam._roles:
        raise ClientError(f"{member}: role {arn} does not exist")


def check_instance_role(reference: str) -> None:
    """Refuse an instance profile, given by ARN or name, that does not exist."""
    name = reference.rsplit("/", 1)[-1]
    if name not in iam._instance_profiles:
        raise ClientError(f"computeResources.instanceRole: instance profile {reference} does not exist")


def check_network(resources: dict[str, Any]) -> None:
    """Refuse subnets and security groups that do not exist."""
    for subnet in resources.get("subnets") or []:
        if subnet not in ec2._subnets:
            raise ClientError(f"computeResources.subnets: the subnet ID '{subnet}' does not exist")
    for group in resources.get("securityGroupIds") or []:
        if group not in ec2._security_groups:
            raise ClientError(f"computeResources.securityGroupIds: the security group '{group}' does not exist")


def check_launch_template(template: dict[str, Any]) -> None:
    """Refuse a launch template that does not exist, or that is named twice or not at all."""
    wanted_id, wanted_name = template.get("launchTemplateId"), template.get("launchTemplateName")
    if bool(wanted_id) == bool(wanted_name):
        raise ClientError("computeResources.launchTemplate: name either launchTemplateId or launchTemplateName")
    known = ec2._launch_templates
    if wanted_id:
        if wanted_id not in known:
            raise ClientError(f"computeResources.launchTemplate: launch template {wanted_id} does not exist")
    elif all(record.get("LaunchTemplateName") != wanted_name for record in known.values()):
        raise ClientError(f"computeResources.launchTemplate: launch template {wanted_name} does not exist")
