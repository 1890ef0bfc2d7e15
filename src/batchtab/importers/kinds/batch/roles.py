"""Roles of a job: one that the source makes is made by Batchtab, with the same permissions; another is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch.node import BatchNode
from batchtab.importers.kinds.batch.references import is_role

_WITH = "with the same permissions; where a policy names the old role, let it name the new one"


@dataclass(frozen=True, slots=True)
class Role:
    """A role that the source makes.

    Attributes:
        permissions: Its statements as jobs.yaml has them; None if one of them can't be had there.
        managed_policy_arns: Its managed policies.
        why: Why a statement can't.
    """

    permissions: list[dict[str, Any]] | None = field(default_factory=list)
    managed_policy_arns: list[str] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles that the source makes, by the text with which it refers to them."""

    made: dict[str, Role] = field(default_factory=dict)

    def choose(self, given: Mapping[str, tuple[BatchNode, str]], settings: dict[str, Any]) -> None:
        """Put what the roles come to into a job's settings."""
        for to, (node, key) in given.items():
            arn = node.reference(key)
            role = self.made.get(arn)
            if not arn:
                continue
            if to == "execution_role_arn" and role is not None:
                node.change(key, "Batchtab makes a role that pulls the image, writes the log and reads the secrets")
            elif role is not None and role.permissions is not None:
                node.change(key, f"Batchtab makes the job's role, {_WITH}")
                settings |= {"permissions": role.permissions} if role.permissions else {}
                settings |= {"managed_policy_arns": role.managed_policy_arns} if role.managed_policy_arns else {}
            elif is_role(arn):
                settings[to] = str(arn)
                if role is None:
                    node.carry(key, to)
                else:
                    node.change(key, f"{to}: the same role, because jobs.yaml has no {role.why}", "keep the role")
            else:
                unknown = ", ".join(names_in(arn))
                why = f"not known: {unknown}" if unknown else "is not the ARN of a role"
                node.leave(key, why, f"write {to}, or permissions")
