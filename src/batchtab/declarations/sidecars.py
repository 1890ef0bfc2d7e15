"""Containers beside a job's own: what each says. The job itself is the container `main`, with which all end."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, field_validator

from batchtab import choices, limits
from batchtab.declarations import command_line
from batchtab.declarations.container_fields import ContainerFields
from batchtab.declarations.fields import AllowUnquoted, Limit, invalid
from batchtab.declarations.image import ImageRef
from batchtab.declarations.table import Source
from batchtab.limits import Choice, Text

_API = "https://docs.aws.amazon.com/batch/latest/APIReference"
_CONTAINER = f"{_API}/API_TaskContainerProperties.html"
#: Of a task: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
CONTAINERS_MAX = 10
NAME = Text("^[A-Za-z0-9_-]+$", 255, "letters, digits, '_' and '-'", _CONTAINER)
CONDITION = Choice(tuple(map(str, choices.ContainerCondition)), f"{_API}/API_TaskContainerDependency.html")
ContainerName = Annotated[str, Strict(), Limit(NAME)]
Dependencies = Annotated[
    dict[Annotated[str, Strict()], Annotated[str, Strict(), Limit(CONDITION)]], Source(CONDITION.source_url)
]
VariableName = Annotated[str, Limit(limits.ENVIRONMENT_NAME), Limit(limits.RESERVED_VARIABLE)]


class Sidecar(ContainerFields):
    """A container beside the job's own. See https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html."""

    command: tuple[Annotated[str, Strict(), AllowUnquoted()], ...] = Field(
        default=(), description="Command as a list. Default: the image's own."
    )
    essential: Annotated[bool, Strict(), Source(_CONTAINER)] = Field(
        default=False, description="Whether the job ends with this container too, and fails with it."
    )
    depends_on: Dependencies = Field(
        default={},
        description="Containers that it waits for: name to START, COMPLETE (has ended) or SUCCESS (has ended with 0).",
    )
    vcpus: Annotated[float, Strict(), Source(f"{_API}/API_ResourceRequirement.html")] | None = Field(
        default=None,
        gt=0,
        description="Its own vCPUs, which are added to the job's. EC2 needs a whole number; on Fargate the default is"
        " to share the job's.",
    )
    memory_mib: Annotated[int, Strict(), Limit(limits.MEMORY_MIB)] | None = Field(
        default=None,
        description="Its own memory in MiB, which is added to the job's. EC2 needs it; on Fargate the default is to"
        " share the job's.",
    )
    environment: dict[VariableName, Annotated[str, Strict(), AllowUnquoted(), Limit(limits.EMPTY_VARIABLE)]] = Field(
        default={}, description="Its environment variables. A run's own reach `main` alone."
    )
    secrets: dict[VariableName, Annotated[str, Strict(), Limit(limits.SECRET)]] = Field(
        default={}, description="Its variables from SSM parameters or Secrets Manager secrets."
    )
    read_only_root_filesystem: Annotated[bool, Strict()] = Field(
        default=limits.JOB_DEFAULTS["read_only_root_filesystem"],
        description="Whether its own disk is read-only. /tmp is writable all the same, and no other container's.",
    )

    @field_validator("command")
    @classmethod
    def _validate_command(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and value[0] == "":
            raise invalid(command_line.NO_PROGRAM, at=(0,), value="")
        return value


class ImageSidecar(Sidecar):
    """A container beside the job's own, with its image's parts."""

    image: ImageRef | None = Field(default=None, description="Its image. Default: the job's.")
