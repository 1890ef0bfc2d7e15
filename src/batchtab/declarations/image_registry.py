"""Where the images of a stage's jobs are: their addresses, and the repositories of ECR among them."""

from __future__ import annotations

import os
import re

from batchtab import limits
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.image import ImageRef
from batchtab.declarations.stage import StageConfig


def image_uri(catalog: Catalog, image: ImageRef | None) -> str:
    """An image's address: in the stage's own ECR unless its repository names another registry.

    `BATCHTAB_RUNNER_IMAGE_DIGEST` is the digest of the shared image that was built of these very sources, as
    `batchtab ci runner-image` found or built it: jobs that name no image then run just that one.
    """
    digest = None if image else os.environ.get("BATCHTAB_RUNNER_IMAGE_DIGEST")
    image = image or catalog.stage.runner_image
    if image is None:  # the catalog's checks let no such job through
        raise LookupError(f"stage {catalog.stage.name} has no runner_image")
    if not image.in_ecr:
        return str(image)
    if digest:
        image = ImageRef(repository=image.repository, digest=digest)
    return f"{registry_host(catalog.stage)}/{image}"


def registry_host(stage: StageConfig) -> str:
    """The host of a stage's own ECR."""
    domain = "amazonaws.com.cn" if stage.partition == "aws-cn" else "amazonaws.com"
    return f"{stage.account_id}.dkr.ecr.{stage.region}.{domain}"


def repository_arns(catalog: Catalog) -> list[str]:
    """The ECR repositories of all jobs' images, those of another account or region included."""
    jobs = [job for service in catalog.services for job in service.jobs.values()]
    images = [image for job in jobs for image in (job.image, *filter(None, (c.image for c in job.containers.values())))]
    uris = [image_uri(catalog, image) for image in images]
    found = [re.match(limits.ECR_IMAGE_PATTERN, uri) for uri in uris]
    partition = catalog.stage.partition
    return sorted({f"arn:{partition}:ecr:{image[2]}:{image[1]}:repository/{image[3]}" for image in found if image})
