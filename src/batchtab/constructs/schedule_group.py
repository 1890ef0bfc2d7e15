"""A group for the schedules of one service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.aws import SchedulerScheduleGroup
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource


class ScheduleGroup(BatchtabConstruct):
    """Contains a service's schedules, so that they can be listed, tagged and removed together.

    See https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        service: str,
        when: Condition = True,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the group.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: The environment's: its trigger role may be taken for groups with names that begin with it.
            service: The service's name.
            when: Whether it exists.
            tags: On the group.
        """
        super().__init__(scope, id_)
        self.group = create_resource(
            self,
            SchedulerScheduleGroup,
            "group",
            when=when,
            tags=as_map(tags),
            name=shorten(f"{namespace}-{service}", limits.SCHEDULE_NAME_MAX),
        )

    @property
    def name(self) -> Any:
        """The group's name."""
        return self.group["name"]
