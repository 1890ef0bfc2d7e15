"""What there is, in ministack's services and in our Batch: requests name many things by halves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import (
    cloudwatch,
    cloudwatch_logs,
    dynamodb,
    ec2,
    ecr,
    eventbridge,
    iam,
    kms,
    lambda_svc,
    s3,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
)

from batchtab.local_aws.batch import tags as batch_tags
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.store import Store
from batchtab.local_aws.iam import principals
from batchtab.local_aws.iam.evaluation import ResourcePolicy
from batchtab.local_aws.iam.mapping.call import tags_in

# AWS's own keys have such aliases; their policies let everybody of the account use them through the service.
_OF_AWS = "alias/aws/"
_HOLDERS = {"role": "_roles", "user": "_users", "group": "_groups", "instance-profile": "_instance_profiles"}
_WITH_POLICY = ("ecr", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs")


class State:
    """The answers of `mapping.call.World`, in the account and region of the request that is being served."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a resource."""
        parts = arn.split(":", 5)
        find = getattr(self, f"_{parts[2].replace('-', '_')}_tags", None) if len(parts) == 6 else None
        return {} if find is None else tags_in(find(arn, parts[5]))

    def identity_arn(self, kind: str, name: str) -> str | None:
        """Return the ARN of an identity."""
        found = getattr(iam, _HOLDERS[kind]).get(name)
        return None if found is None else str(found["Arn"])

    def boundary(self, kind: str, name: str) -> str | None:
        """Return the boundary of an identity."""
        found = getattr(iam, _HOLDERS[kind]).get(name) or {}
        return found.get("PermissionsBoundary") or None

    def profile_roles(self, name: str) -> list[str]:
        """Return the roles of an instance profile."""
        roles = (iam._instance_profiles.get(name) or {}).get("Roles") or []
        return [arn for role in roles if (arn := self.identity_arn("role", role))]

    def mapping_function(self, uuid: str) -> str | None:
        """Return the function of an event source mapping."""
        return (lambda_svc._esms.get(uuid) or {}).get("FunctionArn")

    def template_id(self, name: str) -> str | None:
        """Return the id of a launch template."""
        return _first(key for key, each in ec2._launch_templates.items() if each.get("LaunchTemplateName") == name)

    def group_id(self, name: str) -> str | None:
        """Return the id of a security group."""
        return _first(key for key, each in ec2._security_groups.items() if each.get("GroupName") == name)

    def association(self, association_id: str) -> tuple[str, str] | None:
        """Return what an association of a route table connects."""
        for table_id, each in ec2._route_tables.items():
            for found in each.get("Associations") or []:
                if found.get("RouteTableAssociationId") == association_id:
                    return table_id, str(found.get("SubnetId") or found.get("GatewayId") or "")
        return None

    def vpc_of(self, resource_id: str) -> str | None:
        """Return the VPC in which something is."""
        for part in (ec2._subnets, ec2._route_tables, ec2._security_groups):
            if (found := part.get(resource_id)) is not None:
                return str(found.get("VpcId") or "")
        return None

    def key_arn(self, reference: str) -> str | None:
        """Return the ARN of a key."""
        found = kms._resolve_key(reference)
        return str(found["Arn"]) if found else None

    def secret_arn(self, reference: str) -> str | None:
        """Return the ARN of a secret."""
        found = secretsmanager._resolve(reference)[1]
        return str(found["ARN"]) if found else None

    def encryption_key(self, arn: str) -> str | None:
        """Return the customer's key that encrypts a queue, topic, secret or parameter."""
        service, name = arn.split(":")[2], arn.rpartition("/" if ":parameter/" in arn else ":")[2]
        key: Any = None
        if service == "sqs":
            key = ((sqs._queue_by_arn(arn) or {}).get("attributes") or {}).get("KmsMasterKeyId")
        elif service == "sns":
            key = ((sns._topics.get(arn) or {}).get("attributes") or {}).get("KmsMasterKeyId")
        elif service == "secretsmanager":
            key = (secretsmanager._resolve(arn)[1] or {}).get("KmsKeyId")
        elif service == "ssm":
            found = ssm._parameters.get(name) or ssm._parameters.get("/" + arn.partition(":parameter/")[2]) or {}
            key = found.get("KeyId") if found.get("Type") == "SecureString" else None
        if not key or _OF_AWS in key:
            return None
        return self.key_arn(key) or str(key)

    def lacks_object(self, bucket: str, key: str) -> bool:
        """Whether there is a bucket without such an object."""
        found = s3._buckets.get(bucket)
        return found is not None and key not in (found.get("objects") or {})

    def hash_key(self, table: str) -> str | None:
        """Return the attribute that is a table's hash key."""
        schema = (dynamodb._tables.get(table) or {}).get("KeySchema") or []
        return _first(each["AttributeName"] for each in schema if each.get("KeyType") == "HASH")

    def policy(self, arn: str, action: str) -> ResourcePolicy | None:
        """Return the policy of a resource; for who takes a role, that is its trust policy."""
        if action.startswith("sts:") and ":role/" in arn:
            role = principals.role(arn)
            return ResourcePolicy((role or {}).get("AssumeRolePolicyDocument") or "", required=True)
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        found = iam_evaluator._resource_policy(service, arn) if service in _WITH_POLICY else None
        return None if found is None else ResourcePolicy(found[0] or "", required=service == "kms")

    def _batch_tags(self, arn: str, _resource: str) -> Any:
        with self._store.lock:
            try:
                return dict(batch_tags.find(self._store, arn))
            except ClientError:
                return {}

    def _cloudwatch_tags(self, arn: str, _resource: str) -> Any:
        return cloudwatch._resource_tags.get(arn)

    def _dynamodb_tags(self, arn: str, _resource: str) -> Any:
        return dynamodb._tags.get(arn)

    def _ec2_tags(self, _arn: str, resource: str) -> Any:
        return ec2._tags.get(resource.rpartition("/")[2])

    def _ecr_tags(self, _arn: str, resource: str) -> Any:
        return (ecr._repositories.get(resource.partition("/")[2]) or {}).get("tags")

    def _events_tags(self, arn: str, _resource: str) -> Any:
        return eventbridge._tags.get(arn)

    def _iam_tags(self, arn: str, resource: str) -> Any:
        kind, _, name = resource.partition("/")
        if kind == "policy":
            return (iam._policies.get(arn) or {}).get("Tags")
        holder = getattr(iam, _HOLDERS.get(kind, ""), {})
        found = holder.get(name.rpartition("/")[2]) or {}
        return found.get("Tags") if found.get("Arn") == arn else None

    def _kms_tags(self, arn: str, _resource: str) -> Any:
        return (kms._resolve_key(arn) or {}).get("Tags")

    def _lambda_tags(self, _arn: str, resource: str) -> Any:
        kind, name = resource.split(":")[:2] if ":" in resource else (resource, "")
        if kind == "event-source-mapping":
            return (lambda_svc._esms.get(name) or {}).get("Tags")
        return (lambda_svc._functions.get(name) or {}).get("tags")

    def _logs_tags(self, _arn: str, resource: str) -> Any:
        return (cloudwatch_logs._log_groups.get(resource.split(":")[1]) or {}).get("tags") if ":" in resource else None

    def _s3_tags(self, _arn: str, resource: str) -> Any:
        return s3._bucket_tags.get(resource) if "/" not in resource else None

    def _scheduler_tags(self, arn: str, _resource: str) -> Any:
        return scheduler._tags.get(arn)

    def _secretsmanager_tags(self, arn: str, _resource: str) -> Any:
        return (secretsmanager._resolve(arn)[1] or {}).get("Tags")

    def _sns_tags(self, arn: str, _resource: str) -> Any:
        return (sns._topics.get(arn) or {}).get("tags")

    def _sqs_tags(self, arn: str, _resource: str) -> Any:
        return (sqs._queue_by_arn(arn) or {}).get("tags")

    def _ssm_tags(self, arn: str, _resource: str) -> Any:
        return ssm._tags.get(arn)


def _first(found: Iterable[Any]) -> str | None:
    return next((str(each) for each in found), None)
