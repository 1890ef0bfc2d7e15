"""A VPC with two public subnets and a security group that lets nothing in."""

from __future__ import annotations

import ipaddress

from constructs import Construct

from batchtab.constructs._terraform.aws import (
    DataAwsAvailabilityZones,
    DataAwsAvailabilityZonesFilter,
    DefaultSecurityGroup,
    InternetGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupEgress,
    Subnet,
    Vpc,
)
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource

_SUBNETS = 2
_SUBNET_BITS = 4


class Network(BatchtabConstruct):
    """Where a stage's jobs run if the company has no network for them.

    The subnets are public, because a job has to reach ECR and a NAT gateway costs more than many a stage's jobs; the
    security group lets everything out and nothing in. A company's own private subnets are the better choice where they
    exist.
    """

    def __init__(self, scope: Construct, id_: str, *, namespace: str, cidr: str) -> None:
        """Makes the network.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: What names begin with.
            cidr: Addresses of the VPC, at most a /24; each subnet gets a sixteenth.
        """
        super().__init__(scope, id_)
        tags = {"Name": namespace}
        vpc = create_resource(
            self, Vpc, "vpc", cidr_block=cidr, enable_dns_hostnames=True, enable_dns_support=True, tags=tags
        )
        # AWS's own group of each VPC lets members talk to each other; without rules it lets nothing.
        create_resource(self, DefaultSecurityGroup, "default_security_group", vpc_id=vpc["id"], tags=tags)
        gateway = create_resource(self, InternetGateway, "internet_gateway", vpc_id=vpc["id"], tags=tags)
        table = create_resource(self, RouteTable, "route_table", vpc_id=vpc["id"], tags=tags)
        create_resource(
            self,
            Route,
            "default_route",
            route_table_id=table["id"],
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway["id"],
        )
        # Not the Local Zones of the account, which would come and go with its opt-ins.
        zones = create_resource(
            self,
            DataAwsAvailabilityZones,
            "available",
            state="available",
            filter=[DataAwsAvailabilityZonesFilter(name="opt-in-status", values=["opt-in-not-required"])],
        )
        ranges = ipaddress.ip_network(cidr).subnets(prefixlen_diff=_SUBNET_BITS)
        subnets = []
        for index, range_ in zip(range(_SUBNETS), ranges, strict=False):
            subnet = create_resource(
                self,
                Subnet,
                f"subnet_{index}",
                vpc_id=vpc["id"],
                cidr_block=str(range_),
                availability_zone=zones[f"names[{index}]"],
                map_public_ip_on_launch=True,
                tags=tags,
            )
            create_resource(
                self,
                RouteTableAssociation,
                f"subnet_{index}_route_table",
                subnet_id=subnet["id"],
                route_table_id=table["id"],
            )
            subnets.append(subnet)
        group = create_resource(
            self,
            SecurityGroup,
            "security_group",
            name=f"{namespace}-jobs",
            description="Jobs: everything out, nothing in",
            vpc_id=vpc["id"],
            egress=[
                SecurityGroupEgress(
                    description="Images, logs and whatever the jobs call",
                    protocol="-1",
                    from_port=0,
                    to_port=0,
                    cidr_blocks=["0.0.0.0/0"],
                )
            ],
            tags=tags,
        )
        self.subnet_ids: list[Expression] = [subnet["id"] for subnet in subnets]
        self.security_group_id = group["id"]
