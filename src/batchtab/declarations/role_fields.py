"""RoleFields: how the IAM roles that a construct makes are named, which is the same in each that makes some."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel


class RoleFields(StrictModel):
    """Path and names of the roles that are made here."""

    role_path: Annotated[str, Strict(), Limit(limits.ROLE_PATH)] = Field(
        default="/",
        description="Path of the roles that are made here, and of an instance profile if one is. The deploy role of"
        " `ci_roles` may make only roles without a path.",
    )
    role_name_suffix: Annotated[str, Strict(), Limit(limits.ROLE_NAME_SUFFIX)] = Field(
        default="",
        description="Suffix of the names of the roles that are made here. IAM names are unique in an account: give"
        " one, such as `-use1`, where the same namespace is in a second region.",
    )
