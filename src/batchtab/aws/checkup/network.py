"""Network: from each subnet of the stage ECR, S3 and CloudWatch Logs can be reached.

By a default route, or by VPC endpoints: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html.
Security groups, network ACLs and the policies of endpoints are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from batchtab.aws.checkup.check import Check, Question, UncheckedError
from batchtab.aws.checkup.finding import Finding, fail
from batchtab.aws.checkup.survey import Survey
from batchtab.errors import listed

_NAME = "network"
_SERVICES = ("ecr.api", "ecr.dkr", "logs", "s3")
#: Of instances, whose agent asks ECS for work. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
_OF_INSTANCES = ("ecs", "ecs-agent", "ecs-telemetry")


def checks(survey: Survey) -> list[Check]:
    """The subnets, their routes and the endpoints of their VPC."""
    subnets = _subnets(survey)
    if not subnets:  # a network that is not made yet, or Batch did not say; either has a line of its own
        return []
    question = Question(f"subnets {listed(subnets)}", lambda: _problems(survey, subnets))
    good = f"ECR, S3 and CloudWatch Logs can be reached from {len(subnets)} subnet{'s' if len(subnets) > 1 else ''}"
    return [Check(_NAME, good, [question])]


def _subnets(survey: Survey) -> list[str]:
    declared = survey.stage.network.subnet_ids
    made = (each.get("computeResources", {}).get("subnets", ()) for each in survey.own_environments())
    return list(dict.fromkeys(declared or [subnet for each in made for subnet in each]))


@dataclass(frozen=True)
class Vpc:
    """The routes and the endpoints of a VPC.

    Attributes:
        tables: Route tables, as EC2 describes them.
        endpoints: Likewise.
    """

    tables: Sequence[Mapping[str, Any]]
    endpoints: Sequence[Mapping[str, Any]]

    def table(self, subnet: str) -> Mapping[str, Any]:
        """A subnet's route table: its own, else the VPC's main one."""
        own = (each for each in self.tables if any(a.get("SubnetId") == subnet for a in each["Associations"]))
        main = (each for each in self.tables if any(a.get("Main") for a in each["Associations"]))
        return next(own, None) or next(main, {})

    def reached(self, table: Mapping[str, Any]) -> set[str]:
        """The services that have an endpoint for subnets of a route table, such as `ecr.api`."""
        return {
            name
            for endpoint in self._available
            if endpoint.get("VpcEndpointType") != "Gateway" or table.get("RouteTableId") in endpoint["RouteTableIds"]
            for name in (*_SERVICES, *_OF_INSTANCES)
            if str(endpoint["ServiceName"]).endswith(f".{name}")
        }

    @cached_property
    def _available(self) -> list[Mapping[str, Any]]:
        return [each for each in self.endpoints if str(each.get("State", "available")).lower() == "available"]


def way_out(table: Mapping[str, Any]) -> str:
    """Where a route table's default route leads: an id such as `igw-…` or `nat-…`; empty if it leads nowhere."""
    for route in table.get("Routes") or ():
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State", "active") == "active":
            ids = (value for name, value in route.items() if name.endswith("Id") and name != "DestinationPrefixListId")
            return str(next(filter(None, ids), ""))
    return ""


def _problems(survey: Survey, wanted: Sequence[str]) -> Iterator[Finding]:
    ec2 = survey.client("ec2")
    # By a filter: ids that are not there would refuse the call.
    chosen = [{"Name": "subnet-id", "Values": list(wanted)}]
    subnets = {each["SubnetId"]: each for each in ec2.describe_subnets(Filters=chosen)["Subnets"]}
    for missing in (each for each in wanted if each not in subnets):
        fix = f"network.subnet_ids in config/{survey.stage.name}.yaml, then {survey.deploy}"
        yield fail(_NAME, f"subnet {missing}", f"does not exist in {survey.stage.region}", fix)
    if not subnets:
        return
    vpcs = sorted({each["VpcId"] for each in subnets.values()})
    in_vpc = [{"Name": "vpc-id", "Values": vpcs}]
    tables = ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    for name, subnet in subnets.items():
        own = [each for each in endpoints if each.get("VpcId") == subnet["VpcId"]]
        vpc = Vpc([each for each in tables if each.get("VpcId") == subnet["VpcId"]], own)
        table = vpc.table(name)
        if not table:
            raise UncheckedError(f"subnet {name} has no route table")
        yield from _reach(survey, subnet, table, vpc.reached(table))


def _reach(survey: Survey, subnet: Mapping[str, Any], table: Mapping[str, Any], reached: set[str]) -> Iterator[Finding]:
    stage, name = survey.stage, subnet["SubnetId"]
    gateway = way_out(table)
    kinds = {each.is_fargate for each in stage.compute_environments.values()}
    for is_fargate in sorted(kinds):
        missing = [each for each in _SERVICES + (() if is_fargate else _OF_INSTANCES) if each not in reached]
        if not missing or (gateway and not gateway.startswith("igw-")):
            continue
        if not gateway:
            route = f"aws ec2 create-route --route-table-id {table['RouteTableId']} --destination-cidr-block 0.0.0.0/0"
            text = f"has no default route, and no VPC endpoint for {listed(missing)}"
            yield fail(_NAME, f"subnet {name}", text, f"{route} --nat-gateway-id NAT {survey.where}, or the endpoints")
            return  # of both kinds
        if is_fargate:
            yield from _private_tasks(survey, name, gateway)
        elif not subnet.get("MapPublicIpOnLaunch") and not _own_template(survey):
            fix = f"aws ec2 modify-subnet-attribute --subnet-id {name} --map-public-ip-on-launch {survey.where}"
            text = f"leads to {gateway}, and instances in it get no public address"
            yield fail(_NAME, f"subnet {name}", text, f"{fix}, or a NAT gateway")


def _private_tasks(survey: Survey, subnet: str, gateway: str) -> Iterator[Finding]:
    on_fargate = [job for job in survey.jobs if survey.stage.is_fargate(job.spec.queue)]
    names = [job.full for job in on_fargate if not job.spec.assign_public_ip]
    if names:
        text = f"leads to {gateway}, and tasks of {listed(names[:3])}"
        text += f" and {len(names) - 3} more" if len(names) > 3 else ""
        fix = f"assign_public_ip: true in jobs.yaml, then {survey.deploy}; or a NAT gateway"
        yield fail(_NAME, f"subnet {subnet}", f"{text} get no public address", fix)


def _own_template(survey: Survey) -> bool:
    """Whether a launch template of the user's may give instances a public address."""
    return any(each.launch_template_id for each in survey.stage.compute_environments.values())
