"""Terraform expressions as trees, as far as the constructs write them: read, written again, asked what they refer to.

See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from batchtab.constructs._terraform.expressions import split_template

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)|(?P<open>\")"
    r"|(?P<mark>\.\.\.|=>|==|!=|<=|>=|&&|\|\||\[\*\]|[-+*/%<>!?:=.,(){}\[\]]))"
)
#: Binary operators, those that bind least first.
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
#: What a name may refer to anywhere in a module; any other is a variable of a `for`, `self`, `each`, or a block's own.
_MODULE_WIDE = re.compile(r"var|local|data|path|terraform|module|aws_\w+")


@dataclass(frozen=True)
class Node:
    """One part of an expression.

    `kind` is number, name, text (a template: raws and interpolations), raw, attribute, index, splat, call, tuple,
    object (of pairs), pair, for (of a collection, a result or pair, and a condition), unary, binary, choice or group;
    `text` the operator, name or variables.
    """

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()

    def __str__(self) -> str:
        """The expression as it is written, without the braces of a template."""
        return _WRITERS[self.kind](self)

    @property
    def variables(self) -> list[str]:
        """The variables of a `for`."""
        return self.text.rstrip("{.").split(", ")

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def free(self) -> frozenset[str]:
        """The names in it that mean something in its place alone."""
        if self.kind == "name":
            own = self.text not in {"null", "true", "false"} and not _MODULE_WIDE.fullmatch(self.text)
            return frozenset([self.text] if own else [])
        if self.kind == "object":  # a bare key is a text
            asked = (part for pair in self.parts for part in pair.parts[pair.parts[0].kind == "name" :])
            return frozenset[str]().union(*(part.free() for part in asked))
        if self.kind == "for":
            inner = frozenset[str]().union(*(part.free() for part in self.parts[1:]))
            return self.parts[0].free() | inner.difference(self.variables)
        return frozenset[str]().union(*(part.free() for part in self.parts))

    def with_parts(self, *parts: Node) -> Node:
        """The same with other parts."""
        return replace(self, parts=parts)


def name(text: str) -> Node:
    """A name, with attributes after dots."""
    first, *rest = text.split(".")
    node = Node("name", first)
    for attribute in rest:
        node = Node("attribute", attribute, (node,))
    return node


def call(function: str, *arguments: Node) -> Node:
    """A call of a function."""
    return Node("call", function, arguments)


def ungrouped(node: Node) -> Node:
    """A node without brackets around it."""
    return ungrouped(node.parts[0]) if node.kind == "group" else node


def plain_text(node: Node) -> str | None:
    """What a text without interpolations says, as a template in JSON has it; None of anything else."""
    if node.kind != "text" or any(part.kind != "raw" for part in node.parts):
        return None
    return unescaped("".join(part.text for part in node.parts))


def unescaped(raw: str) -> str:
    """A part of a text as it is outside an expression: a template, whose own escapes stay."""
    return str(json.loads(f'"{raw}"'))


def key_of(pair: Node) -> str | None:
    """The key of an object's member; None where it is computed."""
    key = pair.parts[0]
    return key.text if key.kind == "name" else plain_text(key)


def parse(text: str) -> Node:
    """Reads an expression.

    Raises:
        ValueError: it has something that no construct writes.
    """
    reader = _Reader(text)
    node = reader.expression()
    if text[reader.position :].strip():
        raise ValueError(f"cannot read {text[reader.position :][:80]!r} in {text[:200]!r}")
    return node


def parse_template(text: str) -> Node:
    """Reads a string of Terraform's JSON, which is an expression or a text with some in it."""
    parts = split_template(text)
    if len(parts) == 1 and parts[0][1]:
        return parse(parts[0][0][2:-1])
    quoted = (json.dumps(part, ensure_ascii=False)[1:-1] for part, _ in parts)
    return Node(
        "text",
        parts=tuple(
            parse(part[2:-1]) if code else Node("raw", raw) for (part, code), raw in zip(parts, quoted, strict=True)
        ),
    )


def template_text(node: Node) -> str:
    """A node as a string of Terraform's JSON."""
    if node.kind != "text":
        return f"${{{node}}}"
    text = "".join(unescaped(part.text) if part.kind == "raw" else f"${{{part}}}" for part in node.parts)
    return f'${{"{text}"}}' if len(node.parts) == 1 and node.parts[0].kind != "raw" else text


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0

    def peek(self, *marks: str) -> str | None:
        match = _TOKEN.match(self.text, self.position)
        return match[match.lastgroup or 0] if match and match[match.lastgroup or 0] in marks else None

    def take(self, *marks: str) -> str | None:
        if found := self.peek(*marks):
            match = _TOKEN.match(self.text, self.position)
            self.position = match.end() if match else self.position
        return found

    def need(self, *marks: str) -> str:
        found = self.take(*marks)
        if found is None:
            raise ValueError(f"expected {' or '.join(marks)} at {self.text[self.position :][:80]!r}")
        return found

    def expression(self) -> Node:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        then = self.expression()
        self.need(":")
        return Node("choice", parts=(condition, then, self.expression()))

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        node = self.binary(level + 1)
        while operator := self.take(*_LEVELS[level]):
            node = Node("binary", operator, (node, self.binary(level + 1)))
        return node

    def unary(self) -> Node:
        operator = self.take("!", "-")
        return Node("unary", operator, (self.unary(),)) if operator else self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while mark := self.take(".", "[*]", "["):
            if mark == ".":
                node = Node("attribute", self.word(), (node,))
            elif mark == "[*]":
                node = Node("splat", parts=(node,))
            else:
                node = Node("index", parts=(node, self.expression()))
                self.need("]")
        return node

    def word(self) -> str:
        match = _TOKEN.match(self.text, self.position)
        if match is None or match["name"] is None:
            raise ValueError(f"expected a name at {self.text[self.position :][:80]!r}")
        self.position = match.end()
        return match["name"]

    def primary(self) -> Node:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise ValueError(f"cannot read {self.text[self.position :][:80]!r}")
        self.position = match.end()
        if match["number"]:
            return Node("number", match["number"])
        if match["open"]:
            return self.quoted()
        if match["name"]:
            return self.arguments(match["name"]) if self.take("(") else Node("name", match["name"])
        if match["mark"] == "(":
            inner = self.expression()
            self.need(")")
            return Node("group", parts=(inner,))
        if match["mark"] in "[{":
            return self.collection(match["mark"])
        raise ValueError(f"cannot read {match['mark']!r} in {self.text[:200]!r}")

    def arguments(self, function: str) -> Node:
        found: list[Node] = []
        while not self.take(")"):
            found.append(self.expression())
            if self.take("..."):
                function += "..."
            if not self.peek(")"):
                self.need(",")
        return Node("call", function, tuple(found))

    def collection(self, open_: str) -> Node:
        close = "]" if open_ == "[" else "}"
        start = self.position
        if self.peek("for") and self.word() == "for" and not self.peek("=", ":"):
            return self.for_(close)
        self.position = start
        found: list[Node] = []
        while not self.take(close):
            item = self.expression()
            if close == "}":
                self.need("=", ":")
                item = Node("pair", parts=(item, self.expression()))
            found.append(item)
            if not self.peek(close):
                self.need(",")
        return Node("tuple" if close == "]" else "object", parts=tuple(found))

    def for_(self, close: str) -> Node:
        variables = [self.word()]
        if self.take(","):
            variables.append(self.word())
        self.need("in")
        collection = self.expression()
        self.need(":")
        result, more = self.expression(), ""
        if close == "}":
            self.need("=>")
            result = Node("pair", parts=(result, self.expression()))
            more = "{" + (self.take("...") or "")
        condition = (self.expression(),) if self.take("if") else ()
        self.need(close)
        return Node("for", ", ".join(variables) + more, (collection, result, *condition))

    def quoted(self) -> Node:
        parts: list[Node] = []
        begin = self.position
        while (mark := self.text[self.position]) != '"':
            if mark == "\\":
                self.position += 2
            elif self.text.startswith("$${", self.position):
                self.position += 3
            elif self.text.startswith("${", self.position):
                parts.append(Node("raw", self.text[begin : self.position]))
                self.position += 2
                parts.append(self.expression())
                self.need("}")
                begin = self.position
            else:
                self.position += 1
        parts.append(Node("raw", self.text[begin : self.position]))
        self.position += 1
        return Node("text", parts=tuple(part for part in parts if part != Node("raw")))


def _text(node: Node) -> str:
    return '"' + "".join(part.text if part.kind == "raw" else f"${{{part}}}" for part in node.parts) + '"'


def _object(node: Node) -> str:
    return "{ " + ", ".join(map(str, node.parts)) + " }" if node.parts else "{}"


def _call(node: Node) -> str:
    expands = node.text.endswith("...")
    return f"{node.text.removesuffix('...')}({', '.join(map(str, node.parts))}{'...' if expands else ''})"


def _for(node: Node) -> str:
    is_object = "{" in node.text
    collection, result, *condition = node.parts
    text = f"{result.parts[0]} => {result.parts[1]}" if is_object else str(result)
    text += "..." if node.text.endswith("...") else ""
    text = f"for {', '.join(node.variables)} in {collection} : {text}" + "".join(f" if {one}" for one in condition)
    return f"{{ {text} }}" if is_object else f"[{text}]"


_WRITERS: dict[str, Callable[[Node], str]] = {
    "number": lambda node: node.text,
    "name": lambda node: node.text,
    "raw": lambda node: node.text,
    "text": _text,
    "attribute": lambda node: f"{node.parts[0]}.{node.text}",
    "index": lambda node: f"{node.parts[0]}[{node.parts[1]}]",
    "splat": lambda node: f"{node.parts[0]}[*]",
    "call": _call,
    "tuple": lambda node: "[" + ", ".join(map(str, node.parts)) + "]",
    "object": _object,
    "pair": lambda node: f"{node.parts[0]} = {node.parts[1]}",
    "for": _for,
    "unary": lambda node: f"{node.text}{node.parts[0]}",
    "binary": lambda node: f"{node.parts[0]} {node.text} {node.parts[1]}",
    "choice": lambda node: f"{node.parts[0]} ? {node.parts[1]} : {node.parts[2]}",
    "group": lambda node: f"({node.parts[0]})",
}
