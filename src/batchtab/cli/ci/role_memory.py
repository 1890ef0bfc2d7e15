"""What `batchtab ci roles` was asked for, kept in the state of the roles: a further run changes nothing by omission."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

#: The output of the roles' state that has it.
OUTPUT = "options"
#: Where the states of roles are: not below a stage's own, which a deployment may write.
PLACE = "ci"


@dataclass(frozen=True)
class Asked:
    """The options that decide what the roles may do, and whom they trust; each is named as on the command line."""

    branch: str | None = None
    environment: str | None = None
    deploy_workflow: str | None = None
    any_branch: bool = False
    oidc_provider_arn: str | None = None
    permissions_boundary_arn: str | None = None
    make_boundary: bool = False
    boundary_action: tuple[str, ...] = ()
    passable_role_arn: tuple[str, ...] = ()

    def since(self, state: Mapping[str, Any] | None, declared: str | None, own: str) -> Asked:
        """What was asked for now, and before in all else.

        Args:
            state: The roles' state; None if they were not made yet.
            declared: The boundary of the stage's file, which decides about boundaries.
            own: The boundary that would be made here.
        """
        former = ((state or {}).get("outputs", {}).get(OUTPUT) or {}).get("value") or {}
        kept: dict[str, Any] = {
            field.name: tuple(value) if isinstance(value, list) else value
            for field in fields(self)
            if (value := former.get(field.name)) and not getattr(self, field.name)
        }
        named = declared or self.permissions_boundary_arn
        gone = {"make_boundary", "permissions_boundary_arn"} if named or self.make_boundary else set()
        if named and named != own:
            gone.add("boundary_action")
        return replace(self, **{name: value for name, value in kept.items() if name not in gone})

    def words(self) -> str:
        """As one would write them on the command line."""
        return shlex.join(word for name, value in asdict(self).items() for word in _words(name, value))


def _words(name: str, value: Any) -> Iterator[str]:
    option = f"--{name.replace('_', '-')}"
    if value is True:
        yield option
    elif value:
        for one in (value,) if isinstance(value, str) else value:
            yield from (option, one)
