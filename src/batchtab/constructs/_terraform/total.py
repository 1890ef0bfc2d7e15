"""Which expressions always have a value: a local has one even where the resource that uses it is not made.

What is not seen to be so is taken for one that can fail, such as a null in a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.constructs._terraform.syntax import Node, key_of, parse, parse_template, ungrouped

Facts = frozenset[str]

#: Functions that have an answer wherever their arguments are not null.
_STRICT = frozenset(
    (
        *("alltrue", "anytrue", "base64encode", "chunklist", "compact", "concat", "contains", "distinct", "flatten"),
        *("floor", "join", "keys", "length", "lower", "max", "min", "replace", "setintersection", "setsubtract"),
        *("sha1", "slice", "sort", "split", "startswith", "strcontains", "substr", "toset", "upper", "values"),
    )
)
#: Those that take null too.
_LENIENT = frozenset(["can", "jsonencode", "lookup", "merge", "one", "tostring"])


class Totals:
    """Answers for one module."""

    def __init__(self, variables: Mapping[str, Any], locals_: Mapping[str, Any]) -> None:
        self._variables = {name: (parse(body["type"]), body.get("nullable", True)) for name, body in variables.items()}
        self.locals = {name: parse_template(value) for name, value in locals_.items() if isinstance(value, str)}

    def always(self, node: Node, facts: Facts = frozenset(), types: Mapping[str, Node | None] | None = None) -> bool:
        """Whether an expression cannot fail.

        Args:
            node: The expression.
            facts: Expressions that are known not to be null.
            types: The types of variables of a `for`.
        """
        types = types or {}
        parts = node.parts
        match node.kind:
            case "choice":
                then, otherwise = facts | self._facts(parts[0], True), facts | self._facts(parts[0], False)
                return (
                    self.always(parts[0], facts, types)
                    and self.always(parts[1], then, types)
                    and self.always(parts[2], otherwise, types)
                )
            case "call" if node.text == "try":
                return self.always(parts[-1], facts, types)
            case "call" if node.text == "can":
                return True
            case "call" if node.text == "coalesce":
                last = parts[-1]  # an empty text is as good as null there
                is_sure = last.kind in {"text", "number"} or self._type(last, types) == Node("name", "number")
                return is_sure and all(self.always(part, facts, types) and self.given(last) for part in parts)
            case "call" if node.text.removesuffix("...") not in _STRICT | _LENIENT:
                return False
            case "index":
                is_there = str(node) in facts or ungrouped(parts[0]).text == "split"
                return is_there and self.always(parts[0], facts, types)
            case "for":
                if not (self.always(parts[0], facts, types) and self.given(parts[0], facts, types)):
                    return False
                inner = {**types, **self._of_items(node, types)}
                known = facts.union(*(self._facts(condition, True) for condition in parts[2:]))
                return self.always(parts[1], known, inner) and all(
                    self.always(condition, facts, inner) for condition in parts[2:]
                )
        needed: tuple[Node, ...] = ()
        if node.kind == "text":
            needed = tuple(part for part in parts if part.kind != "raw")
        elif node.kind in {"attribute", "unary"} or (node.kind == "call" and node.text in _STRICT):
            needed = parts
        elif node.kind == "call" and node.text == "lookup":
            needed = parts[:2] if len(parts) == 3 else (Node("name", "null"),)
        elif node.kind == "binary" and node.text not in {"==", "!="}:
            needed = parts
        return all(self.always(part, facts, types) for part in parts) and all(
            self.given(part, facts, types) for part in needed
        )

    def given(self, node: Node, facts: Facts = frozenset(), types: Mapping[str, Node | None] | None = None) -> bool:
        """Whether an expression is never null."""
        types = types or {}
        node = ungrouped(node)
        if str(node) in facts:
            return True
        match node.kind:
            case "name":
                return node.text != "null"
            case "attribute":
                return self._attribute_is_given(node, types)
            case "choice":
                return all(
                    self.given(part, facts | self._facts(node.parts[0], is_true), types)
                    for part, is_true in ((node.parts[1], True), (node.parts[2], False))
                )
            case "index":
                return ungrouped(node.parts[0]).text == "split"
            case "call":
                return node.text not in {"one", "lookup", "tostring", "try"}
        return True

    def _attribute_is_given(self, node: Node, types: Mapping[str, Node | None]) -> bool:
        base = node.parts[0]
        if base == Node("name", "var"):
            return not self._variables[node.text][1]
        if base == Node("name", "local"):
            value = self.locals.get(node.text)
            return value is None or self.given(value)
        root = next(part for part in _down(node) if part.kind != "attribute")
        if root.kind == "name" and (root.text.startswith("aws_") or root.text in {"data", "path"}):
            return True
        of_object = self._type(base, types)
        member = _member(of_object, node.text)
        if member is None or member.kind != "call" or member.text != "optional":
            return member is not None  # a validation refuses a null there, and then nothing asks for more
        return len(member.parts) == 2 and member.parts[1] != Node("name", "null")

    def _facts(self, condition: Node, is_true: bool) -> Facts:
        """What is known where a condition is true, or where it is false: what is not null, what has a length."""
        condition = self._resolved(ungrouped(condition))
        if condition.kind == "unary" and condition.text == "!":
            return self._facts(condition.parts[0], not is_true)
        if condition.kind != "binary":
            return frozenset()
        left, right = condition.parts
        if condition.text == ("&&" if is_true else "||"):
            return self._facts(left, is_true) | self._facts(right, is_true)
        if condition.text != ("!=" if right == Node("name", "null") else "==") and is_true:
            return frozenset()
        if right == Node("name", "null") and condition.text == ("!=" if is_true else "=="):
            return frozenset([str(ungrouped(left))])
        if left.kind == "call" and left.text == "length" and right.kind == "number" and is_true:
            return frozenset(f"{left.parts[0]}[{at}]" for at in range(int(right.text)))
        return frozenset()

    def _resolved(self, node: Node) -> Node:
        """What a local is a name of."""
        if node.kind == "attribute" and node.parts[0] == Node("name", "local") and node.text in self.locals:
            return ungrouped(self.locals[node.text])
        return node

    def _of_items(self, node: Node, types: Mapping[str, Node | None]) -> dict[str, Node | None]:
        """The types of a `for`'s variables."""
        *key, value = node.variables
        item = _item(self._type(node.parts[0], types))
        return {value: item} | {name: Node("name", "string") for name in key}

    def _type(self, node: Node, types: Mapping[str, Node | None]) -> Node | None:
        node = ungrouped(node)
        if node.kind == "name":
            return types.get(node.text)
        if node.kind == "attribute" and node.parts[0] == Node("name", "var"):
            return self._variables[node.text][0]
        if node != self._resolved(node):
            return self._type(self._resolved(node), types)
        if node.kind == "attribute":
            return _required(_member(self._type(node.parts[0], types), node.text))
        if node.kind == "call" and node.text == "values":
            return self._type(node.parts[0], types)
        if node.kind == "index":
            return _item(self._type(node.parts[0], types))
        if node.kind == "for":
            result = node.parts[1].parts[-1] if node.parts[1].kind == "pair" else node.parts[1]
            of_result = self._type(result, {**types, **self._of_items(node, types)})
            return None if of_result is None else Node("call", "map", (of_result,))
        return None


def _down(node: Node) -> Iterator[Node]:
    yield node
    if node.parts:
        yield from _down(node.parts[0])


def _required(type_: Node | None) -> Node | None:
    return type_.parts[0] if type_ is not None and type_.text == "optional" else type_


def _member(type_: Node | None, member: str) -> Node | None:
    if type_ is None or type_.text != "object":
        return None
    return next((pair.parts[1] for pair in type_.parts[0].parts if key_of(pair) == member), None)


def _item(type_: Node | None) -> Node | None:
    return type_.parts[0] if type_ is not None and type_.text in {"list", "map", "set"} else None
