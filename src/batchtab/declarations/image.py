"""Which image a job runs: a repository and exactly one tag or digest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, model_validator

from batchtab import limits
from batchtab.declarations.fields import AllowUnquoted, Limit, StrictModel, invalid


class ImageRef(StrictModel):
    """An image in ECR (`my-service`) or, with a host in front, in another registry (`public.ecr.aws/docker/python`).

    A tag that moves (`latest`) is looked up at each start of a job: who deploys the image deploys its jobs.
    """

    repository: Annotated[str, Strict()] = Field(
        description="A repository's name in this account's ECR, or another registry's host and path."
    )
    tag: Annotated[str, Strict(), Limit(limits.IMAGE_TAG), AllowUnquoted()] | None = Field(
        default=None, description="A tag such as latest or 1.4.0; instead of digest."
    )
    digest: Annotated[str, Strict(), Limit(limits.IMAGE_DIGEST)] | None = Field(
        default=None, description="A digest such as sha256:…, which never moves; instead of tag."
    )

    @property
    def in_ecr(self) -> bool:
        """Whether the repository is one of the account's own, so that its address depends on account and region."""
        host, slash, _ = self.repository.partition("/")
        return not (slash and ("." in host or ":" in host or host == "localhost"))

    @property
    def suffix(self) -> str:
        """What follows the repository in an image's address: `:latest` or `@sha256:…`."""
        return f"@{self.digest}" if self.digest else f":{self.tag}"

    def __str__(self) -> str:
        return f"{self.repository}{self.suffix}"

    @model_validator(mode="after")
    def _validate_parts(self) -> ImageRef:
        limit = limits.REPOSITORY_NAME if self.in_ecr else limits.REGISTRY_REPOSITORY
        refusal = limit.refusal(self.repository)
        if refusal is not None:
            hint = "the tag has a field of its own" if ":" in self.repository.rpartition("/")[2] else ""
            raise invalid(refusal, hint, at=("repository",), value=self.repository)
        if (self.tag is None) == (self.digest is None):
            fault = "has neither tag nor digest" if self.tag is None else "has both tag and digest"
            raise invalid(f"{fault}: exactly one of the two")
        return self
