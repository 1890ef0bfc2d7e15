"""Where the alerts of a service's jobs go, as `alerts:` in jobs.yaml says it and as the alerts look it up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, Strict

from jobs import limits
from jobs.fields import Declared, Limit

if TYPE_CHECKING:
    from jobs.spec import ServiceSpec


class AlertRoute(Declared):
    """Where alerts go. What a job leaves out is its service's, and what that leaves out the stage's."""

    channel: Annotated[str, Strict(), Limit(limits.SLACK_CHANNEL)] = Field(
        default="",
        description="Slack channel, in quotes because of the '#'; left out: the stage's. A webhook has its own.",
    )
    mention: Annotated[str, Strict(), Limit(limits.SLACK_MENTION)] = Field(
        default="", description="Who is called: here, channel, everyone, or a user's or group's id."
    )
    mute: Annotated[bool, Strict()] = Field(default=False, description="Tell nothing, and count on.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return self == AlertRoute()


def routes(services: Iterable[ServiceSpec]) -> dict[str, dict[str, Any]]:
    """The routes of all services, by full names as the alerts look them up; an empty one tells the service's name.

    The alerts see only a job's full name and try every beginning of it. A job has a route of its own, which is whole,
    where a beginning would tell them something else than what was written: where the job says more than its service,
    and where a beginning of its name is another job's or service's.
    """
    services = list(services)
    owner = {service.service: service.service for service in services}
    found = {service.service: service.alerts.model_dump() for service in services}
    jobs = [(f"{one.service}-{name}", one, job) for one in services for name, job in one.jobs.items()]
    for full, service, job in sorted(jobs, key=lambda each: len(each[0])):  # each after the beginnings of its name
        begins = {owner[name] for name in found if full == name or full.startswith(f"{name}-")}
        if job.alerts != service.alerts or begins != {service.service}:
            found[full] = {**job.alerts.model_dump(), "service": service.service}
            owner[full] = full
    return {name: {key: value for key, value in route.items() if value} for name, route in sorted(found.items())}
