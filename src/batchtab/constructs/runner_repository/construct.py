"""An ECR repository with immutable tags that does not grow forever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from constructs import Construct

from batchtab.constructs._terraform.arguments import no_rules, read
from batchtab.constructs._terraform.aws import (
    EcrLifecyclePolicy,
    EcrRepository,
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
)
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import as_bool, as_map, choose, is_set, literals
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs.runner_repository.repository_arguments import RepositoryArgumentsDict
from batchtab.declarations.repository_arguments import RepositoryArguments


class RunnerRepository(BatchtabConstruct):
    """Where the images of jobs are kept.

    Tags are immutable, so that what ran yesterday can run again; images are scanned when they are pushed; old ones go.
    Pulling needs a permission on the repository: job roles of this account get it from their execution role or
    instance role, so there is no repository policy.

    See https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html
    """

    def __init__(self, scope: Construct, id_: str, **arguments: Unpack[RepositoryArgumentsDict]) -> None:
        """Makes the repository.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            arguments: The repository; see `RepositoryArgumentsDict`. A value may be a Terraform expression.

        Raises:
            InvalidArgumentError: What is wrong with the values that are known, in the words of `batchtab check`.
        """
        super().__init__(scope, id_)
        wanted = read(self, RepositoryArguments, arguments, no_rules)
        self.repository = create_resource(
            self,
            EcrRepository,
            "repository",
            name=wanted.name,
            image_tag_mutability=wanted.image_tag_mutability,
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            encryption_configuration=[
                EcrRepositoryEncryptionConfiguration(
                    encryption_type=choose(is_set(wanted.kms_key_arn), "KMS", "AES256"), kms_key=wanted.kms_key_arn
                )
            ],
            force_delete=as_bool(wanted.force_delete),
            tags=as_map(literals(wanted.tags) or None),
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
                        _rule(1, "Images without a tag", untagged, wanted.untagged_days),
                        _rule(2, "Old images", tagged, wanted.keep_tagged_images),
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
