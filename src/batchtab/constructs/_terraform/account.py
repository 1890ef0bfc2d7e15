"""The account, region and partition that a stack or a module is deployed to."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from batchtab.constructs._terraform.aws import DataAwsCallerIdentity, DataAwsPartition, DataAwsRegion
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs._terraform.kernel import make
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, local, require_none

#: Said of what is in another account or region.
ELSEWHERE = "is in another account or region than the provider"

_known: WeakKeyDictionary[TerraformStack, Account] = WeakKeyDictionary()


class Account:
    """Expressions for the deployment's account and region, and for ARNs in it."""

    id = Expression.of("data.aws_caller_identity.current.account_id")
    # `id`: `name` is deprecated in provider 6, and `region` is not in 5.
    region = Expression.of("data.aws_region.current.id")
    partition = Expression.of("data.aws_partition.current.partition")

    @classmethod
    def of_arn(cls, scope: BatchtabConstruct, arn: Any, *, region: Any = None) -> Account:
        """The account of a resource of the construct, read from the resource's ARN where the construct is a module.

        A module has no data source: under `depends_on` Terraform reads those only when it applies, so that every ARN
        made of them would be unknown in the plan, and what has such an ARN for an identity would be replaced.

        Args:
            scope: The construct.
            arn: The ARN, which does not change while the resource exists.
            region: The region, where the ARN names none, as those of IAM.
        """
        if not isinstance(scope._stack, ModuleStack):
            here = cls.of(scope)
            if region is None:
                return here
            here = cls()
            here.region = region
            return here
        known = cls()
        parts = [("partition", 1), ("account_id", 4), *([("region", 3)] if region is None else [])]
        found = {label: local(scope, label, Expression.of(f'split(":", {hcl(arn)})[{at}]')) for label, at in parts}
        known.partition, known.id, known.region = found["partition"], found["account_id"], found.get("region", region)
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

    def require_place(self, made: ResourceRef, before: str, **lists: str) -> None:
        """Refuses ARNs of another account or region than this, whose events never come, when Terraform knows both.

        Args:
            made: A resource of the module.
            before: What messages begin with; empty for nothing.
            lists: Expressions of lists of ARNs by the inputs that they are of.
        """
        here = f'":${{{hcl(self.region)}}}:${{{hcl(self.id)}}}:"'
        for name, arns in lists.items():
            others = f"[for arn in {arns} : arn if !strcontains(arn, {here})]"
            hint = "pass the provider of that account and region"
            require_none(made, others, f'{before}{name}: ${{join(", ", {others})}} {ELSEWHERE}: {hint}.')

    def require_region(self, made: ResourceRef, before: str, **lists: str) -> None:
        """Refuses ARNs of another region than this, as AWS does; they may be of another account.

        Args:
            made: A resource of the module.
            before: What messages begin with; empty for nothing.
            lists: Expressions of lists of ARNs by the inputs that they are of.
        """
        for name, arns in lists.items():
            others = f'[for arn in {arns} : arn if split(":", arn)[3] != {hcl(self.region)}]'
            text = "is in another region than the provider: give one of its region"
            require_none(made, others, f'{before}{name}: ${{join(", ", {others})}} {text}.')

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """The ARN of a resource here; IAM's have no region."""
        where = self.region if region else ""
        return f"arn:{self.partition}:{service}:{where}:{self.id}:{resource}"
