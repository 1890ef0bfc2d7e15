"""Was this plan reviewed? Plans compared by what they do, without the values that are in them.

What a review leaves behind (`reviewed.json`) has hashes and addresses only, so it may be where plans must not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.plan_review.elapsed import is_by_time
from batchtab.plan_review.masking import visible
from batchtab.plan_review.plan import Plan

VERSION = 2
#: What the digest of the runner image counts as.
IMAGE = "(runner image)"
_HALF_MADE = "replace_because_tainted"
# What AWS numbers: it differs from one deployment to the next and says nothing of what is done.
_VOLATILE = frozenset(
    {"arn", "id", "revision", "version", "last_modified", "qualified_arn", "unique_id", "create_date"}
)


@dataclass(frozen=True)
class Reviewed:
    """What the plans of a stage do, as hashes.

    Attributes:
        namespace: Of the stage, so that one stage's review is never taken for another's.
        image_source: What the runner image is built from, as a hash; two builds of the same source count as one.
        stacks: For each stack its changes by address, each with what is done and a hash of it.
        configuration: For each stack a hash of what was synthesized: its JSON and its files.
        provisional: The stacks that were planned with placeholders.
        differences: What the hashes are of, by stack and address; not written.
    """

    namespace: str
    image_source: str
    stacks: Mapping[str, Mapping[str, str]]
    configuration: Mapping[str, str]
    provisional: tuple[str, ...] = ()
    differences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, plans: list[Plan], *, image_source: str = "", image_digest: str = "") -> Reviewed:
        """What plans do.

        Args:
            plans: Of all stacks of a stage.
            image_source: A hash of what the runner image is built from.
            image_digest: The image that the plans name; it counts as its source.
        """
        found = {plan.stack: changes(plan, image_digest) for plan in plans}
        return cls(
            namespace=next((plan.namespace for plan in plans if plan.namespace), ""),
            image_source=image_source,
            stacks={stack: {address: each.text for address, each in of.items()} for stack, of in found.items()},
            configuration={plan.stack: plan.configuration for plan in plans},
            provisional=tuple(plan.stack for plan in plans if plan.provisional),
            differences={stack: {address: each.names for address, each in of.items()} for stack, of in found.items()},
        )

    @classmethod
    def load(cls, path: Path) -> Reviewed:
        """Reads what `write` wrote.

        Raises:
            UsageError: it is something else.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = content["version"] == VERSION
            read = cls(
                content["namespace"],
                content["image_source"],
                content["stacks"],
                content["configuration"],
                tuple(content["provisional"]),
            )
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", "batchtab plan --out DIR writes DIR/reviewed.json") from None
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise UsageError(f"{path}: is not what a review left behind", "review the plan again")
        return read

    def write(self, path: Path) -> None:
        """Writes it, without any value of the plans."""
        content = {
            "version": VERSION,
            "namespace": self.namespace,
            "image_source": self.image_source,
            "stacks": self.stacks,
            "configuration": self.configuration,
            "provisional": self.provisional,
        }
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def objections(self, now: Reviewed) -> list[str]:
        """Why what would be done now is not what was reviewed; empty if all of it was.

        Less than was reviewed is allowed: part of it may be done already. A value that depends on what is done may then
        be known, and it was not when it was reviewed.
        """
        if self.namespace != now.namespace:
            return [f"the review was of {self.namespace or 'no stage'}, this is {now.namespace or 'no stage'}"]
        found: list[str] = []
        if self.image_source != now.image_source:
            found.append("the runner image would be built from other files than those reviewed")
        for stack, planned in now.stacks.items():
            found += self._stack_objections(stack, planned, now)
        return found

    def _stack_objections(self, stack: str, planned: Mapping[str, str], now: Reviewed) -> list[str]:
        if not planned:
            return []
        if stack not in self.stacks:
            return [f"{stack}: this stack was not reviewed"]
        reviewed = self.stacks[stack]
        if stack in self.provisional:
            # Values were placeholders then, so what counts is the configuration, and that the same is done.
            if not self._is_configured_as(stack, now):
                return [f"{stack}: its configuration is not the reviewed one"]
            others = [a for a, what in planned.items() if _verb(what) != _verb(reviewed.get(a, " "))]
            return [f"{stack}: {_verb(planned[a])} {a} was not reviewed" for a in others]
        found = []
        for address, what in planned.items():
            if address not in reviewed:
                found.append(f"{stack}: {_verb(what)} {address} was not reviewed")
            elif _verb(reviewed[address]) != _verb(what):
                found.append(f"{stack}: {address}: reviewed was {_verb(reviewed[address])}, now it is {_verb(what)}")
            elif not (reviewed[address] == what or self._has_become_known(stack, address, now)):
                found.append(f"{stack}: {_verb(what)} {address}: its values are not the reviewed ones")
        return found

    def _is_configured_as(self, stack: str, now: Reviewed) -> bool:
        """Whether the same was synthesized. Terraform's plans alone don't say: they have no locals."""
        reviewed = self.configuration.get(stack)
        return bool(reviewed) and reviewed == now.configuration.get(stack)

    def _has_become_known(self, stack: str, address: str, now: Reviewed) -> bool:
        """Whether the same configuration does the same, but for values that were unknown at the review."""
        if not self._is_configured_as(stack, now):
            return False
        _, _, known, *unknown = self.stacks[stack][address].split()
        names = now.differences.get(stack, {}).get(address, {})
        return _hash({name: each for name, each in names.items() if name not in unknown}) == known


@dataclass(frozen=True)
class Change:
    """What a plan does to one address.

    Attributes:
        verb: create, update, delete or two of them.
        names: What differs, attribute by attribute.
        unknown: The attributes with values that are unknown before the apply.
    """

    verb: str
    names: Mapping[str, Any]
    unknown: tuple[str, ...]

    @property
    def text(self) -> str:
        """As a review keeps it: the verb, a hash of all, a hash of what is known, the names of what is not."""
        known = {name: each for name, each in self.names.items() if name not in self.unknown}
        return " ".join([self.verb, _hash(self.names), _hash(known), *self.unknown])


def changes(plan: Plan, image_digest: str = "") -> dict[str, Change]:
    """What a plan does to each address. Outputs are left out: they follow from the resources.

    Nor is what only the time did to a schedule: it may do so between the review and the deployment. What a deployment
    left half-made, and Terraform therefore creates again, counts as made.
    """
    found: dict[str, Change] = {}
    now = datetime.now(UTC)
    for entry in plan.content.get("resource_changes", []):
        if entry.get("mode") != "managed":
            continue
        actions = entry["change"]["actions"]
        if actions not in (["no-op"], ["read"]) and not is_by_time(entry, now):
            change = entry["change"]
            if entry.get("action_reason") == _HALF_MADE:
                actions, change = ["create"], {**change, "before": None}
            names = _difference(change, image_digest)
            unknown = tuple(name for name in names if _has_true((change.get("after_unknown") or {}).get(name)))
            found[entry["address"]] = Change("/".join(actions), names, unknown)
    return found


def _difference(change: dict[str, Any], image_digest: str) -> dict[str, Any]:
    """What differs, attribute by attribute, with what AWS numbers and what is sensitive left out."""
    before = visible(change.get("before"), change.get("before_sensitive")) or {}
    after = visible(change.get("after"), change.get("after_sensitive")) or {}
    unknown = change.get("after_unknown") or {}
    names = (before.keys() | after.keys() | unknown.keys()) - _VOLATILE
    found = {}
    for name in sorted(names):
        left, right = _normal(before.get(name), image_digest), _normal(after.get(name), image_digest)
        if left != right or unknown.get(name):
            found[name] = [left, right, unknown.get(name) or None]
    return found


def _has_true(value: Any) -> bool:
    """Whether a part of an attribute is unknown."""
    if isinstance(value, dict | list):
        return any(map(_has_true, value.values() if isinstance(value, dict) else value))
    return value is True


def _normal(value: Any, image_digest: str) -> Any:
    """A value in one form: JSON documents read, absent members dropped, the runner image by its name."""
    if isinstance(value, str):
        text = value.replace(image_digest, IMAGE) if image_digest else value
        if text[:1] in "{[":
            try:
                return _normal(json.loads(text), "")
            except ValueError:
                return text
        return text
    if isinstance(value, dict):
        items = {key: _normal(item, image_digest) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, [], {}, "")}
    return [_normal(item, image_digest) for item in value] if isinstance(value, list) else value


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _verb(what: str) -> str:
    return what.partition(" ")[0]
