"""Terraform's language, as `terraform fmt` would have it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WIDTH = 110


class Code(str):
    """An expression, in place of a value."""

    __slots__ = ()


class Block(dict[str, Any]):
    """A nested block, in place of a value."""


class Json(dict[str, Any]):
    """A text of JSON, in place of a value."""


def block(head: str, content: Mapping[str, Any], indent: int = 0) -> str:
    """A block with its arguments, without those that are None; nested blocks follow them.

    Args:
        head: Such as `resource "aws_iam_role" "job"`.
        content: Its arguments.
        indent: How far in it is.
    """
    given = {key: value for key, value in content.items() if value is not None}
    arguments = {key: value for key, value in given.items() if not isinstance(value, Block)}
    lines = _aligned([(key, expression(value, indent + 1)) for key, value in arguments.items()], indent + 1)
    for key, value in given.items():
        if isinstance(value, Block):
            lines += ["", block(key, value, indent + 1)] if lines else [block(key, value, indent + 1)]
    space = "  " * indent
    return "\n".join([f"{space}{head} {{", *lines, f"{space}}}"])


def expression(value: Any, indent: int = 0) -> str:
    """A value; short lists and mappings are in one line."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, Json):
        return _json(value, indent)
    if value is None:
        return "null"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _mapping(value, indent)
    if isinstance(value, Sequence):
        one = f"[{', '.join(expression(each) for each in value)}]"
        if len(one) + 2 * indent <= _WIDTH and "\n" not in one:
            return one
        space = "  " * (indent + 1)
        items = "".join(f"{space}{expression(each, indent + 1)},\n" for each in value)
        return f"[\n{items}{'  ' * indent}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def _json(value: Json, indent: int) -> str:
    """A document; `<` and `>` of places stay as they are, which Terraform's own encoder writes in another way."""
    text = f"jsonencode({_mapping(value, indent)})"
    for written, meant in (("003c", "<"), ("003e", ">"), ("0026", "&")):
        if meant in text:
            text = f'replace({text}, "\\\\u{written}", "{meant}")'
    return text


def _mapping(value: Mapping[str, Any], indent: int) -> str:
    pairs = [(_key(key), each) for key, each in value.items()]
    one = f"{{ {', '.join(f'{key} = {expression(each)}' for key, each in pairs)} }}" if pairs else "{}"
    if len(one) + 2 * indent <= _WIDTH and "\n" not in one:
        return one
    lines = _aligned([(key, expression(each, indent + 1)) for key, each in pairs], indent + 1)
    return "\n".join(["{", *lines, f"{'  ' * indent}}}"])


def _aligned(pairs: Sequence[tuple[str, str]], indent: int) -> list[str]:
    """Lines whose `=` are below each other; one of several lines ends a group."""
    lines: list[str] = []
    group: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(key) for key, _ in group), default=0)
        lines.extend(f"{'  ' * indent}{key:<{width}} = {text}" for key, text in group)
        group.clear()

    for key, text in pairs:
        if "\n" in text:
            flush()
            lines.append(f"{'  ' * indent}{key} = {text}")
        else:
            group.append((key, text))
    flush()
    return lines


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    escaped = json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    # JSON's short forms of these are none of Terraform's.
    return escaped.replace("\\b", "\\u0008").replace("\\f", "\\u000c")
