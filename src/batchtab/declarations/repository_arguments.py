"""RepositoryArguments: a repository of images, as the construct and the Terraform module take it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit
from batchtab.declarations.function_arguments import KeyArn, TaggedArguments

_DEFAULTS = limits.REPOSITORY_DEFAULTS


class RepositoryArguments(TaggedArguments):
    """The arguments of `RunnerRepository` and the variables of the module `runner_repository`."""

    name: Annotated[str, Strict(), Limit(limits.REPOSITORY_NAME)] = Field(description="Name of the repository.")
    image_tag_mutability: Annotated[str, Strict(), Limit(limits.IMAGE_TAG_MUTABILITY)] = Field(
        default=_DEFAULTS["image_tag_mutability"],
        description="Whether a tag can be moved: MUTABLE, or IMMUTABLE, so that what ran yesterday can run again.",
    )
    keep_tagged_images: Annotated[int, Strict(), Limit(limits.KEEP_TAGGED_IMAGES)] = Field(
        default=_DEFAULTS["keep_tagged_images"],
        description="How many images with a tag stay; older ones are deleted, even if a job still uses them.",
    )
    untagged_days: Annotated[int, Strict(), Limit(limits.UNTAGGED_DAYS)] = Field(
        default=_DEFAULTS["untagged_days"], description="Days after which an image without a tag is deleted."
    )
    kms_key_arn: KeyArn | None = Field(
        default=None,
        description="Key for the images. A change makes a new repository, without the images. Default: ECR's AES256.",
    )
    force_delete: Annotated[bool, Strict()] = Field(
        default=False, description="Whether a repository that contains images can be destroyed."
    )
