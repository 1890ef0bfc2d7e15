"""What `alerts:` in jobs.yaml says of a service's jobs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel


class Alerting(StrictModel):
    """What is told and where. What a job leaves out is its service's, and what that leaves out the stage's."""

    channel: Annotated[str, Strict(), Limit(limits.SLACK_CHANNEL)] = Field(
        default="",
        description="Slack channel, in quotes because of the '#'; left out: the stage's. A webhook has its own.",
    )
    mention: Annotated[str, Strict(), Limit(limits.SLACK_MENTION)] = Field(
        default="", description="Who is called: here, channel, everyone, or a user's or group's id."
    )
    mute: Annotated[bool, Strict()] = Field(default=False, description="Tell nothing, and count on.")

    late_after_seconds: Annotated[int, Strict(), Limit(limits.LATE_AFTER_SECONDS)] | None = Field(
        default=None, description="Tell a run that starts later than that after its time; left out: none."
    )

    @property
    def route(self) -> dict[str, Any]:
        """Where its alerts go."""
        return self.model_dump(exclude={"late_after_seconds"})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return self == Alerting()
