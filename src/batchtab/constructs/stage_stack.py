"""What all stacks of a stage share: the provider, the remote state, and reading another stack's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from constructs import Construct

from batchtab.constructs._terraform.aws import AwsProvider, AwsProviderDefaultTags
from batchtab.constructs._terraform.expressions import Expression, literals
from batchtab.constructs._terraform.framework import (
    App,
    DataTerraformRemoteStateS3,
    S3Backend,
    TerraformOutput,
    TerraformStack,
)


@dataclass(frozen=True)
class Stage:
    """Where a stage is deployed and where Terraform keeps its state."""

    name: str
    namespace: str
    region: str
    account_id: str
    state_bucket: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def state_key(self, stack: str) -> str:
        """The object with a stack's state."""
        return f"{self.name}/{stack}.tfstate"


class StageStack(TerraformStack):
    """A stack of a stage: an AWS provider that refuses other accounts, and S3 state with S3's own lock.

    See https://developer.hashicorp.com/terraform/language/backend/s3
    """

    def __init__(self, app: App, name: str, stage: Stage) -> None:
        super().__init__(app, name)
        self.stage = stage
        self.name = name
        tags = literals({"batchtab:namespace": stage.namespace, "batchtab:stack": name, **stage.tags})
        AwsProvider(
            self,
            "aws",
            region=stage.region,
            allowed_account_ids=[stage.account_id],
            default_tags=[AwsProviderDefaultTags(tags=tags)],
        )
        S3Backend(self, bucket=stage.state_bucket, key=stage.state_key(name), region=stage.region, encrypt=True)
        self.add_override("terraform.backend.s3.use_lockfile", True)
        self._others: dict[str, Construct] = {}

    def output(self, name: str, value: Any, description: str) -> None:
        """Gives a value to other stacks, and to `terraform output`."""
        TerraformOutput(self, name, value=value, description=description).override_logical_id(name)

    def read(self, other: StageStack, output: str) -> Expression:
        """Another stack's output, from its remote state; that stack is deployed first.

        cdktf does not know the order, because it would then refuse to deploy this stack alone.
        """
        label = other.name.replace("-", "_")
        if other.name not in self._others:
            self._others[other.name] = DataTerraformRemoteStateS3(
                self,
                f"state_{label}",
                bucket=self.stage.state_bucket,
                key=self.stage.state_key(other.name),
                region=self.stage.region,
            )
            self._others[other.name].override_logical_id(label)  # type: ignore[attr-defined]
        return Expression.of(f"data.terraform_remote_state.{label}.outputs.{output}")
