"""What a plan does to one resource."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from batchtab.plan_review.masking import SENSITIVE, visible

CREATE, UPDATE, REPLACE, DELETE, NONE, FORGET, READ = (
    "create",
    "update",
    "replace",
    "destroy",
    "none",
    "forget",
    "read",
)
_ACTIONS = {
    ("create",): CREATE,
    ("update",): UPDATE,
    ("delete",): DELETE,
    ("no-op",): NONE,
    ("read",): READ,
    ("forget",): FORGET,
    ("delete", "create"): REPLACE,
    ("create", "delete"): REPLACE,
}


@dataclass(frozen=True)
class Resource:
    """A resource with what it is before and after; sensitive values are masked already.

    Attributes:
        action: create, update, replace, destroy, read, forget or none.
        before: None where there is nothing before; likewise `after`.
        unknown: The names of attributes that are known only after the apply.
        unknown_inside: The same for what is in blocks, as Terraform gives it.
        changed: The names of attributes that differ, those known only after the apply included.
        forced_by: Attributes that cause its replacement.
        expressions: What the configuration says, by attribute: the template where the value is unknown.
    """

    address: str
    type: str
    name: str
    module: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    unknown: frozenset[str] = frozenset()
    unknown_inside: dict[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    forced_by: tuple[str, ...] = ()
    expressions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, entry: dict[str, Any], expressions: dict[str, Any]) -> Resource:
        """One of a plan's `resource_changes`."""
        change = entry["change"]
        before = visible(change.get("before"), change.get("before_sensitive"))
        after = visible(change.get("after"), change.get("after_sensitive"))
        unknown = change.get("after_unknown") or {}
        open_ = frozenset(key for key, value in unknown.items() if value is True)
        return cls(
            address=entry["address"],
            type=entry["type"],
            name=entry["name"],
            module=entry.get("module_address", ""),
            action=_ACTIONS.get(tuple(change["actions"]), "/".join(change["actions"])),
            before=before,
            after=after,
            unknown=open_,
            unknown_inside={key: value for key, value in unknown.items() if isinstance(value, list)},
            changed=_changed(change),
            forced_by=tuple(sorted({str(path[0]) for path in change.get("replace_paths", []) if path})),
            expressions=expressions,
        )

    @property
    def is_change(self) -> bool:
        """Whether the apply does anything to it."""
        return self.action not in {NONE, READ}

    def value(self, attribute: str, *, after: bool) -> Any:
        """An attribute; for one that is unknown as yet, what the configuration says, with `${…}` in it.

        A string that is all expression (`${aws_iam_role.x.arn}`) stays one; None where there is nothing.
        """
        side = self.after if after else self.before
        if side is None:
            return None
        if after and attribute in self.unknown:
            expression = self.expressions.get(attribute, {})
            return expression.get("constant_value") if isinstance(expression, dict) else None  # a list is of blocks
        return side.get(attribute)

    def document(self, attribute: str, *, after: bool) -> dict[str, Any] | None:
        """An attribute that is a JSON document; None if there is none that can be read."""
        return self.read_document(self.value(attribute, after=after)) or None

    @staticmethod
    def read_document(text: Any) -> dict[str, Any]:
        """A JSON document; empty if it is none that can be read."""
        if not isinstance(text, str) or text == SENSITIVE:
            return {}
        try:
            found = json.loads(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def block(self, name: str, *, after: bool) -> dict[str, Any]:
        """The first block of a name; of members not known yet, what the configuration says. Empty if there is none."""
        blocks = self.value(name, after=after)
        found = blocks[0] if isinstance(blocks, list) and blocks and isinstance(blocks[0], dict) else {}
        open_, said = self.unknown_inside.get(name), self.expressions.get(name)
        if not after or not found or not open_ or not isinstance(said, list):
            return found
        configured = said[0] if isinstance(said[0], dict) else {}
        names = [key for key, value in open_[0].items() if value is True] if isinstance(open_[0], dict) else []
        return found | {key: configured[key].get("constant_value") for key in names if key in configured}


def _changed(change: dict[str, Any]) -> tuple[str, ...]:
    """The attributes that differ, by the values as they are, sensitive ones too."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = {key for key, value in (change.get("after_unknown") or {}).items() if _any_true(value)}
    names = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return tuple(sorted(names | unknown))


def _any_true(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_any_true, value.values()))
    if isinstance(value, list):
        return any(map(_any_true, value))
    return value is True
