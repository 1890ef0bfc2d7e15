"""The account, region and partition that a stack is deployed to, asked of AWS once per stack."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.data_aws_region import DataAwsRegion

from .expressions import Expression
from .resources import Unit

_known: WeakKeyDictionary[TerraformStack, Account] = WeakKeyDictionary()


class Account:
    """Expressions for the deployment's account and region, and for ARNs in it."""

    id = Expression.of("data.aws_caller_identity.current.account_id")
    region = Expression.of(
        "data.aws_region.current.id"
    )  # `id`: `name` is deprecated in provider 6, `region` is not in 5
    partition = Expression.of("data.aws_partition.current.partition")

    @classmethod
    def of(cls, scope: Unit) -> Account:
        """The account of the construct's stack; makes the data sources when first asked."""
        known = _known.get(scope._stack)
        if known is None:
            for kind in (DataAwsCallerIdentity, DataAwsPartition, DataAwsRegion):
                kind(scope._stack, f"current_{kind.__name__}").override_logical_id("current")
            known = _known[scope._stack] = cls()
        return known

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """The ARN of a resource here; IAM's have no region."""
        where = self.region if region else ""
        return f"arn:{self.partition}:{service}:{where}:{self.id}:{resource}"
