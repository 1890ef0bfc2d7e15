"""A module's Terraform laid out for readers: documents a member a line, long and repeated expressions as named locals.

It changes how a module is written and never what it says: a local has the words that were in its place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchtab.constructs._terraform.syntax import (
    Node,
    call,
    key_of,
    name,
    parse_template,
    plain_text,
    template_text,
    ungrouped,
)
from batchtab.constructs._terraform.total import Totals

#: How long a string may be; with its key and place a line has at most 200.
LONGEST = 135
_DOCUMENT = 80  # a document that is longer is laid out
_LONGEST_WORD = 20  # of a name
_REPEATED = 50  # an expression that is longer is written once

_PLACE = re.compile(r"<[\w.-]+>")
_WORDS = {"assume_role_policy": "trust", "condition": "rule", "error_message": "message"}
#: What readers call expressions that are in many places.
_NAMES = {
    'contains(["FARGATE", "FARGATE_SPOT"], var.capacity)': "is_fargate",
    'split("/", var.github_repository)[0]': "github_owner",
    'split("/", var.github_repository)[1]': "github_name",
}
#: What the names of locals begin with, for long ones of the constructs.
_SHORT = {"container_properties": "container", "ecs_properties": "task"}
_KEPT = {"trust"}
_SILENT = {"lifecycle", "precondition", "postcondition", "dynamic", "content", "for_each", "count", "value"}


@dataclass(frozen=True)
class Loop:
    """What a name in a `for`, or `each`, is one of."""

    collection: Node
    key: str
    value: str
    condition: tuple[Node, ...] = ()
    outer: Loop | None = None

    @property
    def names(self) -> set[str]:
        """What it and the loops around it have names for."""
        own = {"each"} if self.key == "each.key" else {self.key, self.value}
        return own | (self.outer.names if self.outer else set())

    @property
    def is_closed(self) -> bool:
        """Whether a local may go through the same items: it is a module's own, or an outer loop's."""
        around = self.outer.names if self.outer else set()
        return bool(self.key) and self.collection.free() <= around and (self.outer is None or self.outer.is_closed)

    def every(self) -> Loop:
        """The same through all items."""
        return replace(self, condition=(), outer=self.outer.every() if self.outer else None)

    def item_of(self, node: Node) -> Node:
        """What a local has for the item."""
        return Node("index", parts=(self.outer.item_of(node) if self.outer else node, name(self.key)))

    def staged(self, node: Node) -> Node:
        """What is made of each item, by its key."""
        key, value = ("key", "item") if self.key == "each.key" else (self.key, self.value)
        node = _renamed(node) if self.key == "each.key" else node
        parts = (self.collection, Node("pair", parts=(name(key), node)), *self.condition)
        made = Node("for", f"{key}, {value}{{", parts)
        return self.outer.staged(made) if self.outer else made


@dataclass(frozen=True)
class Scope:
    """Where an expression is written: whether Terraform always asks for its value, and in which loop."""

    is_lazy: bool = False
    loop: Loop | None = None


def lay_out(main: Mapping[str, Any], variables: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """The content of a module's main file and its outputs, laid out."""
    layout = _Layout(main.get("locals", {}), variables)
    return layout.lay_out(main, outputs)


class _Layout:
    def __init__(self, locals_: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._given = dict(locals_)
        self._totals = Totals(variables, locals_)
        self._locals: dict[str, Any] = {}
        self._taken = set(locals_)
        self._names: dict[str, str] = {}  # of expressions
        self._repeated: set[str] = set()

    def lay_out(self, main: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """See the function."""
        self._find_repeated([*_strings(main), *_strings(outputs, Scope())])
        self._names |= {str(node): label for label, node in self._totals.locals.items()}
        for label, value in sorted(self._given.items()):
            if not isinstance(value, str):
                self._locals[label] = self._value(value, label, Scope())
                continue
            place = _SHORT.get(label, label)
            self._locals[label] = self._native(self._with_parts(parse_template(value), place), place, Scope())
        rest = {
            key: self._resources(value) if key in {"resource", "data"} else value
            for key, value in sorted(main.items())
            if key != "locals"
        }
        out = {key: self._value(value, key, Scope()) for key, value in sorted(outputs.items())}
        return ({"locals": self._locals} if self._locals else {}) | rest, out

    def _resources(self, types: Mapping[str, Any]) -> Any:
        return {
            type_: {label: self._resource(label, body) for label, body in sorted(named.items())}
            for type_, named in sorted(types.items())
        }

    def _resource(self, label: str, body: Mapping[str, Any]) -> Any:
        scope = _scope_of(body)
        return {
            key: self._value(value, _joined(label, key), Scope() if key in {"count", "for_each"} else scope)
            for key, value in sorted(body.items())
        }

    # --- repeated expressions

    def _find_repeated(self, strings: Iterable[tuple[str, Scope]]) -> None:
        counted: Counter[str] = Counter()
        always: set[str] = set()
        for text, scope in strings:
            if "${" not in text:
                continue
            for node, is_lazy in _with_laziness(parse_template(text), scope.is_lazy):
                written = str(node)
                if _is_worth_a_name(node, written):
                    counted[written] += 1
                    if not is_lazy or self._totals.always(node):
                        always.add(written)
        self._repeated = {written for written, times in counted.items() if times > 1 and written in always}

    def _shared(self, node: Node, label: str) -> Node:
        """An expression in which those that are repeated are locals."""
        if node.free() or str(ungrouped(node)) not in self._repeated:
            return self._with_parts(node, label)
        written = str(ungrouped(node))
        short = self._with_parts(ungrouped(node), label)
        if written in self._names or written in _NAMES or len(str(short)) >= _REPEATED:
            return self._local(ungrouped(node), label)
        return Node("group", parts=(short,)) if node.kind == "group" else short

    def _with_parts(self, node: Node, label: str) -> Node:
        return node.with_parts(*(self._shared(part, _part(node, at, label)) for at, part in enumerate(node.parts)))

    # --- values

    def _value(self, value: Any, label: str, scope: Scope) -> Any:
        if isinstance(value, dict):
            return {key: self._value(item, _joined(label, key), scope) for key, item in sorted(value.items())}
        if isinstance(value, list):
            return [self._value(item, label, scope) for item in value]
        return self._string(value, label, scope) if isinstance(value, str) else value

    def _string(self, text: str, label: str, scope: Scope) -> str:
        if text.startswith('{"') and len(text) > _DOCUMENT:
            return template_text(self._fitted(parse_template(text), label, scope))
        if "${" not in text:
            return text
        node = self._shared(parse_template(text), label)
        return template_text(self._fitted(node, label, scope))

    def _document(self, content: Any, text: str, label: str) -> Node:
        """A document whose structure is known, as a local and what encodes it as it was."""
        made = self._label(label)
        self._locals[made] = self._value(content, label, Scope())
        node = call("jsonencode", name(f"local.{made}"))
        for place in sorted(set(_PLACE.findall(text))):
            escaped = place.replace("<", "\\\\u003c").replace(">", "\\\\u003e")
            node = call("replace", node, _text(escaped), _text(place))
        return node

    # --- locals

    def _label(self, place: str, more: str = "") -> str:
        """A free name for what is made for a place, such as `job_role_policy.resource`."""
        wanted = label = place.replace(".", "_") + more
        number = 2
        while label in self._taken:
            label, number = f"{wanted}_{number}", number + 1
        self._taken.add(label)
        return label

    def _local(self, node: Node, wanted: str) -> Node:
        """A local in place of an expression of no loop."""
        written = str(node)
        label = self._names.get(written)
        if label is None:
            label = self._names[written] = self._label(_NAMES.get(written, wanted))
            self._totals.locals[label] = node
            node = self._with_parts(node, wanted)
            self._locals[label] = self._native(node, wanted, Scope())
        return name(f"local.{label}")

    def _native(self, node: Node, label: str, scope: Scope) -> Any:
        """An expression as Terraform's JSON has it, with its structure where it is known."""
        node = ungrouped(node)
        if node.kind == "object" and node.parts and all(key_of(pair) for pair in node.parts):
            return {
                key: self._native(pair.parts[1], _joined(label, key), scope)
                for pair in node.parts
                if (key := key_of(pair)) is not None
            }
        if node.kind == "tuple" and node.parts:
            return [self._native(part, label, scope) for part in node.parts]
        if node.kind == "number" or (node.kind == "name" and node.text in {"true", "false"}):
            return json.loads(node.text)
        if (text := plain_text(node)) is not None and not text.startswith('{"'):
            return text
        return template_text(self._fitted(node, label, scope, LONGEST + 40 - len(label)))

    # --- what is too long

    def _fitted(self, node: Node, label: str, scope: Scope, longest: int = LONGEST) -> Node:
        """An expression that is short, as far as its parts can be locals."""
        text = template_text(node)
        if node.kind == "text" and text.startswith('{"') and len(text) > _DOCUMENT and self._can_be_local(node, scope):
            return self._document(json.loads(text), text, label)
        is_document = node.kind == "call" and node.text == "jsonencode" and not node.free() and _size(node) > _DOCUMENT
        if _size(node) <= longest and not is_document:
            return node
        if (found := _optional_members(node)) and (laid := self._members(*found, label, scope)):
            return laid
        if (parts := _optional_items(node)) and (laid := self._items(parts, label, scope)):
            return laid
        if node.kind == "object" and len(node.parts) > 1 and node.free() and all(map(key_of, node.parts)):
            pairs = {key_of(pair) or "": pair.parts[1] for pair in node.parts}
            if laid := self._members(pairs, {}, label, scope):
                return laid
        node = _balanced(node)
        counted = node.kind == "for" and len(node.variables) == 1
        if node.kind == "for":
            node = _with_own_names(node, scope.loop.names if scope.loop else set())
        for at in sorted(range(len(node.parts)), key=lambda at: -_size(node.parts[at])):
            excess = _size(node) - (_DOCUMENT if is_document else longest)
            if excess <= 0:
                break
            part = node.parts[at]
            place, inner = _part(node, at, label), self._scope(node, at, scope)
            done = self._named(part, place, inner, _size(part) - excess, may=_may_be_local(node, at))
            node = node.with_parts(*node.parts[:at], done, *node.parts[at + 1 :])
            is_document = False
        if counted and not any(node.variables[0] in part.free() for part in node.parts[1:]):
            return replace(node, text=node.text.partition(", ")[2])
        return node

    def _named(self, node: Node, label: str, scope: Scope, longest: int, *, may: bool) -> Node:
        """A local for a part of an expression, or the part with locals in it."""
        if node.kind == "pair" and not may:
            key, value = node.parts
            return node.with_parts(key, self._fitted(value, label, scope, longest - _size(key)))
        inner = ungrouped(node)
        if may and len(str(inner)) > len(f"local.{label}") and inner.kind not in {"raw", "name", "attribute", "pair"}:
            if self._can_be_local(inner, scope):
                return self._local(inner, label)
            is_object = inner.kind == "object" or _optional_members(inner)
            if not is_object and inner.free() and (loop := self._loop_of(inner, scope)):
                return loop.item_of(self._local(loop.staged(inner), label))
        return self._fitted(node, label, scope, longest)

    def _loop_of(self, node: Node, scope: Scope) -> Loop | None:
        """The loop for each of whose items an expression can be a local: all items, if it has a value for all."""
        loops = [scope.loop.every(), scope.loop] if scope.loop else []
        lazily = [replace(scope, is_lazy=True, loop=loop) if at == 0 else scope for at, loop in enumerate(loops)]
        return next((each.loop for each in lazily if self._can_be_staged(node, each)), None)

    def _can_be_local(self, node: Node, scope: Scope) -> bool:
        return not node.free() and (not (scope.is_lazy or scope.loop) or self._totals.always(node))

    def _can_be_staged(self, node: Node, scope: Scope) -> bool:
        loop = scope.loop
        if loop is None or not loop.is_closed or not node.free() <= loop.names:
            return False
        return not scope.is_lazy or self._totals.always(loop.staged(node))

    def _scope(self, node: Node, at: int, scope: Scope) -> Scope:
        if node.kind == "for" and at > 0 and node.parts[0].kind != "object":
            *key, value = node.variables
            condition = node.parts[2:] if at == 1 else ()
            outer = scope.loop if node.parts[0].free() else None
            loop = Loop(node.parts[0], key[0] if key else "", value, condition, outer)
            return Scope(is_lazy=scope.is_lazy or (scope.loop is not None and outer is None), loop=loop)
        return replace(scope, is_lazy=scope.is_lazy or _is_lazy(node, at))

    def _members(
        self, members: Mapping[str, Node], conditions: Mapping[str, Node], label: str, scope: Scope
    ) -> Node | None:
        """An object as locals of its members and of when those are there."""
        parts = [*members.values(), *conditions.values()]
        if all(self._can_be_local(part, scope) for part in parts):
            return self._closed_members(members, conditions, label)
        if scope.loop is None or not all(self._can_be_staged(part, scope) for part in parts):
            return None
        made, last, loop = self._label(label), label.rpartition(".")[2], scope.loop
        self._locals[made] = rows = {}
        for key, part in members.items():
            place = _joined(last, key)
            when = conditions.get(key, name("true"))
            all_items = self._loop_of(part, replace(scope, is_lazy=True)) if key in conditions else None
            only = (conditions[key],) if key in conditions else ()
            taken = all_items or replace(loop, condition=_both(loop.condition, only))
            rows[key] = value = self._native(taken.staged(part), place, Scope())
            if conditions:
                rows[key] = {"value": value, "when": self._native(loop.staged(when), _when(place), Scope())}
        value, there = (_attribute("v", "value"), (_attribute("v", "when"),)) if conditions else (name("v"), ())
        pair = Node("pair", parts=(name("k"), loop.item_of(value)))
        return Node("for", "k, v{", (name(f"local.{made}"), pair, *map(loop.item_of, there)))

    def _closed_members(self, members: Mapping[str, Node], conditions: Mapping[str, Node], label: str) -> Node:
        always = {key: part for key, part in members.items() if key not in conditions}
        made, optional = self._label(label) if always else "", self._label(label, "_optional")
        if always:
            self._locals[made] = {key: self._native(part, _joined(label, key), Scope()) for key, part in always.items()}
        self._locals[optional] = {
            key: {
                "value": self._native(members[key], _joined(label, key), Scope()),
                "when": self._native(when, _when(_joined(label, key)), Scope()),
            }
            for key, when in conditions.items()
        }
        pair = Node("pair", parts=(name("k"), _attribute("v", "value")))
        chosen = Node("for", "k, v{", (name(f"local.{optional}"), pair, _attribute("v", "when")))
        return call("merge", name(f"local.{made}"), chosen) if always else chosen

    def _items(self, parts: list[tuple[Node, Node]], label: str, scope: Scope) -> Node | None:
        """A list as a local of its parts and of when those are there."""
        if not all(self._can_be_local(part, scope) for both in parts for part in both):
            return None
        place = self._label(label, "_parts")
        self._locals[place] = [
            {"when": self._native(when, _when(label), Scope()), "items": self._native(items, label, Scope())}
            for when, items in parts
        ]
        chosen = Node("for", "part", (name(f"local.{place}"), _attribute("part", "items"), _attribute("part", "when")))
        return call("concat...", Node("tuple"), chosen)


def _optional_members(node: Node) -> tuple[dict[str, Node], dict[str, Node]] | None:
    """The members of `merge({ … }, { for k, v in { … } : k => v if … }, …)`, and the conditions of some."""
    if node.kind != "call" or node.text != "merge":
        return None
    members: dict[str, Node] = {}
    conditions: dict[str, Node] = {}
    for part in node.parts:
        pairs = part.parts
        condition: tuple[Node, ...] = ()
        if part.kind == "for" and part.parts[0].kind == "object" and part.variables == ["k", "v"]:
            pairs, condition = part.parts[0].parts, part.parts[2:]
        elif part.kind != "object":
            return None
        for pair in pairs:
            key = key_of(pair)
            if key is None or key in members:
                return None
            members[key] = pair.parts[1]
            if condition:
                conditions[key] = condition[0]
    return (members, conditions) if conditions else None


def _optional_items(node: Node) -> list[tuple[Node, Node]] | None:
    """The parts of `concat(… ? [ … ] : [], …)`, each with its condition."""
    if node.kind != "call" or node.text != "concat":
        return None
    parts = []
    for part in map(ungrouped, node.parts):
        if part.kind == "choice" and part.parts[2] == Node("tuple"):
            parts.append((part.parts[0], part.parts[1]))
        else:
            parts.append((name("true"), part))
    return parts if any(when != name("true") for when, _ in parts) else None


def _balanced(node: Node) -> Node:
    """`a || b || c || d` as `(a || b) || (c || d)`, so that half of it can be a local."""
    operands = [node]
    while operands[0].kind == "binary" and operands[0].text == node.text and node.text in {"&&", "||"}:
        operands[:1] = operands[0].parts
    if len(operands) < 4:
        return node
    halves = (operands[: len(operands) // 2], operands[len(operands) // 2 :])
    return node.with_parts(*(Node("group", parts=(_chain(node.text, half),)) for half in halves))


def _chain(operator: str, operands: list[Node]) -> Node:
    *others, last = operands
    return Node("binary", operator, (_chain(operator, others), last)) if others else last


def _attribute(of: str, attribute: str) -> Node:
    return Node("attribute", attribute, (name(of),))


def _renamed(node: Node) -> Node:
    """A part of a resource, with the variables of a `for` in place of its `each`."""
    if node.kind == "attribute" and node.parts[0] == Node("name", "each"):
        return name("key" if node.text == "key" else "item")
    if node.kind == "for" and "each" in node.variables:
        return node.with_parts(_renamed(node.parts[0]), *node.parts[1:])
    return node.with_parts(*map(_renamed, node.parts))


def _with_own_names(node: Node, taken: set[str]) -> Node:
    """A `for` with a name for the place of an item, and none that a loop around it has."""
    more = "{..." if node.text.endswith("...") else "{" if "{" in node.text else ""
    names = node.variables if len(node.variables) > 1 else ["index", *node.variables]
    new = {old: f"{old}_2" if old in taken else old for old in names}
    parts = (node.parts[0], *(_with_names(part, new) for part in node.parts[1:]))
    return Node("for", ", ".join(new.values()) + more, parts)


def _with_names(node: Node, new: Mapping[str, str]) -> Node:
    if node.kind == "name":
        return name(new.get(node.text, node.text))
    if node.kind == "pair" and node.parts[0].kind == "name":
        is_result = node.parts[0].text in new and node.parts[0].free()
        key = _with_names(node.parts[0], new) if is_result else node.parts[0]
        return node.with_parts(key, _with_names(node.parts[1], new))
    if node.kind == "for":
        inner = {old: to for old, to in new.items() if old not in node.variables}
        return node.with_parts(_with_names(node.parts[0], new), *(_with_names(part, inner) for part in node.parts[1:]))
    return node.with_parts(*(_with_names(part, new) for part in node.parts))


def _both(first: tuple[Node, ...], second: tuple[Node, ...]) -> tuple[Node, ...]:
    if not (first and second):
        return first or second
    return (Node("binary", "&&", tuple(Node("group", parts=(part,)) for part in (*first, *second))),)


def _is_lazy(node: Node, at: int) -> bool:
    """Whether Terraform may do without the value of a part, or with an error of it."""
    if node.kind in {"choice", "for"}:
        return at > 0
    return node.kind == "call" and node.text in {"try", "can"}


def _may_be_local(node: Node, at: int) -> bool:
    """Whether a local may take the place of a part: no key of an object, and not all of what a `for` makes."""
    return not (node.kind == "pair" and at == 0) and not (node.kind == "for" and at == 1)


def _with_laziness(node: Node, is_lazy: bool) -> Iterator[tuple[Node, bool]]:
    yield node, is_lazy
    for at, part in enumerate(node.parts):
        yield from _with_laziness(part, is_lazy or _is_lazy(node, at))


def _scope_of(body: Mapping[str, Any]) -> Scope:
    if "for_each" in body and isinstance(body["for_each"], str):
        return Scope(is_lazy=True, loop=Loop(parse_template(body["for_each"]), "each.key", "each.value"))
    return Scope(is_lazy="count" in body or "for_each" in body)


def _strings(value: Any, scope: Scope | None = None, depth: int = 0) -> Iterator[tuple[str, Scope]]:
    """Every string of a main file, with its scope."""
    if isinstance(value, str):
        yield value, scope or Scope()
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, scope, depth + 1)
    elif isinstance(value, dict):
        own = _scope_of(value) if scope is None and depth == 3 else scope
        for key, item in value.items():
            if depth or key != "moved":
                yield from _strings(item, Scope() if depth == 3 and key in {"count", "for_each"} else own, depth + 1)


def _part(node: Node, at: int, label: str) -> str:
    """Where a part of an expression is, and so what a local for it is called: by what it is about."""
    if node.kind == "pair":
        return _joined(label, key_of(node) or "") if at == 1 else label
    part = ungrouped(node.parts[at])
    if part.kind not in {"object", "tuple"} and not _optional_members(part):
        label = _joined(label, _subject(part) or "value")
    if (node.kind == "choice" and at == 0) or (node.kind == "for" and at == 2):
        return _when(label)
    return label


def _subject(node: Node) -> str | None:
    """The first input or member that an expression is about."""
    for part in node.walk():
        if part.kind == "attribute" and part.parts[0].kind == "name" and part.parts[0].text not in {"local", "data"}:
            return None if part.parts[0].text.startswith("aws_") else part.text
    return None


def _when(label: str) -> str:
    return label if label.endswith("_when") else f"{label}_when"


def _joined(label: str, more: str) -> str:
    """The place of a member: of the places between, those that say most are kept."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _WORDS.get(more, re.split(r"[.:]", more)[-1]))
    word = re.sub(r"\W+", "_", word).lower().strip("_")
    while len(word) > _LONGEST_WORD and "_" in word:
        word = word.rpartition("_")[0]
    base = label.partition(".")[0]
    if word in _KEPT:
        return f"{base}_{word}"
    if more in _SILENT or base.endswith(word):
        return label
    last, _, rest = word.partition("_")
    return f"{base}.{rest if rest and base.endswith(last) else word}"


def _is_worth_a_name(node: Node, written: str) -> bool:
    if written in _NAMES:
        return True
    if node.kind not in {"call", "choice", "binary", "for"} or len(written) < _REPEATED or node.free():
        return False
    if node.kind == "choice" and node.parts[1] == Node("number", "1"):  # a `count`
        return False
    is_member = node.kind == "for" and node.parts[0].kind == "object"  # which is laid out with the others
    return not is_member and not (node.kind == "call" and node.text in {"jsonencode", "split"})


def _text(raw: str) -> Node:
    return Node("text", parts=(Node("raw", raw),))


def _size(node: Node) -> int:
    """How long it is in Terraform's JSON."""
    text = f"{node.parts[0]} => {node.parts[1]}" if node.kind == "pair" else template_text(node)
    return len(json.dumps(text, ensure_ascii=False))
