"""The stage's compute environment and network, as its file describes them."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, Strict, field_validator, model_validator

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel, invalid

_ENVIRONMENT = limits.ENVIRONMENT_DEFAULTS
Queues = dict[Annotated[str, Limit(limits.QUEUE_NAME)], Annotated[int, Strict(), Limit(limits.QUEUE_PRIORITY)]]


class Network(StrictModel):
    """A network to make, or parts of one that exists."""

    create: Annotated[bool, Strict()] = Field(
        default=False, description="Make a VPC with two subnets and a security group."
    )
    cidr: Annotated[str, Strict()] | None = Field(
        default=None, description=f"Addresses of the VPC that is made; left out: {limits.NETWORK_CIDR}."
    )
    subnet_ids: tuple[Annotated[str, Strict(), Limit(limits.SUBNET_ID)], ...] = Field(
        default=(), description="Subnets of one VPC that exists."
    )
    security_group_ids: tuple[Annotated[str, Strict(), Limit(limits.SECURITY_GROUP_ID)], ...] = Field(
        default=(), description="Security groups of the same VPC."
    )

    @field_validator("cidr")
    @classmethod
    def _validate_cidr(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            network = ipaddress.IPv4Network(value)
        except ValueError:
            raise invalid(f"is not a range of addresses, such as {limits.NETWORK_CIDR}") from None
        refusal = limits.VPC_PREFIX_LENGTH.refusal(network.prefixlen)
        if refusal:
            raise invalid(f"has a prefix that {refusal}")
        return value

    @model_validator(mode="after")
    def _validate_choice(self) -> Network:
        given = [name for name in ("subnet_ids", "security_group_ids") if getattr(self, name)]
        if self.create and given:
            raise invalid("is given beside create: true: one or the other", at=(given[0],))
        if not self.create and self.cidr is not None:
            raise invalid("is only for a network that is made", "add create: true", at=("cidr",), value=self.cidr)
        if not self.create and len(given) < 2:
            lacking = "subnet_ids" if "subnet_ids" not in given else "security_group_ids"
            raise invalid("is missing", "give subnet_ids and security_group_ids, or create: true", at=(lacking,))
        return self


class Environment(StrictModel):
    """Where jobs run, and the queues in which they wait."""

    capacity: Annotated[str, Strict(), Limit(limits.CAPACITY)] = Field(
        default=_ENVIRONMENT["capacity"],
        description="EC2 and FARGATE are on demand; SPOT and FARGATE_SPOT may interrupt a job.",
    )
    instance_types: tuple[Annotated[str, Strict(), Limit(limits.INSTANCE_TYPE)], ...] = Field(
        default=_ENVIRONMENT["instance_types"], min_length=1, description="On EC2: optimal, families or types."
    )
    min_vcpus: Annotated[int, Strict(), Limit(limits.MIN_VCPUS)] = Field(
        default=_ENVIRONMENT["min_vcpus"], description="On EC2: kept running, and paid, even when no job is there."
    )
    max_vcpus: Annotated[int, Strict(), Limit(limits.MAX_VCPUS)] = Field(
        default=_ENVIRONMENT["max_vcpus"], description="All jobs together."
    )
    queues: Queues = Field(
        default=dict(_ENVIRONMENT["queues"]),
        min_length=1,
        max_length=limits.QUEUES_MAX,
        description="Name to priority; of several queues the one with the higher number goes first.",
    )
    runnable_timeout_seconds: Annotated[int, Strict(), Limit(limits.RUNNABLE_TIMEOUT_SECONDS)] | None = Field(
        default=_ENVIRONMENT["runnable_timeout_seconds"],
        description="Cancel a job that waits at the head of its queue for so long; null: never.",
    )

    @property
    def is_fargate(self) -> bool:
        """Whether jobs run on Fargate, where sizes come in fixed pairs."""
        return self.capacity in limits.FARGATE_CAPACITIES

    @model_validator(mode="after")
    def _validate_capacity(self) -> Environment:
        if self.is_fargate:
            for name in ("instance_types", "min_vcpus"):
                if name in self.model_fields_set:
                    raise invalid(
                        f"is only for EC2 and SPOT, and the capacity is {self.capacity}", "leave it out", at=(name,)
                    )
        elif self.min_vcpus > self.max_vcpus:
            raise invalid(f"is more than max_vcpus, {self.max_vcpus}", at=("min_vcpus",), value=self.min_vcpus)
        return self
