"""Fields of a source that names may differ for: reads numbers, texts and lists of a node, and reports what is open."""

from __future__ import annotations

from typing import Any

from batchtab.importers.kinds.lambda_functions.template import is_open, why_open
from batchtab.importers.node import Node


class Fields:
    """A node whose values may be open: a function of CloudFormation, or a variable of the Serverless Framework.

    Attributes:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self.node = node

    def __contains__(self, key: str) -> bool:
        return key in self.node

    def value(self, key: str, to: str) -> Any:
        """A value; None if it is missing, or open, which is reported, with what to do unless `to` is empty."""
        value = self.node.data.get(key)
        if is_open(value):
            self.node.leave(key, why_open(value), f"write {to} in jobs.yaml" if to else "")
            return None
        return self.node.take(key)

    def number(self, key: str, to: str) -> int | None:
        """A whole number, which CloudFormation also writes as text; likewise."""
        value = self.value(key, to)
        if value is None:
            return None
        text = str(value)
        if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 9:
            self.node.leave(key, "is not a whole number that Lambda takes", f"write {to} in jobs.yaml")
            return None
        return int(text)

    def text(self, key: str, to: str) -> str | None:
        """A text that is not empty; likewise."""
        value = self.value(key, to)
        if value is None or isinstance(value, (dict, list)):
            if value is not None:
                self.node.leave(key, "is not a text", "correct the source")
            return None
        return str(value) or None

    def texts(self, key: str, to: str) -> list[str]:
        """A list of texts; empty if it is missing, or open in any item, which is reported."""
        value = self.node.data.get(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        is_unknown = [is_open(each) or isinstance(each, (dict, list)) for each in items]
        if any(is_unknown):
            self.node.leave(key, why_open(items[is_unknown.index(True)]), f"write {to} in jobs.yaml")
            return []
        self.node.take(key)
        return [str(each) for each in items]

    def flag(self, key: str, to: str, default: bool) -> bool:
        """True or false, which CloudFormation also writes as text."""
        value = self.value(key, to)
        return default if value is None else str(value).lower() == "true"
