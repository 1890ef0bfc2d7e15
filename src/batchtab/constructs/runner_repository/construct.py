"""An ECR repository whose tags stay what they are, and which does not grow for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import (
    EcrLifecyclePolicy,
    EcrRepository,
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
)
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Expression, as_bool, as_map, choose, is_set
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource

_DEFAULTS = limits.REPOSITORY_DEFAULTS


class RunnerRepository(BatchtabConstruct):
    """Where the images of jobs are kept.

    Tags are immutable, so that what ran yesterday can run again; images are scanned when they are pushed; old ones go.
    Whoever pulls needs a permission on the repository: job roles of this account get it from their execution role or
    instance role, so there is no repository policy.

    See https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        image_tag_mutability: str = _DEFAULTS["image_tag_mutability"],
        keep_tagged_images: int | Expression = _DEFAULTS["keep_tagged_images"],
        untagged_days: int | Expression = _DEFAULTS["untagged_days"],
        kms_key_arn: str | None = None,
        force_delete: bool | Expression = False,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the repository.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            name: The repository's name; `/` may stand in it.
            image_tag_mutability: MUTABLE lets a tag such as `latest` move.
            keep_tagged_images: The newest that stay; older ones are deleted, also those that a job still names.
            untagged_days: After which an image without a tag is deleted.
            kms_key_arn: Encrypts instead of ECR's AES256. A change makes a new repository, without the images.
            force_delete: Whether a repository that holds images can be destroyed.
            tags: On the repository.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        check("name", name, limits.REPOSITORY_NAME)
        check("image_tag_mutability", image_tag_mutability, limits.IMAGE_TAG_MUTABILITY)
        check("keep_tagged_images", keep_tagged_images, limits.KEEP_TAGGED_IMAGES)
        check("untagged_days", untagged_days, limits.UNTAGGED_DAYS)
        self.repository = create_resource(
            self,
            EcrRepository,
            "repository",
            name=name,
            image_tag_mutability=image_tag_mutability,
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            encryption_configuration=[
                EcrRepositoryEncryptionConfiguration(
                    encryption_type=choose(is_set(kms_key_arn), "KMS", "AES256"), kms_key=kms_key_arn
                )
            ],
            force_delete=as_bool(force_delete),
            tags=as_map(tags),
        )
        untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
        tagged = {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan"}
        create_resource(
            self,
            EcrLifecyclePolicy,
            "lifecycle_policy",
            repository=self.repository["name"],
            policy=document(
                {
                    "rules": [
                        _rule(1, "Images without a tag", untagged, untagged_days),
                        _rule(2, "Old images", tagged, keep_tagged_images),
                    ]
                }
            ),
        )

    @property
    def repository_url(self) -> Any:
        """What an image's name begins with."""
        return self.repository["repository_url"]


def _rule(priority: int, description: str, selection: Mapping[str, Any], count: Any) -> dict[str, Any]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": {**selection, "countNumber": count},
        "action": {"type": "expire"},
    }
