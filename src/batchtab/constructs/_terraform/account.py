"""The account, region and partition that a stack is deployed to, asked of AWS once per stack."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from batchtab.constructs._terraform.aws import DataAwsCallerIdentity, DataAwsPartition, DataAwsRegion
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs._terraform.kernel import make
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import BatchtabConstruct, local

_known: WeakKeyDictionary[TerraformStack, Account] = WeakKeyDictionary()


class Account:
    """Expressions for the deployment's account and region, and for ARNs in it."""

    id = Expression.of("data.aws_caller_identity.current.account_id")
    # `id`: `name` is deprecated in provider 6, and `region` is not in 5.
    region = Expression.of("data.aws_region.current.id")
    partition = Expression.of("data.aws_partition.current.partition")

    @classmethod
    def of_arn(cls, scope: BatchtabConstruct, arn: Any) -> Account:
        """The account of a resource that stands in the same place, read from its ARN where the construct is a module.

        A module that is called once per job then asks AWS nothing, and under `depends_on` its plans show no change
        that is none: Terraform puts off data sources until what they depend on is done, and policies with them.
        """
        if not isinstance(scope._stack, ModuleStack):
            return cls.of(scope)
        known = cls()
        known.partition, known.region, known.id = (
            local(scope, label, Expression.of(f'split(":", {hcl(arn)})[{position}]'))
            for label, position in (("partition", 1), ("region", 3), ("account_id", 4))
        )
        return known

    @classmethod
    def of(cls, scope: BatchtabConstruct) -> Account:
        """The account of the construct's stack; makes the data sources when first asked."""
        known = _known.get(scope._stack)
        if known is None:
            for kind in (DataAwsCallerIdentity, DataAwsPartition, DataAwsRegion):
                make(kind, scope._stack, f"current_{kind.__name__}", {}, logical_id="current")
            known = _known[scope._stack] = cls()
        return known

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """The ARN of a resource here; IAM's have no region."""
        where = self.region if region else ""
        return f"arn:{self.partition}:{service}:{where}:{self.id}:{resource}"
