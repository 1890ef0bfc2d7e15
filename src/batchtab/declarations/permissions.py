"""Parts of a job's declaration: what its role may do, and which of its failures are retried."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, model_validator

from batchtab import limits
from batchtab.declarations.fields import AllowUnquoted, Limit, StrictModel, invalid


class Permission(StrictModel):
    """A statement of the job's own role."""

    actions: tuple[Annotated[str, Strict(), Limit(limits.IAM_ACTION)], ...] = Field(
        min_length=1, description="Such as s3:GetObject; '*' alone is refused."
    )
    resources: tuple[Annotated[str, Strict(), Limit(limits.RESOURCE_ARN)], ...] = Field(
        min_length=1, description="ARNs; '*' only for actions that AWS can't limit."
    )

    allow_wide: Annotated[bool, Strict()] = Field(
        default=False,
        description="Say true where the job is meant to change who may do what: iam:* and its like need it.",
    )

    @model_validator(mode="after")
    def _validate_wide(self) -> Permission:
        for index, action in enumerate(self.actions):
            if not self.allow_wide and limits.is_wide(action, self.resources):
                hint = "name the actions and roles that it needs, or say allow_wide: true beside them"
                raise invalid(limits.WIDE, hint, at=("actions", index), value=action)
        return self


class ExitRule(StrictModel):
    """What to do after a failed attempt that meets all the conditions given here.

    Batch retries what no rule matches; therefore an EXIT for all else is added, unless the last rule matches whatever
    happened: with '*' as on_reason or on_status_reason, and nothing else.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """

    action: Annotated[str, Strict(), Limit(limits.EVALUATE_ON_EXIT_ACTION)] = Field(description="RETRY or EXIT.")
    on_exit_code: Annotated[str, Strict(), Limit(limits.ON_EXIT_CODE), AllowUnquoted()] | None = Field(
        default=None, description="Such as 137 or 1*. A failure of the infrastructure has none: '*' does not match it."
    )
    on_reason: Annotated[str, Strict(), Limit(limits.ON_REASON)] | None = Field(
        default=None, description="The container's reason, such as 'CannotPullContainerError:*'."
    )
    on_status_reason: Annotated[str, Strict(), Limit(limits.ON_REASON)] | None = Field(
        default=None, description="The job's reason, such as 'Host EC2*' for a reclaimed Spot instance."
    )

    @property
    def catches_all(self) -> bool:
        """Whether no failure gets past it."""
        return limits.catches_all(self.model_dump())

    @model_validator(mode="after")
    def _validate_conditions(self) -> ExitRule:
        if all(getattr(self, name) is None for name in limits.EVALUATE_ON_EXIT_CONDITIONS):
            raise invalid(f"has no condition: at least one of {', '.join(limits.EVALUATE_ON_EXIT_CONDITIONS)}")
        return self
