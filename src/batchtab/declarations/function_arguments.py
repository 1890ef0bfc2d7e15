"""The arguments that constructs with a function share, and what arguments in Python may leave as None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, Strict, field_validator, model_validator

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel
from batchtab.declarations.job_fields import TagKey, TagValue, checked_tags
from batchtab.declarations.role_fields import RoleFields

KeyArn = Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)]
QueueArn = Annotated[str, Strict(), Limit(limits.JOB_QUEUE_ARN)]
Tags = dict[TagKey, TagValue]


class Arguments(StrictModel):
    """Arguments of a construct; None in place of a value says nothing, where None is no value."""

    @model_validator(mode="before")
    @classmethod
    def _leave_none_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        fields = cls.model_fields
        return {
            name: value
            for name, value in data.items()
            if value is not None or name not in fields or fields[name].get_default() is None
        }


class TaggedArguments(Arguments):
    """Arguments of a construct whose resources have tags."""

    tags: Tags = Field(default={}, max_length=limits.TAGS_MAX, description="Tags of everything made here.")

    @field_validator("tags")
    @classmethod
    def _validate_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_tags(value)


class FunctionArguments(RoleFields, TaggedArguments):
    """Arguments of a construct that makes a function which knows an environment's queues."""

    namespace: Annotated[str, Strict(), Limit(limits.NAMESPACE_ANY)] = Field(
        description="The environment's namespace; every name begins with it."
    )
    log_retention_days: Annotated[int, Strict(), Limit(limits.LOG_RETENTION_DAYS)] = Field(
        default=limits.STAGE_DEFAULTS["log_retention_days"],
        description="Days that CloudWatch keeps the function's log.",
    )
    kms_key_arn: KeyArn | None = Field(
        default=None, description="Key for the data that is kept here. Default: AWS's own keys."
    )
    permissions_boundary_arn: Annotated[str, Strict(), Limit(limits.POLICY_ARN)] | None = Field(
        default=None, description="Permissions boundary of the function's role."
    )
