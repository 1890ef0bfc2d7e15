"""The values of templates: CloudFormation's functions, in short tags and in long form, are computed.

What only AWS knows becomes an `Unresolved`. Nothing is called, and templates that grow without end are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.intrinsics.functions import FUNCTIONS
from batchtab.importers.intrinsics.stacks import Stacks, Template
from batchtab.importers.intrinsics.unresolved import NoValue, Unresolved, as_text, unknown
from batchtab.importers.source_file import tag_of

_DEPTH_MAX = 80
#: Of one property or resource, so that it fits in memory; and of a whole import, so that it ends.
_VALUES_MAX = 500_000
_ALL_VALUES_MAX = 5_000_000
#: Functions that may pass another function's value on as it is; all others' values are their own.
_PASSING = {"Fn::FindInMap", "Fn::If", "Fn::ImportValue", "Fn::Select", "Fn::Sub"}
_LONG = re.compile(r"Ref|Condition|Fn::\w+")


class Located(dict[str, Any]):
    """A mapping with the lines of its keys, as `source_file.line_of` reads them."""

    lc: Any = None

    def copy(self) -> Located:
        """A copy with the same lines."""
        found = Located(self)
        found.lc = self.lc
        return found


class Values:
    """Computes values of templates.

    Attributes:
        stacks: The templates, and what is known beside them.
        without: Types of resources whose names and ARNs stay unknown.
        used: Parameters whose defaults were used.
    """

    def __init__(self, stacks: Stacks, without: Collection[str] = ()) -> None:
        self.stacks = stacks
        self.without = without
        self.used: set[str] = set()
        self._found: dict[tuple[str, Template, str], Any] = {}
        self._depth = 0
        self._left = _VALUES_MAX
        self._all_left = _ALL_VALUES_MAX

    def of(self, value: Any, template: Template) -> Any:
        """A value as Python's own types.

        Raises:
            UsageError: It is nested too deeply, or grows beyond all bounds.
        """
        if self._depth == 0:
            self._left = _VALUES_MAX
        self._depth += 1
        self._left -= 1
        self._all_left -= 1
        try:
            if self._depth > _DEPTH_MAX:
                raise UsageError(f"{template.file.path} is nested too deeply, or refers to itself, to be read")
            if self._left < 0 or self._all_left < 0:
                most = _VALUES_MAX if self._left < 0 else _ALL_VALUES_MAX
                raise UsageError(f"{template.file.path} grows to more than {most:,} values by its functions")
            return self._of(value, template)
        finally:
            self._depth -= 1

    def properties(self, resource: Mapping[str, Any], template: Template) -> Mapping[str, Any]:
        """A resource's properties; none where they are no mapping."""
        found = self.of(resource.get("Properties"), template)
        return found if isinstance(found, Mapping) else {}

    def text(self, value: Any, template: Template) -> str:
        """A value as a text."""
        return as_text(self.of(value, template))

    def is_true(self, name: object, template: Template) -> bool | None:
        """Whether a condition of the template is met; None if that is not known."""
        found = self.once(
            "condition", template, str(name), lambda: self.of(template.section("Conditions").get(str(name)), template)
        )
        return found if isinstance(found, bool) else None

    def once(self, what: str, template: Template, name: str, compute: Callable[[], Any]) -> Any:
        """What is computed for a name of a template only the first time; nobody changes it."""
        key = (what, template, name)
        if key not in self._found:
            self._found[key] = compute()
        return self._found[key]

    def unknown(self, function: str, argument: Any, template: Template) -> Unresolved:
        """What is in place of a function whose value is not known."""
        name = function.removeprefix("Fn::")
        first = argument[0] if isinstance(argument, list) and argument else argument
        return unknown(f"{name} {self.text(first, template)}" if name in {"If", "ImportValue"} else name)

    def _of(self, value: Any, template: Template) -> Any:
        function, argument = function_of(value)
        if function:
            return self._call(function, argument, template)
        if isinstance(value, Mapping):
            found = Located()
            found.lc = getattr(value, "lc", None)
            for key, each in value.items():
                item = self.of(each, template)
                if item is not NoValue:
                    found[str(key)] = item
            return found
        if isinstance(value, Sequence) and not isinstance(value, str):
            items = [self.of(each, template) for each in value]
            return [each for each in items if each is not NoValue]
        return _scalar(value)

    def _call(self, name: str, argument: Any, template: Template) -> Any:
        try:
            found = FUNCTIONS[name](self, argument, template)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError):
            found = self.unknown(name, argument, template)
        if isinstance(found, Unresolved) and (found.source is None or name not in _PASSING):
            found = Unresolved(str(found), found.names)  # others may have the same one
            found.source = (name, argument)
        return found


def function_of(value: Any) -> tuple[str, Any]:
    """The name and the argument of a function, by its tag (`!Sub`) or in long form; an empty name if it is none."""
    if tag := tag_of(value):
        name = tag.removeprefix("!")
        argument = _untagged(value)
        if name == "GetAtt" and isinstance(argument, str):
            argument = argument.split(".", 1)
        return name if name in {"Ref", "Condition"} else f"Fn::{name}", argument
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, argument),) = value.items()
        is_text = isinstance(argument, str) and not tag_of(argument)
        if isinstance(name, str) and _LONG.fullmatch(name) and (is_text or name != "Condition"):
            return name, argument
    return "", None


def _untagged(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*value]
    return str(getattr(value, "value", value))


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | Unresolved):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value.isoformat() if isinstance(value, datetime | date) else str(getattr(value, "value", value))
