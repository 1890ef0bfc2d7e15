"""What a report shows of a function without a value: its name and what it refers to, never a text of its argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.importers.intrinsics.values import function_of
from batchtab.importers.secret_texts import masked_text

_SHOWN = 8
_DEPTH_MAX = 30
_NAME = re.compile(r"[\w.:/-]+")
_PLACES = re.compile(r"\$\{([^!}][^}]*)\}")
#: Functions whose first argument is a name: of a condition, an export or a mapping.
_FIRST_IS_NAME = {"Condition", "Fn::FindInMap", "Fn::If", "Fn::ImportValue", "Ref"}


def names_of(function: str, argument: Any) -> list[str]:
    """The names that a function refers to, such as `Queue.Arn` or a condition's, each once and not too many."""
    found = [*dict.fromkeys(each for each in _names(function, argument, 0) if _is_shown(each))]
    return found if len(found) <= _SHOWN else [*found[:_SHOWN], "…"]


def _is_shown(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and masked_text(name) == name


def _names(function: str, argument: Any, depth: int) -> Iterator[str]:
    parts = argument if isinstance(argument, list) else [argument]
    if function == "Fn::GetAtt":
        yield ".".join(map(_text, parts))
    elif function in _FIRST_IS_NAME:
        yield from map(_text, parts[:1])
    elif function == "Fn::Sub":
        own = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
        places = [each.strip() for text in parts[:1] for each in _PLACES.findall(_text(text))]
        yield from (each for each in places if each not in map(str, own))
    for each in parts:
        yield from _within(each, depth + 1)


def _within(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEPTH_MAX:
        return
    function, argument = function_of(value)
    if function:
        yield from _names(function, argument, depth)
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _within(each, depth + 1)


def _text(value: Any) -> str:
    """A text; empty for a function and for what is none."""
    return str(value) if isinstance(value, str) and not function_of(value)[0] else ""
