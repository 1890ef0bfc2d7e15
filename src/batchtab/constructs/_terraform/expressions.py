"""Terraform expressions beside plain values, so that a construct is written once for both.

A construct never branches on an expression in Python. It asks these functions, which answer at once for values and
write Terraform's own conditional for expressions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeGuard, TypeVar

from batchtab.constructs._terraform.framework import Token

T = TypeVar("T")

_CDKTF_TOKEN = re.compile(r"\$\{TfToken\[[^\]]+\]\}")
_WHOLE = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
_LIST_TOKEN = "#{TfToken["  # noqa: S105 - how cdktf writes a list that it knows later
_MAP_TOKEN = "&{TfToken["  # noqa: S105 - the same for a map: its only key
_NUMBER_TOKENS_BELOW = -1e280  # cdktf hides the tokens of numbers in this range


class Expression(str):
    """A Terraform expression in template form, `${…}`; wherever a construct takes a value it takes one of these too.

    A plain string with `${…}` from a cdktf attribute is as good; this class exists so that text which people write
    (a shell command with `${HOME}`) is never taken for one.
    """

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """The expression written as `text`, without the braces: `Expression.of("var.name")`."""
        return cls("${" + text + "}")

    @property
    def text(self) -> str:
        """The expression without its braces."""
        return self[2:-1]


class Nullable(Expression):
    """An expression that may be null: an optional input of a Terraform module."""

    __slots__ = ("given", "made")

    given: Expression
    #: Whether what it names is made here in any case, or where something needs it.
    made: Condition

    @classmethod
    def input(cls, name: str, given: Expression | None = None, made: Condition = False) -> Nullable:
        """The input's expression.

        Args:
            name: The variable's.
            given: Whether it was given, where that cannot be seen from its value: Terraform has to know how many
                resources there are when it plans, and the ARN of a role that is yet to be made is not known then.
            made: Whether a role, say, is made in any case, so that what needs it may be unknown when Terraform plans.
        """
        return cls.of(f"var.{name}", given, made)

    @classmethod
    def of(cls, text: str, given: Expression | None = None, made: Condition = False) -> Nullable:
        """The expression written as `text`, which may be null."""
        self = cls("${" + text + "}")
        self.made = made
        self.given = Expression.of(f"{text} != null") if given is None else given
        return self


#: A yes or no that is known now, or an expression that Terraform decides.
Condition = bool | Expression


def is_expression(value: object) -> TypeGuard[Expression]:
    """Whether a value is known only to Terraform: an Expression, or a cdktf token of any kind."""
    if isinstance(value, Expression):
        return True
    if isinstance(value, Literal):
        return any(is_code for _, is_code in split_template(value))
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, float):
        return value < _NUMBER_TOKENS_BELOW
    if isinstance(value, list):
        return len(value) == 1 and isinstance(value[0], str) and value[0].startswith(_LIST_TOKEN)
    if isinstance(value, Mapping):
        return len(value) == 1 and str(next(iter(value))).startswith(_MAP_TOKEN)
    return hasattr(value, "resolve") and hasattr(value, "creation_stack")  # an IResolvable


def as_expression(value: Any) -> Any:
    """A value in which cdktf's tokens of lists, maps and yes-or-no are Expressions, as a module's inputs are."""
    if isinstance(value, str | float):
        return value
    if is_expression(value):
        return Expression.of(hcl(value))
    if isinstance(value, dict):
        return {key: as_expression(item) for key, item in value.items()}
    return type(value)(map(as_expression, value)) if type(value) in (list, tuple) else value


class Literal(str):
    """Text that people wrote, as a Terraform template: its `${` and `%{` are escaped already."""

    __slots__ = ()


def literal(value: str) -> str:
    """Text that people wrote, with Terraform's `${` and `%{` escaped; expressions and cdktf tokens stay alive.

    What is escaped already stays as it is, so that a part of an object and the whole may both be asked for.
    """
    if isinstance(value, Expression | Literal):
        return value
    kept = _CDKTF_TOKEN.findall(value)
    parts = _CDKTF_TOKEN.split(value)
    escaped = [part.replace("${", "$${").replace("%{", "%%{") for part in parts]
    return Literal("".join(a + b for a, b in zip(escaped, [*kept, ""], strict=True)))


def literals(value: Any) -> Any:
    """The same for all texts in a list or mapping, its keys included."""
    if isinstance(value, str):
        return literal(value)
    if is_expression(value):
        return value
    if isinstance(value, Mapping):
        return {literal(key): literals(item) for key, item in value.items()}
    return [literals(item) for item in value] if isinstance(value, list | tuple) else value


def hcl(value: object) -> str:
    """A value as it is written inside an expression: `"text"`, `["a", var.b]`, `{ a = 1 }`.

    Strings are templates: `${` in them is live. Pass text that people wrote through `literal` first.
    """
    if isinstance(value, Expression):
        return value.text
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and is_expression(value):
        return _quote(Token.as_string(value))
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        return whole[1] if whole and not _CDKTF_TOKEN.search(value) else _quote(value)
    if is_expression(value):
        return _quote(Token.as_string(value))
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {hcl(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(hcl(item) for item in value) + "]"
    raise TypeError(f"{value!r} cannot be written as a Terraform expression")


def number_text(value: float) -> str:
    """A number as Terraform's tostring writes it: 1, 0.25."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _quote(text: str) -> str:
    """A template in quotes: what is outside `${…}` is escaped, what is inside is code already.

    Within an expression cdktf may leave the braces of its own tokens out, so that they get others.
    """
    parts = [(f"${{{part}}}" if _CDKTF_TOKEN.fullmatch(part) else part, code) for part, code in split_template(text)]
    return '"' + "".join(part if code else json.dumps(part, ensure_ascii=False)[1:-1] for part, code in parts) + '"'


def split_template(text: str) -> list[tuple[str, bool]]:
    """A template's parts, each with whether it is an interpolation `${…}`; `$${` is text."""
    parts: list[tuple[str, bool]] = []
    begin = position = 0
    while (position := text.find("${", position)) >= 0:
        if position > 0 and text[position - 1] == "$":
            position += 2
            continue
        depth, end = 1, position + 2
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        parts += [(text[begin:position], False), (text[position:end], True)]
        begin = position = end
    return [part for part in [*parts, (text[begin:], False)] if part[0]]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) else _quote(name)


# --- questions that Python answers for values and Terraform for expressions


def is_set(value: object) -> Condition:
    """Whether an optional argument was given; an expression was, unless it is a module's input."""
    return value.given if isinstance(value, Nullable) else value is not None


def is_made(value: object) -> Condition:
    """Whether what an optional argument names is made in any case."""
    return value.made if isinstance(value, Nullable) else False


def one_of(value: object, options: Iterable[str]) -> Condition:
    """Whether a text is one of these."""
    known = list(options)
    return Expression.of(f"contains({hcl(known)}, {hcl(value)})") if is_expression(value) else value in known


def not_empty(value: Any) -> Condition:
    """Whether a list or map is not empty."""
    return Expression.of(f"length({hcl(value)}) > 0") if is_expression(value) else bool(value)


def negate(condition: Condition) -> Condition:
    """The opposite."""
    if isinstance(condition, bool):
        return not condition
    text = condition.text
    if re.fullmatch(r"!?[a-z_.]+", text):  # `!var.x` and `var.x` need no brackets
        return Expression.of(text[1:] if text.startswith("!") else f"!{text}")
    return Expression.of(f"!({text})")


def all_of(*conditions: Condition) -> Condition:
    """Whether all are true; what is known now is decided now.

    Terraform reads them from the first, and knows the answer only if no value that is unknown comes before a false one:
    whatever is known when it plans goes first. `false && unknown` would be unknown to Terraform before 1.12.
    """
    return _joined("alltrue", conditions, decisive=False)


def any_of(*conditions: Condition) -> Condition:
    """Whether at least one is true; what is known now is decided now.

    One that is true is enough to Terraform, whatever else is unknown; `true || unknown` is unknown before 1.12.
    """
    return _joined("anytrue", conditions, decisive=True)


class _Joined(Expression):
    """Conditions in one, which another that is joined the same way takes in."""

    __slots__ = ("conditions", "function")

    function: str
    conditions: list[Expression]

    @classmethod
    def by(cls, function: str, conditions: list[Expression]) -> _Joined:
        """All of them by `alltrue`, or one of them by `anytrue`."""
        self = cls.of(f"{function}({hcl(conditions)})")
        self.function, self.conditions = function, conditions
        return self


def _joined(function: str, conditions: Iterable[Condition], *, decisive: bool) -> Condition:
    open_: list[Expression] = []
    for condition in conditions:
        if condition is decisive:
            return decisive
        if isinstance(condition, _Joined) and condition.function == function:
            open_ += condition.conditions
        elif not isinstance(condition, bool):
            open_.append(condition)
    if not open_:
        return not decisive
    return open_[0] if len(open_) == 1 else _Joined.by(function, open_)


def choose(condition: Condition, then: T, otherwise: T) -> T | Expression:
    """One of two values; both must be of one Terraform type."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    text = f"({condition.text})" if "?" in condition.text else condition.text
    return Expression.of(f"{text} ? {hcl(then)} : {hcl(otherwise)}")


def pick(value: str, mapping: Mapping[str, T]) -> T | Expression | None:
    """A map's value for a text; nothing for other texts."""
    return Expression.of(f"lookup({hcl(mapping)}, {hcl(value)}, null)") if is_expression(value) else mapping.get(value)


def merged(first: Any, second: Mapping[str, str]) -> Any:
    """Two maps in one; the first wins where both have a key."""
    if is_expression(first):
        return Expression.of(f"merge({hcl(second)}, {hcl(first)})")
    return {**second, **(first or {})}


# --- the same, typed for the provider's bindings


def as_number(value: Any) -> Any:
    """A number argument of a binding."""
    return Token.as_number(value) if isinstance(value, str) else value


def as_list(value: Any) -> Any:
    """A list argument of a binding; it takes no tuples."""
    if isinstance(value, str):
        return Token.as_list(value)
    return None if value is None else list(value)


def as_map(value: Any) -> Any:
    """A map argument of a binding; it takes no other mappings than dictionaries."""
    if isinstance(value, str):
        return Token.as_string_map(value)
    return None if value is None else dict(value)


def as_bool(value: Any) -> Any:
    """A yes-or-no argument of a binding."""
    return Token.as_any(value) if isinstance(value, str) else value
