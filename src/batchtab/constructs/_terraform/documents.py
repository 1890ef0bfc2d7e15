"""JSON documents in arguments (container properties, policies): stable, and alike for values and expressions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.constructs._terraform.expressions import Condition, Expression, hcl, is_expression, split_template


@dataclass(frozen=True)
class Conditional:
    """A member of an object that is left out unless the condition is true."""

    condition: Condition
    value: Any


def document(content: Mapping[str, Any] | Expression) -> str:
    """An object as JSON: keys sorted, nothing null or empty, so that no plan shows a change that is none.

    Where all structure is known the JSON itself is written, with expressions only inside strings; otherwise
    `jsonencode`. Batch and IAM both answer with such members left out, hence the rule.
    """
    pruned = _prune(content)
    if _is_plain(pruned):
        return json.dumps(pruned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Expression.of(f"jsonencode({_hcl_object(pruned)})")


def extended(content: Mapping[str, Any], more: Any, deep: Sequence[str]) -> Any:
    """An object with further members, which replace members of its own.

    Args:
        content: The object.
        more: Further members, or an expression of them.
        deep: Members that are not replaced: lists are joined, and objects merged.
    """
    pruned = _prune(content)
    if is_expression(more):
        return Expression.of(_with_more(pruned, hcl(more), deep))
    for key, value in (more or {}).items():
        pruned[key] = _joined(pruned.get(key), _prune(value)) if key in deep else _prune(value)
    return pruned


def members(content: Any) -> str:
    """An object as it is written inside an expression, without what is absent."""
    return _hcl_object(_prune(content))


def template(content: Mapping[str, Any], *places: str) -> str:
    """A document in which AWS fills in `<name>`, in Terraform's `jsonencode` too, which would escape the brackets."""
    text = document(content)
    if not isinstance(text, Expression):
        return text
    for place in places:
        escaped = place.replace("<", "\\u003c").replace(">", "\\u003e")
        text = Expression.of(f"replace({text.text}, {hcl(escaped)}, {hcl(place)})")
    return text


def _joined(ours: Any, theirs: Any) -> Any:
    ours = ours.value if isinstance(ours, Conditional) else ours
    if is_expression(ours):
        return Expression.of(f"concat({hcl(ours)}, {_hcl_object(theirs)})")
    if isinstance(theirs, list):
        return [*(ours or []), *theirs]
    return {**(ours or {}), **theirs}


def _with_more(pruned: dict[str, Any], more: str, deep: Sequence[str]) -> str:
    parts = [_hcl_object(pruned), more]
    for key in deep:
        ours = pruned.get(key)
        ours = ours.value if isinstance(ours, Conditional) else ours
        join = "merge" if isinstance(ours, dict) else "concat"
        nothing = "{}" if isinstance(ours, dict) else "[]"
        text = nothing if ours is None else _hcl_object(ours)
        parts.append(f"try({{ {key} = {join}({text}, {more}.{key}) }}, {{}})")
    return f"merge({', '.join(parts)})"


def _prune(value: Any) -> Any:
    """Without absent members; the order of lists is kept."""
    if is_expression(value):
        return value
    if isinstance(value, Mapping):
        kept = {}
        for key, item in value.items():
            if isinstance(item, Conditional):
                if item.condition is False:
                    continue
                inner = _prune(item.value)
                kept[key] = inner if item.condition is True else Conditional(item.condition, inner)
            else:
                kept[key] = _prune(item)
        return {key: item for key, item in kept.items() if not _is_absent(item)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_prune(item) for item in value if not _is_absent(item)]
    return value


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, list | dict) and not value)


def _is_plain(value: Any) -> bool:
    """Whether all structure is known: only strings may contain expressions."""
    if isinstance(value, Conditional) or (isinstance(value, float) and is_expression(value)):
        return False
    if isinstance(value, Expression):
        return _is_reference(value)
    if isinstance(value, str):
        # A quote inside `${…}` would be escaped with the document's own, which Terraform doesn't take.
        return not any('"' in part for part, is_code in split_template(value) if is_code)
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return not is_expression(value) and all(map(_is_plain, value))
    return isinstance(value, int | float | bool)


def _is_reference(expression: Expression) -> bool:
    """Whether an expression is a plain attribute or local: a string without quotes in it, such as an ARN."""
    return expression.text.startswith(("aws_", "data.", "local.")) and '"' not in expression.text


def _hcl_object(value: Any) -> str:
    """Like `hcl`, with conditional members merged in."""
    if isinstance(value, Conditional):
        raise TypeError("a conditional value is allowed only in an object")
    if is_expression(value) or not isinstance(value, Mapping | list):
        return hcl(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_hcl_object, value)) + "]"
    fixed = {key: item for key, item in value.items() if not isinstance(item, Conditional)}
    parts = ["{ " + ", ".join(f'"{key}" = {_hcl_object(item)}' for key, item in sorted(fixed.items())) + " }"]
    for key, item in sorted(value.items()):
        if isinstance(item, Conditional):
            parts.append(
                f'{{ for k, v in {{ "{key}" = {_hcl_object(item.value)} }} : k => v if {hcl(item.condition)} }}'
            )
    return parts[0] if len(parts) == 1 else f"merge({', '.join(parts)})"
