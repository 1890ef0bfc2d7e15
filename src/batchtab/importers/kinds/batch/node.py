"""Mappings of AWS Batch, EventBridge and Scheduler: the API spells `jobRoleArn`, CloudFormation `JobRoleArn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.node import Node

NOT_SET = "(not set)"


class BatchNode(Node):
    """A mapping whose keys are asked for in the API's spelling, whichever the source has."""

    def spelled(self, key: str) -> str:
        """The key as the source spells it: its first letter may be a capital."""
        other = key[:1].swapcase() + key[1:]
        if key in self.data:
            return key
        has_capitals = next(iter(self.data), "")[:1].isupper() and key[:1].islower()
        return other if other in self.data or has_capitals else key

    def carry(self, key: str, to: str, default: Any = None) -> Any:
        """A value that jobs.yaml has as it was; one of which a part is not known is reported instead."""
        if unknown := names_in(self.raw(key)):
            self.leave(key, f"not known: {', '.join(unknown)}", f"write {to}")
            return default
        return super().carry(key, to, default)

    def raw(self, key: str) -> Any:
        """A value, without a record that it was read."""
        return self.data.get(self.spelled(key))

    def reference(self, key: str) -> str:
        """A text that may have unknown parts, without a record; empty where there is none."""
        value = self.raw(key)
        return value if isinstance(value, str) else ""

    def text(self, key: str) -> str:
        """A value as text, without a record; empty where there is none."""
        value = self.raw(key)
        return "" if value is None else str(value)


class WrongValueError(ValueError):
    """A value that AWS itself would refuse."""


def number(value: object) -> float:
    """A number, which CloudFormation also takes as text.

    Raises:
        WrongValueError: It is none, or none that AWS takes.
    """
    try:
        found = float(str(value))
    except ValueError:
        raise WrongValueError(f"'{value}' is not a number") from None
    if isinstance(value, bool) or not -1 <= found <= 2**31:
        raise WrongValueError(f"'{value}' is not a number that AWS takes")
    return found


def whole(value: object) -> int:
    """A whole number.

    Raises:
        WrongValueError: It is none.
    """
    found = number(value)
    if not found.is_integer():
        raise WrongValueError(f"'{value}' is not a whole number")
    return int(found)


def flag(value: object) -> bool:
    """True or false, which CloudFormation also takes as text."""
    return str(value).lower() == "true"


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list; none of anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def words(value: object) -> list[str]:
    """A list of texts, as commands are; one text alone is one word."""
    if isinstance(value, str):
        return [value]
    return [_word(each) for each in value] if isinstance(value, list) else []


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pairs(nodes: list[BatchNode], key: str, value: str) -> dict[str, Any]:
    """A list of names and values as a mapping, such as `environment`; each key counts as read."""
    found = {}
    for node in nodes:
        name = node.take(key)
        found[str(name)] = node.take(value)
        node.rest()
    return found


def put(settings: dict[str, Any], node: BatchNode, key: str, to: str, convert: Any = None, *, within: str = "") -> None:
    """Carry a value to a field of jobs.yaml; one that AWS would refuse is reported.

    Args:
        settings: Where it goes.
        node: The mapping.
        key: Its key there.
        to: The field.
        convert: Makes the field's value of the source's.
        within: The field of jobs.yaml that `settings` are in.
    """
    written = f"{within}.{to}" if within else to
    if node.raw(key) is None:
        node.take(key)
        return
    if names_in(node.raw(key)):
        node.carry(key, written)
        return
    try:
        value = node.raw(key) if convert is None else convert(node.raw(key))
    except WrongValueError as error:
        node.leave(key, str(error), "correct the source")
        return
    node.carry(key, written)
    settings[to] = value


def free(value: object) -> dict[str, str]:
    """A mapping of the user's own names, such as tags, as texts; CloudFormation has tags as a list too."""
    if isinstance(value, list):
        value = {str(each.get("Key")): each.get("Value", "") for each in value if isinstance(each, Mapping)}
    return {str(key): each if names_in(each) else _word(each) for key, each in _items(value)}


def _items(value: object) -> list[tuple[Any, Any]]:
    return [*value.items()] if isinstance(value, Mapping) else []


def given(node: BatchNode, key: str, to: str) -> dict[str, str]:
    """The user's own names and texts below a key, each recorded; those that are not known are reported."""
    found = {}
    for name, value in free(node.take(key)).items():
        where = f"{node.name(key)}.{name}"
        if unknown := names_in(value):
            why = f"not known: {', '.join(unknown)}"
            node.recorder.not_carried(where, value, why, f"write {to}: {{{name}: …}}")
        else:
            node.recorder.carried(where, value, f"{to}.{name}")
            found[name] = value
    return found
