"""The stage's compute environments and network, as its file describes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, Strict, field_validator, model_validator

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel, invalid
from batchtab.declarations.queue import QueueOrPriority
from batchtab.declarations.table import Hidden
from batchtab.errors import did_you_mean, listed

_ENVIRONMENT = limits.ENVIRONMENT_DEFAULTS
_OF_HOSTS = (
    *("instance_types", "min_vcpus", "allocation_strategy", "bid_percentage", "root_volume_gib", "user_data"),
    *("launch_template_id", "launch_template_version", "image_type", "image_id", "instance_profile_arn"),
    *("job_execution_timeout_minutes", "terminate_jobs_on_update"),
)
# What is said in a launch template, and so not beside one of the user's own.
_IN_TEMPLATE = ("root_volume_gib", "user_data")
_Text = Annotated[str, Strict()]


# Said of settings that are refused, in a stage's file and by the constructs alike.
NO_EFFECT_BESIDE = "cannot be used together with launch_template_id"
SAY_IN_TEMPLATE = "say it in the template, or leave launch_template_id out"


def only_for(kinds: str, capacity: str) -> str:
    """Said of a setting that a capacity does not have."""
    return f"is only for {kinds}, and the capacity is {capacity}"


def missing_beside(other: str) -> str:
    """Said of one of two settings if the other is given."""
    return f"is missing beside {other}"


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


class ComputeEnvironment(StrictModel):
    """Capacity on which jobs run.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
    """

    capacity: Annotated[str, Strict(), Limit(limits.CAPACITY)] = Field(
        default=_ENVIRONMENT["capacity"],
        description="What jobs run on. EC2 and FARGATE are on demand, SPOT and FARGATE_SPOT may interrupt a job. A"
        " change creates a new compute environment first.",
    )
    instance_types: tuple[Annotated[str, Strict(), Limit(limits.INSTANCE_TYPE)], ...] = Field(
        default=_ENVIRONMENT["instance_types"],
        min_length=1,
        description="For EC2 and SPOT: families or types of instances, or `optimal`, `default_x86_64` or"
        " `default_arm64`, which let Batch choose.",
    )
    min_vcpus: Annotated[int, Strict(), Limit(limits.MIN_VCPUS)] = Field(
        default=_ENVIRONMENT["min_vcpus"],
        description="For EC2 and SPOT: vCPUs that are kept running, and billed, even when no job runs.",
    )
    max_vcpus: Annotated[int, Strict(), Limit(limits.MAX_VCPUS)] = Field(
        default=_ENVIRONMENT["max_vcpus"], description="vCPUs of all running jobs together."
    )
    state: Annotated[str, Strict(), Limit(limits.STATE)] = Field(
        default=_ENVIRONMENT["state"],
        description="Whether jobs start on it. DISABLED starts no more jobs; running jobs continue.",
    )
    allocation_strategy: Annotated[str, Strict(), Limit(limits.ALLOCATION_STRATEGY)] | None = Field(
        default=None,
        description="For EC2 and SPOT: how instances are chosen. Default: BEST_FIT_PROGRESSIVE on EC2,"
        " SPOT_CAPACITY_OPTIMIZED on SPOT. With SPOT_PRICE_CAPACITY_OPTIMIZED provider 5 replaces the"
        " environment for changes that otherwise happen in place.",
    )
    bid_percentage: Annotated[int, Strict(), Limit(limits.BID_PERCENTAGE)] | None = Field(
        default=None, description="For SPOT: the highest price, in percent of that on demand. Default: 100."
    )
    root_volume_gib: Annotated[int, Strict(), Limit(limits.ROOT_VOLUME_GIB)] = Field(
        default=_ENVIRONMENT["root_volume_gib"], description="For EC2 and SPOT: root volume of each instance in GiB."
    )
    user_data: Annotated[_Text, Limit(limits.USER_DATA), Hidden()] | None = Field(
        default=None,
        description="For EC2 and SPOT: what an instance runs when it starts, as a MIME multi-part archive.",
    )
    launch_template_id: Annotated[_Text, Limit(limits.LAUNCH_TEMPLATE_ID)] | None = Field(
        default=None,
        description="For EC2 and SPOT: your own launch template, in place of root_volume_gib and user_data. Default:"
        " one is made.",
    )
    launch_template_version: Annotated[int, Strict(), Limit(limits.LAUNCH_TEMPLATE_VERSION)] | None = Field(
        default=None,
        description="Version of launch_template_id, such as its `latest_version`: instances change when it does.",
    )
    image_type: Annotated[str, Strict(), Limit(limits.IMAGE_TYPE)] | None = Field(
        default=None, description="For EC2 and SPOT: the instances' system. Default: AWS's."
    )
    image_id: Annotated[_Text, Limit(limits.IMAGE_ID)] | None = Field(
        default=None,
        description="For EC2 and SPOT: your own AMI, of image_type or else ECS_AL2023. Default: AWS's newest.",
    )
    instance_profile_arn: Annotated[_Text, Limit(limits.INSTANCE_PROFILE_ARN)] | None = Field(
        default=None,
        description="For EC2 and SPOT: an instance profile of yours, whose role has"
        " AmazonEC2ContainerServiceforEC2Role. Default: one is made.",
    )
    job_execution_timeout_minutes: Annotated[int, Strict(), Limit(limits.JOB_EXECUTION_TIMEOUT_MINUTES)] = Field(
        default=_ENVIRONMENT["job_execution_timeout_minutes"],
        description="For EC2 and SPOT: how long a running job delays the replacement of its instance.",
    )
    terminate_jobs_on_update: Annotated[bool, Strict()] = Field(
        default=_ENVIRONMENT["terminate_jobs_on_update"],
        description="For EC2 and SPOT: whether jobs end at once when their instance is replaced.",
    )

    @property
    def is_fargate(self) -> bool:
        """Whether jobs run on Fargate, where sizes come in fixed pairs."""
        return self.capacity in limits.FARGATE_CAPACITIES

    @model_validator(mode="after")
    def _validate_capacity(self) -> ComputeEnvironment:
        if self.is_fargate:
            for name in _OF_HOSTS:
                if name in self.model_fields_set:
                    raise invalid(only_for("EC2 and SPOT", self.capacity), "leave it out", at=(name,))
        elif self.min_vcpus > self.max_vcpus:
            raise invalid(f"is more than max_vcpus, {self.max_vcpus}", at=("min_vcpus",), value=self.min_vcpus)
        if self.capacity != "SPOT":
            text, strategy = only_for("SPOT", self.capacity), self.allocation_strategy
            if self.bid_percentage is not None:
                raise invalid(text, "leave it out", at=("bid_percentage",), value=self.bid_percentage)
            if strategy is not None and strategy.startswith("SPOT_"):
                raise invalid(text, "BEST_FIT_PROGRESSIVE", at=("allocation_strategy",), value=strategy)
        return self

    @model_validator(mode="after")
    def _validate_template(self) -> ComputeEnvironment:
        if (self.launch_template_id is None) != (self.launch_template_version is None):
            lacking = "launch_template_id" if self.launch_template_id is None else "launch_template_version"
            other = "launch_template_version" if self.launch_template_id is None else "launch_template_id"
            raise invalid(missing_beside(other), "give both", at=(lacking,))
        for name in _IN_TEMPLATE if self.launch_template_id else ():
            if name in self.model_fields_set:
                raise invalid(NO_EFFECT_BESIDE, SAY_IN_TEMPLATE, at=(name,))
        return self


class Environment(ComputeEnvironment):
    """Where jobs run, and the queues in which they wait."""

    queues: dict[Annotated[str, Limit(limits.QUEUE_NAME)], QueueOrPriority] = Field(
        default=dict(_ENVIRONMENT["queues"]),
        validate_default=True,
        min_length=1,
        max_length=limits.QUEUES_MAX,
        description="Name to priority (the higher number goes first), or to {priority: 5, …}.",
    )
    runnable_timeout_seconds: Annotated[int, Strict(), Limit(limits.RUNNABLE_TIMEOUT_SECONDS)] | None = Field(
        default=_ENVIRONMENT["runnable_timeout_seconds"],
        description="How long a job that cannot be placed may wait at the head of its queue before it is cancelled;"
        " null: forever.",
    )


def made(own: Environment, others: Mapping[str, ComputeEnvironment]) -> dict[str, ComputeEnvironment]:
    """The environments that some queue names, by their names; `default` is the stage's own."""
    named = {name for queue in own.queues.values() for name in queue.compute_environments}
    return {name: each for name, each in {limits.OWN_ENVIRONMENT: own, **others}.items() if name in named}


def check_order(environment: Environment, others: Mapping[str, ComputeEnvironment]) -> None:
    """Refuses what queues name and is not there, what Batch takes in no queue, and what no queue names.

    Args:
        environment: The stage's own, with the queues.
        others: Those in `environments`.

    Raises:
        PydanticCustomError: as a validator of the stage may.
    """
    own = limits.OWN_ENVIRONMENT
    if own in others:
        raise invalid(f"is what queues call the one in environment: not {own}", at=("environments", own))
    known = {own: environment, **others}
    for queue, settings in environment.queues.items():
        at = ("environment", "queues", queue, "compute_environments")
        for index, name in enumerate(settings.compute_environments):
            if name not in known:
                hint = did_you_mean(name, list(known))
                raise invalid(f"is not an environment: {listed(known)}", hint, at=(*at, index), value=name)
        if len({known[name].is_fargate for name in settings.compute_environments}) > 1:
            kinds = ", ".join(f"{name} is {known[name].capacity}" for name in settings.compute_environments)
            text = f"mixes Fargate with EC2 or SPOT, which Batch takes in no queue: {kinds}"
            raise invalid(text, "a queue for each of the two", at=at)
    used = made(environment, others)
    for name in others:
        if name not in used:
            hint = f"queues: {{default: {{priority: 5, compute_environments: [{name}]}}}}"
            raise invalid("is used by no queue", hint, at=("environments", name))
    said = environment.model_fields_set & ComputeEnvironment.model_fields.keys()
    if said and own not in used:
        text = f"has no effect: each queue names its compute_environments, and none {own}"
        raise invalid(text, f"leave it out, or add {own} to a queue", at=("environment", min(said)))
