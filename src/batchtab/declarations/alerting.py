"""What `alerts:` in jobs.yaml says of a service's jobs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel

LateAfterSeconds = Annotated[int, Strict(), Limit(limits.LATE_AFTER_SECONDS)]


class Route(StrictModel):
    """Which alerts go where."""

    channel: Annotated[str, Strict(), Limit(limits.SLACK_CHANNEL)] = Field(
        default="",
        description="Slack channel, with its `#`, in quotes. Default: the stage's. A webhook has its own.",
    )
    mention: Annotated[str, Strict(), Limit(limits.SLACK_MENTION)] = Field(
        default="", description="Who is called: here, channel, everyone, or a user's or group's id."
    )
    mute: Annotated[bool, Strict()] = Field(
        default=False, description="Whether nothing is sent; failures are counted all the same."
    )


class Alerting(Route):
    """Which alerts go where. What a job leaves out is its service's, and what that leaves out the stage's."""

    late_after_seconds: LateAfterSeconds | None = Field(
        default=None, description="Report a run that starts more than this many seconds after its time. Default: none."
    )

    @property
    def route(self) -> dict[str, Any]:
        """Where its alerts go."""
        return self.model_dump(exclude={"late_after_seconds"})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return self == Alerting()
