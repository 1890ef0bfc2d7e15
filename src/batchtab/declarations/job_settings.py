"""JobSettings: what a job may say, and what a service's `defaults` may say for all its jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, Strict, field_validator, model_validator

from batchtab import limits
from batchtab.declarations.fields import AllowUnquoted, Limit, invalid
from batchtab.declarations.image import ImageRef
from batchtab.declarations.permissions import ExitRule, Permission
from batchtab.declarations.trigger_fields import TriggerSettings

Flag = Annotated[bool, Strict()]
Line = Annotated[str, Strict()]
PlainText = Annotated[str, Strict(), AllowUnquoted()]


def _not_reserved(name: str) -> str:
    if name.upper().startswith(limits.RESERVED_ENVIRONMENT_PREFIX):
        raise invalid("is reserved: Batch sets the names that begin with AWS_BATCH")
    return name


def _not_empty(value: str) -> str:
    if not value:
        raise invalid("is empty, and Batch drops variables without a value", "leave it out")
    return value


ParameterName = Annotated[str, Limit(limits.ENVIRONMENT_NAME)]
VariableName = Annotated[str, Limit(limits.ENVIRONMENT_NAME), AfterValidator(_not_reserved)]
VariableValue = Annotated[str, Strict(), AllowUnquoted(), AfterValidator(_not_empty)]
RoleArn = Annotated[str, Strict(), Limit(limits.ROLE_ARN)]
_JOB = limits.JOB_DEFAULTS


class JobSettings(TriggerSettings):
    """What a job may say and what a service's `defaults` may say for all its jobs."""

    description: Line | None = Field(default=None, max_length=limits.DESCRIPTION_MAX, description="What it is for.")
    image: ImageRef | None = Field(
        default=None, description="The image; left out: the service's, else the shared runner's."
    )
    queue: Annotated[str, Strict(), Limit(limits.QUEUE_NAME)] = Field(
        default=_JOB["queue"], description="One of the stage's queues, by its short name."
    )
    vcpus: Annotated[float, Strict()] = Field(
        default=_JOB["vcpus"], gt=0, description="Whole ones on EC2; on Fargate 0.25 to 32 with a matching memory_mib."
    )
    memory_mib: Annotated[int, Strict(), Limit(limits.MEMORY_MIB)] = Field(
        default=_JOB["memory_mib"], description="Hard limit in MiB: a job that needs more is killed."
    )
    timeout_seconds: Annotated[int, Strict(), Limit(limits.TIMEOUT_SECONDS)] = Field(
        default=_JOB["timeout_seconds"],
        description="Longest run of one attempt, counted from its start; a timed-out attempt is not retried.",
    )
    attempts: Annotated[int, Strict(), Limit(limits.ATTEMPTS)] = Field(
        default=_JOB["attempts"], description="Starts in all: 1 is no retry."
    )
    evaluate_on_exit: tuple[ExitRule, ...] = Field(
        default=(), description="Which failures are retried; what no rule names is not. With attempts above 1 only."
    )
    array_size: Annotated[int, Strict(), Limit(limits.ARRAY_SIZE)] | None = Field(
        default=None, description="Start that many children, told apart by AWS_BATCH_JOB_ARRAY_INDEX."
    )
    environment: dict[VariableName, VariableValue] = Field(default={}, description="Environment variables.")
    secrets: dict[VariableName, Annotated[str, Strict(), Limit(limits.SECRET)]] = Field(
        default={}, description="Environment variables read at start: name to SSM parameter or Secrets Manager secret."
    )
    parameters: dict[ParameterName, PlainText] = Field(
        default={}, description="What stands for Ref::name in the command."
    )
    permissions: tuple[Permission, ...] = Field(default=(), description="What the job's own role may do.")
    job_role_arn: RoleArn | None = Field(
        default=None, description="A role of yours for the job's code; left out: one is made."
    )
    execution_role_arn: RoleArn | None = Field(
        default=None, description="A role of yours that pulls the image and reads secrets; left out: made where needed."
    )
    read_only_root_filesystem: Flag = Field(
        default=_JOB["read_only_root_filesystem"], description="Whether the container can't write outside its mounts."
    )
    ephemeral_storage_gib: Annotated[int, Strict(), Limit(limits.EPHEMERAL_STORAGE_GIB)] | None = Field(
        default=None, description="Disk on Fargate in GiB; left out: 20."
    )
    assign_public_ip: Flag = Field(
        default=_JOB["assign_public_ip"], description="Fargate in a subnet without NAT needs it."
    )
    suspend: Flag = Field(default=_JOB["suspend"], description="Keep the schedule, but don't fire.")
    tags: dict[Line, PlainText] = Field(
        default={}, max_length=limits.TAGS_MAX, description="Tags of all that the job is made of."
    )

    @field_validator("vcpus")
    @classmethod
    def _validate_vcpus(cls, value: float) -> float:
        if value < 1 and value not in limits.FARGATE_SIZES:
            sizes = ", ".join(f"{size:g}" for size in limits.FARGATE_SIZES)
            raise invalid(f"is not allowed: a whole number on EC2, or one of {sizes} on Fargate")
        return value

    @field_validator("tags")
    @classmethod
    def _validate_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_tags(value)

    @field_validator("evaluate_on_exit")
    @classmethod
    def _validate_rules(cls, rules: tuple[ExitRule, ...]) -> tuple[ExitRule, ...]:
        most = limits.EVALUATE_ON_EXIT_RULES_MAX
        if rules and not rules[-1].catches_all:
            if len(rules) == most:
                text = f"has {most} rules, and Batch takes {most} with the EXIT for all else that ends them"
                raise invalid(f"{text}: at most {most - 1}")
        elif len(rules) > most:
            raise invalid(f"has {len(rules)} rules: at most {most}")
        return rules

    @model_validator(mode="after")
    def _validate_together(self) -> JobSettings:
        both = sorted(set(self.environment) & set(self.secrets))
        if both:
            raise invalid("is in environment and in secrets: one name, one value", at=("secrets", both[0]))
        if self.permissions and self.job_role_arn:
            hint = "give that role the permissions, or leave job_role_arn out"
            raise invalid(
                "has no effect beside job_role_arn, a role that is managed elsewhere", hint, at=("permissions",)
            )
        return self


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags as AWS takes them; raises what a pydantic validator may raise."""
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise invalid("is reserved: AWS sets the tags that begin with aws:", at=(key,))
        if key.lower().startswith("batchtab:"):
            raise invalid("is reserved: Batchtab sets the tags that begin with batchtab:", at=(key,))
        if not 1 <= len(key) <= limits.TAG_KEY_MAX:
            raise invalid(f"has a name of {len(key)} characters: 1 to {limits.TAG_KEY_MAX}", at=(key,))
        if len(value) > limits.TAG_VALUE_MAX:
            raise invalid(f"is {len(value)} characters long: at most {limits.TAG_VALUE_MAX}", at=(key,))
    return tags
