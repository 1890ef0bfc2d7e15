"""Networks and launch templates.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.mapping.call import Call, Target, tags_in
from batchtab.local_aws.iam.mapping.rules import Find, on, table

# What an id begins with, and the type of what it names.
_PREFIXES = {
    "ami": "image",
    "dopt": "dhcp-options",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "acl": "network-acl",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
# By the name of the parameter that names it.
_TYPES = {
    "GroupId": "security-group",
    "InternetGatewayId": "internet-gateway",
    "LaunchTemplateId": "launch-template",
    "RouteTableId": "route-table",
    "SubnetId": "subnet",
    "VpcId": "vpc",
}


def _target(call: Call, type_name: str, resource_id: str) -> Target:
    context: dict[str, Value] = {"ec2:Region": call.region}
    if vpc := call.world.vpc_of(resource_id):
        context["ec2:Vpc"] = call.arn(f"vpc/{vpc}")
    return Target(type_name, call.arn(f"{type_name}/{resource_id}"), context)


def _by_id(*names: str) -> Find:
    """Find resources by parameters that are ids; those that are not given are not asked for."""

    def find(call: Call) -> Iterable[Target]:
        found = [_target(call, _TYPES[name], call.get(name)) for name in names if call.get(name)]
        if not found:
            raise UnknownRequestError(f"{call.operation} has no {' or '.join(names)}")
        return found

    return find


def _new(type_name: str) -> Find:
    """Find what the request makes: it has the tags that are meant for its type, and no id yet."""

    def find(call: Call) -> Iterable[Target]:
        target = _target(call, type_name, "*")
        return [Target(type_name, target.arn, target.context, _tags_for(call, type_name))]

    return find


def _tags_for(call: Call, type_name: str) -> dict[str, str]:
    specifications = call.get("TagSpecifications") or []
    return {
        key: value
        for each in specifications
        if each.get("ResourceType") == type_name
        for key, value in tags_in(each.get("Tags")).items()
    }


def _tag_on_creation(call: Call) -> Iterable[Check]:
    """What is made with tags is tagged by a request of its own, which says for what.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    for type_name in sorted({str(each.get("ResourceType")) for each in call.get("TagSpecifications") or []}):
        if tags := _tags_for(call, type_name):
            target = Target(type_name, call.arn(f"{type_name}/*"), {"ec2:Region": call.region}, tags)
            yield call.check("ec2:CreateTags", target, ec2__CreateAction=call.operation)


def _resources(call: Call) -> Iterable[Target]:
    for resource_id in call.all("Resources"):
        type_name = _PREFIXES.get(resource_id.rpartition("-")[0])
        if type_name is None:
            raise UnknownRequestError(
                f"{call.operation} is about {resource_id}, of a type that local AWS does not know"
            )
        yield _target(call, type_name, resource_id)


def _template(call: Call) -> Iterable[Target]:
    template = call.get("LaunchTemplateId") or call.world.template_id(call.need("LaunchTemplateName"))
    return [_target(call, "launch-template", template or "*")]


def _group(call: Call) -> Iterable[Target]:
    group = call.get("GroupId") or call.world.group_id(call.need("GroupName"))
    return [_target(call, "security-group", group or "*")]


def _group_rules(call: Call) -> Iterable[Target]:
    """The rules of a security group that are changed, or made with tags."""
    for each in call.get("SecurityGroupRules") or []:
        yield _target(call, "security-group-rule", str(each.get("SecurityGroupRuleId")))
    if _tags_for(call, "security-group-rule"):
        yield from _new("security-group-rule")(call)


def _association(call: Call) -> Iterable[Target]:
    """What an association connects is not in the request; one that is not there connects nothing that is allowed."""
    table_id, other = call.world.association(call.need("AssociationId")) or ("*", "")
    wanted = call.get("RouteTableId")
    for resource_id in dict.fromkeys([wanted or table_id, table_id, other]):
        if resource_id:
            kind = _PREFIXES.get(resource_id.rpartition("-")[0], "route-table")
            yield _target(call, kind, resource_id)


TABLE = table(
    {
        "CreateVpc": (on(_new("vpc")), _tag_on_creation),
        "CreateInternetGateway": (on(_new("internet-gateway")), _tag_on_creation),
        "CreateSubnet": (on(_new("subnet"), _by_id("VpcId")), _tag_on_creation),
        "CreateRouteTable": (on(_new("route-table"), _by_id("VpcId")), _tag_on_creation),
        "CreateSecurityGroup": (on(_new("security-group"), _by_id("VpcId")), _tag_on_creation),
        "CreateLaunchTemplate": (on(_new("launch-template")), _tag_on_creation),
        "CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate": on(_template),
        "CreateTags DeleteTags": on(_resources),
        "AssociateRouteTable": on(_by_id("RouteTableId", "SubnetId")),
        "DisassociateRouteTable ReplaceRouteTableAssociation": on(_association),
        "AttachInternetGateway DetachInternetGateway": on(_by_id("InternetGatewayId", "VpcId")),
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress": (on(_group, _group_rules), _tag_on_creation),
        "ModifySecurityGroupRules": on(_group, _group_rules),
        "DeleteSecurityGroup RevokeSecurityGroupEgress RevokeSecurityGroupIngress": on(_group),
        "CreateRoute DeleteRoute DeleteRouteTable ReplaceRoute": on(_by_id("RouteTableId")),
        "DeleteInternetGateway": on(_by_id("InternetGatewayId")),
        "DeleteSubnet ModifySubnetAttribute": on(_by_id("SubnetId")),
        "DeleteVpc DescribeVpcAttribute ModifyVpcAttribute": on(_by_id("VpcId")),
    }
)
