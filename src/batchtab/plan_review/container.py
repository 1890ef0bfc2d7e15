"""What a job definition's container properties say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.plan_review import masking
from batchtab.plan_review.container_settings import settings


@dataclass(frozen=True)
class Container:
    """A container as Batch starts it. The values of environment variables are kept only to see whether they differ."""

    image: str
    command: str
    vcpus: float
    memory_mib: int
    environment: dict[str, str]
    secrets: dict[str, str]
    ephemeral_storage_gib: int | None
    read_only: bool
    job_role: str
    settings: dict[str, str]

    @classmethod
    def read(cls, properties: dict[str, Any]) -> Container:
        """Reads the document, as it is declared or as Batch returns it."""
        sizes = {item.get("type"): item.get("value") for item in properties.get("resourceRequirements", [])}
        environment = {item["name"]: str(item.get("value", "")) for item in properties.get("environment", [])}
        storage = properties.get("ephemeralStorage") or {}
        return cls(
            image=masking.text(str(properties.get("image", ""))),
            command=masking.command([str(part) for part in properties.get("command", [])], environment),
            vcpus=_number(sizes.get("VCPU", properties.get("vcpus", 0))),
            memory_mib=int(_number(sizes.get("MEMORY", properties.get("memory", 0)))),
            environment=environment,
            secrets={item["name"]: item.get("valueFrom", "") for item in properties.get("secrets", [])},
            ephemeral_storage_gib=storage.get("sizeInGiB"),
            read_only=bool(properties.get("readonlyRootFilesystem")),
            job_role=str(properties.get("jobRoleArn", "")).rpartition("/")[2],
            settings=settings(properties),
        )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # a size that is known only after the apply
        return 0.0


def short_image(image: str) -> str:
    """An image without the registry of an ECR, and with the first digits of its digest."""
    ecr = re.match(limits.ECR_IMAGE_PATTERN, image)
    name = image[ecr.start(3) :] if ecr else image
    repository, at, digest = name.partition("@sha256:")
    if at and not digest.strip("0"):  # as `batchtab ci runner-image` says of an image that is not there yet
        return f"{repository} (to be built by the deployment)"
    return f"{repository}@sha256:{digest[:12]}…" if at else name
