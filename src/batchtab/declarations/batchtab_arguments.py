"""BatchtabArguments: a stage as the module `batchtab` takes it, beside its files and its environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import AllowUnquoted, Limit
from batchtab.declarations.runs_arguments import Runs
from batchtab.declarations.stage import Region, RepositoryName, StageFile
from batchtab.declarations.table import described


class BatchtabArguments(Runs):
    """What a stage's file says of itself."""

    stage: Annotated[str, Strict(), Limit(limits.STAGE_NAME)] = Field(
        description="The stage's name. All names begin `<namespace>-<stage>`."
    )
    namespace: Annotated[str, Strict()] = described(StageFile, "namespace")
    region: Region = Field(description="The provider's region. Images and secrets by their short names are there.")
    account_id: Annotated[str, Strict(), Limit(limits.ACCOUNT_ID), AllowUnquoted()] = Field(
        description="The provider's account."
    )
    repositories: tuple[RepositoryName, ...] = Field(default=(), description="ECR repositories that are made here.")
    secrets_kms_key_arns: tuple[Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)], ...] = described(
        StageFile, "secrets_kms_key_arns"
    )
