"""What a job says of its containers together: where they run, what they share, and which there are beside its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, Strict

from batchtab import choices
from batchtab.declarations.container_fields import ContainerFields, PlatformVersion, Volume, VolumeName
from batchtab.declarations.fields import Limit
from batchtab.declarations.sidecars import CONTAINERS_MAX, ContainerName, Dependencies, Sidecar
from batchtab.declarations.table import Only, Source
from batchtab.limits import Choice, Range

_API = "https://docs.aws.amazon.com/batch/latest/APIReference"
Architecture = Choice(tuple(map(str, choices.Architecture)), f"{_API}/API_RuntimePlatform.html")


class TaskFields(ContainerFields):
    """What a job, and a service's `defaults`, may say of its containers; `container` takes what has no field."""

    architecture: Annotated[str, Strict(), Limit(Architecture)] = Field(
        default="x86_64",
        description="The processor that the image is built for. On EC2 the environment's instance types decide.",
    )
    platform_version: Annotated[str, Strict(), Limit(PlatformVersion), Only("Fargate")] | None = Field(
        default=None, description="The Fargate platform version, such as '1.4.0'. Default: LATEST."
    )
    volumes: Annotated[dict[Annotated[str, Strict(), Limit(VolumeName)], Volume], Source(f"{_API}/API_Volume.html")] = (
        Field(
            default={},
            description="Volumes by name: an EFS file system, a folder of the EC2 instance, or an empty folder.",
        )
    )
    exec: Annotated[bool, Strict(), Source(f"{_API}/API_ContainerProperties.html")] = Field(
        default=False,
        description="Whether `aws ecs execute-command` may open a shell in a running container, whose root must then be"
        " writable.",
    )
    containers: Annotated[Mapping[ContainerName, Sidecar], Source(f"{_API}/API_TaskContainerProperties.html")] = Field(
        default={},
        max_length=CONTAINERS_MAX - 1,
        description="Containers beside the job's own, which is called `main`: name to container. They are stopped when"
        " `main` ends.",
    )
    main_depends_on: Dependencies = Field(
        default={},
        description="Containers that `main` waits for: name to START, COMPLETE (has ended) or SUCCESS (has ended"
        " with 0).",
    )
    nodes: (
        Annotated[int, Strict(), Limit(Range(2, 1000, "nodes", f"{_API}/API_NodeProperties.html")), Only("EC2")] | None
    ) = Field(
        default=None,
        description="Number of instances that run the job at once (multi-node parallel). Node 0 is the main one, with"
        " whose end the job ends.",
    )
    container: Annotated[dict[str, Any], Source(f"{_API}/API_ContainerProperties.html")] = Field(
        default={},
        description="Settings of Batch's ContainerProperties that have no field here, by AWS's own names.",
    )
