"""Policies that AWS does not store, refused as its services do: malformed ones, those over a quota, or for nobody.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id
from ministack.services import iam, kms, s3, secretsmanager, sns, sqs, sts

from batchtab.local_aws import policy_grammar
from batchtab.local_aws.policy_grammar import Kind, MalformedError

Record = dict[str, Any]
Handler = Callable[[Record], Any]

# Characters but for white space. That of trusts can be raised to 8,192.
_MANAGED_CHARACTERS = 6144
_INLINE_CHARACTERS = {"Role": 10_240, "User": 2048, "Group": 5120}
_TRUST_CHARACTERS = 2048
_ATTACHED = 10

# What EC2's instances need of ECS: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/
_INSTANCE_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"
_INSTANCE_DOCUMENT = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:DescribeTags","ecs:CreateCluster",'
    '"ecs:DeregisterContainerInstance","ecs:DiscoverPollEndpoint","ecs:Poll","ecs:RegisterContainerInstance",'
    '"ecs:StartTelemetrySession","ecs:UpdateContainerInstancesState","ecs:Submit*","ecr:GetAuthorizationToken",'
    '"ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream",'
    '"logs:PutLogEvents"],"Resource":"*"},{"Effect":"Allow","Action":"ecs:TagResource","Resource":"*","Condition":'
    '{"StringEquals":{"ecs:CreateAction":["CreateCluster","RegisterContainerInstance"]}}}]}'
)


def install() -> None:
    """Have ministack's services refuse them."""
    # IAM takes it from the evaluator at each call.
    iam_evaluator.validate_policy_document = sts.validate_policy_document = lambda document: _fault(document, "inline")
    iam._trust_policy_not_principal_error = _trust_fault
    _before("CreatePolicy", _managed_refusal)
    _before("CreatePolicyVersion", _managed_refusal)
    for holder in _INLINE_CHARACTERS:
        _before(f"Put{holder}Policy", functools.partial(_inline_refusal, holder))
    _before("CreateRole", functools.partial(_trust_refusal, "AssumeRolePolicyDocument"))
    _before("UpdateAssumeRolePolicy", functools.partial(_trust_refusal, "PolicyDocument"))
    _before("AttachRolePolicy", _attachment_refusal)
    seed = iam._seed_aws_managed_policies

    def seed_all() -> None:
        seed()
        record = iam._make_aws_managed_record(_INSTANCE_POLICY, _INSTANCE_DOCUMENT)
        iam._aws_managed_policies[record["Arn"]] = record

    iam._seed_aws_managed_policies = seed_all  # which runs again when all is reset
    seed_all()
    _install_resource_policies()


def _install_resource_policies() -> None:
    check_attributes, put_bucket_policy = sqs._validate_numeric_attrs, s3._put_bucket_policy

    def validate_numeric_attrs(attributes: Record) -> None:  # both CreateQueue and SetQueueAttributes call it
        if attributes.get("Policy") and _fault(attributes["Policy"], "resource"):
            raise sqs._Err("InvalidAttributeValue", "Invalid value for the parameter Policy.", 400)
        check_attributes(attributes)

    def put_policy(bucket: str, body: bytes) -> Any:
        if fault := _fault(body, "resource"):
            syntax = "This policy contains invalid Json" if fault == policy_grammar.SYNTAX else fault
            return s3._error("MalformedPolicy", syntax, 400)
        return put_bucket_policy(bucket, body)

    sqs._validate_numeric_attrs = validate_numeric_attrs
    s3._put_bucket_policy = put_policy

    def malformed(fault: str) -> Any:
        return error_response_json("MalformedPolicyDocumentException", fault, 400)

    def invalid(fault: str) -> Any:
        return sns._error("InvalidParameter", f"Invalid parameter: Policy Error: {fault}", 400)

    for module, name, policy_of, refuse in (
        (kms, "_create_key", lambda given: given.get("Policy"), malformed),
        (kms, "_put_key_policy", lambda given: given.get("Policy"), malformed),
        (secretsmanager, "_put_resource_policy", lambda given: given.get("ResourcePolicy"), malformed),
        (sns, "_create_topic", lambda given: _topic_attributes(given).get("Policy"), invalid),
        (sns, "_set_topic_attributes", _set_topic_policy, invalid),
    ):
        setattr(module, name, _checking(getattr(module, name), policy_of, refuse))


def _checking(original: Handler, policy_of: Callable[[Record], Any], refuse: Callable[[str], Any]) -> Handler:
    def checked(given: Record) -> Any:
        policy = policy_of(given)
        fault = _fault(policy, "resource") if policy else None
        return refuse(fault) if fault else original(given)

    return checked


def _topic_attributes(given: Record) -> dict[str, str]:
    numbers = range(1, 1 + sum(1 for name in given if name.startswith("Attributes.entry.")))
    return {sns._p(given, f"Attributes.entry.{n}.key"): sns._p(given, f"Attributes.entry.{n}.value") for n in numbers}


def _set_topic_policy(given: Record) -> str | None:
    return sns._p(given, "AttributeValue") if sns._p(given, "AttributeName") == "Policy" else None


def _before(action: str, refusal: Callable[[Record], Any]) -> None:
    """Have an action of IAM look first whether it refuses."""
    original = iam._IAM_HANDLERS[action]
    iam._IAM_HANDLERS[action] = lambda given: refusal(given) or original(given)


def _fault(document: Any, kind: Kind) -> str | None:
    try:
        policy_grammar.check(document, kind)
    except MalformedError as error:
        return iam._xml_escape(str(error)) if kind != "resource" else str(error)
    return None


def _trust_fault(document: Any) -> str | None:
    """Return what is wrong with a role's trust; ministack asks for it where it creates or changes one."""
    if fault := _fault(document, "trust"):
        return fault
    for principal in policy_grammar.principals(document, "AWS"):
        if not _exists(principal):
            return f'Invalid principal in policy: "AWS":"{iam._xml_escape(principal)}"'
    return None


def _exists(principal: str) -> bool:
    """Whether a role or user that a trust names is there; those of other accounts cannot be seen and pass."""
    parts = principal.split(":", 5)
    if len(parts) < 6 or parts[2] != "iam" or parts[4] != get_account_id():
        return True
    kind, _, name = parts[5].partition("/")
    found = {"role": iam._roles, "user": iam._users}.get(kind)
    return found is None or name.rpartition("/")[2] in found


def _managed_refusal(given: Record) -> Any:
    document = iam._p(given, "PolicyDocument")
    if fault := _fault(document, "managed"):
        return iam._error(400, "MalformedPolicyDocument", fault)
    if policy_grammar.size(document) > _MANAGED_CHARACTERS:
        return iam._error(409, "LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED_CHARACTERS}")
    return None


def _inline_refusal(holder: str, given: Record) -> Any:
    """Refuse an inline policy with which all of its holder are too long together; ministack refuses a malformed one."""
    name, allowed = iam._p(given, f"{holder}Name"), _INLINE_CHARACTERS[holder]
    if holder == "Role":
        present = (iam._roles.get(name) or {}).get("InlinePolicies") or {}
    else:
        present = (iam._user_inline_policies if holder == "User" else iam._group_inline_policies).get(name) or {}
    documents = {**present, iam._p(given, "PolicyName"): iam._p(given, "PolicyDocument")}
    if sum(policy_grammar.size(str(document)) for document in documents.values()) > allowed:
        return iam._error(
            409, "LimitExceeded", f"Maximum policy size of {allowed} bytes exceeded for {holder.lower()} {name}"
        )
    return None


def _trust_refusal(member: str, given: Record) -> Any:
    if policy_grammar.size(iam._p(given, member)) > _TRUST_CHARACTERS:
        return iam._error(409, "LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST_CHARACTERS}")
    return None


def _attachment_refusal(given: Record) -> Any:
    role, policy = iam._roles.get(iam._p(given, "RoleName")), iam._p(given, "PolicyArn")
    if role is None:
        return None
    if not policy.startswith("arn:aws:iam::aws:") and not iam.policy_known(policy):
        return iam._error(404, "NoSuchEntity", f"Policy {policy} does not exist or is not attachable.")
    attached = role["AttachedPolicies"]
    if policy not in attached and len(attached) >= _ATTACHED:
        return iam._error(409, "LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {_ATTACHED}")
    return None
