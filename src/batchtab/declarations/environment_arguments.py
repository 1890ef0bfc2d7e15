"""Environments as their constructs and modules take them, with what a stage knows of itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.environment import ComputeEnvironment
from batchtab.declarations.fields import Limit, StrictModel
from batchtab.declarations.job_fields import TagKey, TagValue
from batchtab.declarations.queue import QueueFields
from batchtab.declarations.role_fields import RoleFields

_ENVIRONMENT = limits.ENVIRONMENT_DEFAULTS
_Text = Annotated[str, Strict()]


class PlacedEnvironment(RoleFields, ComputeEnvironment):
    """A compute environment and where it is."""

    subnet_ids: tuple[Annotated[_Text, Limit(limits.SUBNET_ID)], ...] = Field(
        min_length=1,
        description="Subnets of instances or containers; private ones with a NAT gateway or endpoints, as a rule.",
    )
    security_group_ids: tuple[Annotated[_Text, Limit(limits.SECURITY_GROUP_ID)], ...] = Field(
        min_length=1, description="Security groups."
    )
    permissions_boundary_arn: Annotated[_Text, Limit(limits.POLICY_ARN)] | None = Field(
        default=None, description="Permissions boundary of every role that is made."
    )
    tags: dict[TagKey, TagValue] = Field(
        default={}, max_length=limits.TAGS_MAX, description="Tags of everything that is made."
    )


class ComputeEnvironmentArguments(PlacedEnvironment):
    """The arguments of `ComputeEnvironment` and the variables of the module `compute_environment`."""

    namespace: Annotated[_Text, Limit(limits.NAMESPACE_ANY)] = Field(
        description="Prefix of every name, such as `batch-production`: that of the environment whose queues use it."
    )
    name: Annotated[_Text, Limit(limits.COMPUTE_ENVIRONMENT_NAME)] = Field(
        description="What follows the namespace in names, such as `spot`."
    )


class FurtherEnvironment(StrictModel):
    """A compute environment that is made elsewhere."""

    arn: Annotated[_Text, Limit(limits.COMPUTE_ENVIRONMENT_ARN)] = Field(description="Its ARN.")
    capacity: Annotated[_Text, Limit(limits.CAPACITY)] = Field(description="Its capacity.")


class EnvironmentArguments(PlacedEnvironment):
    """The arguments of `BatchEnvironment` and the variables of the module `batch_environment`."""

    namespace: Annotated[_Text, Limit(limits.NAMESPACE_ANY)] = Field(
        description="Prefix of every name, such as `batch-production`. The trigger role is for rules, schedule"
        " groups and job definitions whose names begin with it. No namespace of an account may"
        " begin with another one and a '-', as `batch-blue` does with `batch`: job `blue-x` of the one and job `x` of"
        " the other would be one rule."
    )
    further_compute_environments: dict[Annotated[_Text, Limit(limits.COMPUTE_ENVIRONMENT_NAME)], FurtherEnvironment] = (
        Field(
            default={},
            description="Compute environments beside the one made here, by names for `queue_settings`; the module"
            " compute_environment has such an object as an output.",
        )
    )
    queues: dict[Annotated[_Text, Limit(limits.QUEUE_NAME)], Annotated[int, Strict(), Limit(limits.QUEUE_PRIORITY)]] = (
        Field(
            default=dict(_ENVIRONMENT["queues"]),
            min_length=1,
            description="Job queues: name to priority; the higher number goes first. Names get"
            " `queue_name_prefix` in front.",
        )
    )
    queue_settings: dict[_Text, QueueFields] = Field(
        default={},
        description="What else queues have, by name: `compute_environments` in the order in which they are tried,"
        ' such as `["spot", "default"]`, where `default` is the one made here; `state`; `runnable_timeout_seconds`;'
        " `scheduling_policy` with fair shares, which cannot be added to a queue that exists nor removed.",
    )
    queue_name_prefix: Annotated[_Text, Limit(limits.QUEUE_NAME_PREFIX)] | None = Field(
        default=None,
        description="Prefix of the queues' names. Default: `<namespace>-`. Empty: no prefix, so that queues that"
        " exist keep their names.",
    )
    runnable_timeout_seconds: Annotated[int, Strict(), Limit(limits.RUNNABLE_TIMEOUT_SECONDS)] | None = Field(
        default=_ENVIRONMENT["runnable_timeout_seconds"],
        description="How long a job that cannot be placed may wait at the head of its queue before it is cancelled;"
        " null: forever.",
    )
    image_repository_arns: tuple[Annotated[_Text, Limit(limits.REPOSITORY_ARN)], ...] = Field(
        default=(),
        description="ECR repositories that Fargate's execution role may pull from. Default: each of this account and"
        " region.",
    )
    log_retention_days: Annotated[int, Strict(), Limit(limits.LOG_RETENTION_DAYS)] = Field(
        default=limits.STAGE_DEFAULTS["log_retention_days"], description="How long CloudWatch keeps the jobs' output."
    )
    kms_key_arn: Annotated[_Text, Limit(limits.KMS_KEY_ARN)] | None = Field(
        default=None, description="Key for the log group and the dead-letter queue. Default: AWS's own keys."
    )
    alarm_topic_arns: tuple[Annotated[_Text, Limit(limits.TOPIC_ARN)], ...] = Field(
        default=(), description="SNS topics that get a message when a trigger could not submit its job."
    )
