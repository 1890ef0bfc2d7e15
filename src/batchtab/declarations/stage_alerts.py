"""What `alerts:` in a stage's file says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, model_validator

from batchtab.declarations import alert_fields
from batchtab.declarations.alert_fields import AlertFields
from batchtab.declarations.fields import invalid


class Alerts(AlertFields):
    """Where a failed job is reported, and by which function."""

    stand_in: Annotated[bool, Strict()] = Field(
        default=False, description="Only in a local stage: make a placeholder function."
    )

    @model_validator(mode="after")
    def _validate_together(self) -> Alerts:
        for name, _, message, hint in alert_fields.faults(self):
            raise invalid(message, hint, at=(name,))
        return self
