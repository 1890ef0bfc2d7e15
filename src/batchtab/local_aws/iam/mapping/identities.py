"""IAM and STS.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import Find, Rule, by_arn, everywhere, on, pass_role, table, tagging

# By the type of an identity, the parameter that names it.
_NAMES = {
    "role": "RoleName",
    "user": "UserName",
    "group": "GroupName",
    "instance-profile": "InstanceProfileName",
}


def _identity(kind: str) -> Find:
    """Find a role, user, group or instance profile: as it is, or as it will be under the path that is asked for."""

    def find(call: Call) -> Iterable[Target]:
        # Who asks for no user's name asks for its own.
        name = call.get("UserName") or "*" if kind == "user" else call.need(_NAMES[kind])
        path = (call.get("Path") or "/").strip("/")
        arn = call.world.identity_arn(kind, name) or call.arn(f"{kind}/{path}/{name}" if path else f"{kind}/{name}")
        context: dict[str, Value] = {}
        given = call.get("PermissionsBoundary")
        if boundary := given if isinstance(given, str) else call.world.boundary(kind, name):
            context["iam:PermissionsBoundary"] = boundary
        return [Target(kind, arn, context)]

    return find


_ROLE, _USER, _GROUP, _PROFILE = (_identity(kind) for kind in _NAMES)


def _attaching(find: Find) -> Rule:
    """Return a rule: what is attached or detached is one of the conditions."""
    return lambda call: [call.check(None, target, iam__PolicyARN=call.get("PolicyArn")) for target in find(call)]


def _new_policy(call: Call) -> Iterable[Target]:
    path = (call.get("Path") or "/").strip("/")
    name = call.need("PolicyName")
    return [Target("policy", call.arn(f"policy/{path}/{name}" if path else f"policy/{name}"))]


def _new_provider(call: Call) -> Iterable[Target]:
    return [Target("oidc-provider", call.arn(f"oidc-provider/{call.need('Url').partition('://')[2]}"))]


def _passed_to_instances(call: Call) -> Iterable[Check]:
    return [pass_role(call, call.need("RoleName"), "ec2.amazonaws.com")]


def _linked(call: Call) -> Iterable[Check]:
    """The name of such a role is AWS's own: a policy names the service, and any role of it."""
    service = call.need("AWSServiceName")
    target = Target("role", call.arn(f"role/aws-service-role/{service}/*"))
    return [call.check(None, target, iam__AWSServiceName=service)]


TABLE = table(
    {
        "CreateRole": (on(_ROLE), tagging(_ROLE, "iam:TagRole")),
        "DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies"
        " ListInstanceProfilesForRole ListRolePolicies ListRoleTags PutRolePermissionsBoundary PutRolePolicy TagRole"
        " UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription": on(_ROLE),
        "AttachRolePolicy DetachRolePolicy": _attaching(_ROLE),
        "CreateUser": (on(_USER), tagging(_USER, "iam:TagUser")),
        "CreateAccessKey DeleteAccessKey DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy GetUser"
        " GetUserPolicy ListAccessKeys ListAttachedUserPolicies ListGroupsForUser ListUserPolicies ListUserTags"
        " PutUserPermissionsBoundary PutUserPolicy TagUser UntagUser UpdateAccessKey UpdateUser"
        " CreateLoginProfile DeleteLoginProfile GetLoginProfile UpdateLoginProfile": on(_USER),
        "AttachUserPolicy DetachUserPolicy": _attaching(_USER),
        "AddUserToGroup AttachGroupPolicy CreateGroup DeleteGroup DeleteGroupPolicy DetachGroupPolicy GetGroup"
        " GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies PutGroupPolicy RemoveUserFromGroup"
        " UpdateGroup": _attaching(_GROUP),
        "CreateInstanceProfile": (on(_PROFILE), tagging(_PROFILE, "iam:TagInstanceProfile")),
        "DeleteInstanceProfile GetInstanceProfile ListInstanceProfileTags RemoveRoleFromInstanceProfile"
        " TagInstanceProfile UntagInstanceProfile": on(_PROFILE),
        "AddRoleToInstanceProfile": (on(_PROFILE), _passed_to_instances),
        "CreatePolicy": (on(_new_policy), tagging(_new_policy, "iam:TagPolicy")),
        "CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion ListEntitiesForPolicy"
        " ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy UntagPolicy": on(by_arn("PolicyArn")),
        "CreateOpenIDConnectProvider": (on(_new_provider), tagging(_new_provider, "iam:TagOpenIDConnectProvider")),
        "AddClientIDToOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider"
        " ListOpenIDConnectProviderTags RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider"
        " UntagOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint": on(by_arn("OpenIDConnectProviderArn")),
        "CreateServiceLinkedRole": _linked,
        "ListOpenIDConnectProviders ListPolicies ListRoles ListUsers ListGroups ListInstanceProfiles"
        " GetAccountSummary GetAccountAuthorizationDetails ListAccountAliases": everywhere(),
    }
)


def _assumed(call: Call) -> Iterable[Check]:
    """A session may have tags and a source's name, for which there are actions of their own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    """
    target = Target("role", call.need("RoleArn"))
    identity = call.get("SourceIdentity")
    # Tags of a session are not what makes a request one that tags, but AWS has them under the same keys.
    context = {"sts__RoleSessionName": call.get("RoleSessionName"), "sts__SourceIdentity": identity}
    yield call.check(None, target, sts__ExternalId=call.get("ExternalId"), **context)
    if call.tags:
        yield call.check("sts:TagSession", target, sts__TransitiveTagKeys=call.all("TransitiveTagKeys"), **context)
    if identity:
        yield call.check("sts:SetSourceIdentity", target, **context)


SESSIONS = table(
    {
        "AssumeRole": _assumed,
        "GetCallerIdentity GetSessionToken": everywhere(),
        "GetFederationToken": lambda call: [
            call.check(None, Target("user", call.arn(f"user/{call.need('Name')}", "iam")))
        ],
    }
)
