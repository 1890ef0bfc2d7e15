"""IAM roles, with the path, the boundary and the tags of the construct that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchtab import limits
from batchtab.constructs._terraform.aws import IamRole
from batchtab.constructs._terraform.expressions import Condition, as_map, is_expression
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

ROOT_PATH = "/"


@dataclass(frozen=True)
class RoleSettings:
    """What all roles of one construct share."""

    #: What a construct and a module call them.
    ARGUMENTS: ClassVar = ("permissions_boundary_arn", "role_path", "role_name_suffix")

    permissions_boundary_arn: Any = None
    path: Any = ROOT_PATH
    name_suffix: Any = ""
    tags: Any = None

    @classmethod
    def of(cls, arguments: Any, tags: Any) -> RoleSettings:
        """Of a construct's arguments, which are called alike in each, and its tags as Terraform takes them."""
        return cls(arguments.permissions_boundary_arn, arguments.role_path, arguments.role_name_suffix, tags)

    @property
    def arguments(self) -> dict[str, Any]:
        """All but the tags, as the arguments of another construct."""
        return dict(zip(self.ARGUMENTS, (self.permissions_boundary_arn, self.path, self.name_suffix), strict=True))

    def name(self, name: Any) -> Any:
        """The whole name of a role, or of an instance profile, within IAM's limit."""
        return shorten(f"{name}{self.name_suffix}" if self.name_suffix else name, limits.ROLE_NAME_MAX)

    @property
    def path_argument(self) -> Mapping[str, Any]:
        """The argument of a resource; none where it is known to be IAM's own."""
        return {} if not is_expression(self.path) and self.path == ROOT_PATH else {"path": self.path}

    def role(self, scope: BatchtabConstruct, label: str, name: Any, trust: str, when: Condition = True) -> ResourceRef:
        """Makes a role.

        Args:
            scope: The construct that it belongs to.
            label: Its name below the construct.
            name: Its name in IAM, without the suffix.
            trust: Who may take it: a policy.
            when: Whether it exists.

        See https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
        """
        return create_resource(
            scope,
            IamRole,
            label,
            when=when,
            name=self.name(name),
            assume_role_policy=trust,
            permissions_boundary=self.permissions_boundary_arn,
            tags=as_map(self.tags),
            **self.path_argument,
        )
