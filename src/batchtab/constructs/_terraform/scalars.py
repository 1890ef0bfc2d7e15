"""Conditions on one text or number, and the texts of their refusals, which are those of every door."""

from __future__ import annotations

import re
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs._terraform.kinds import Kind


def of_scalar(kind: Kind, value: str, *, shows: bool = True) -> list[tuple[str, str]]:
    """A value's conditions with the texts of their refusals: templates.

    Args:
        kind: The kind of value, with its limits. Where it is nullable, a text is written in any case.
        value: The value, as HCL.
        shows: Whether a text has the value in it, if the kind lets it.
    """
    template = f'${{{value} == null ? "null" : {value}}}' if kind.nullable else f"${{{value}}}"
    quoted = f"'{template}' " if kind.type is str else f"{template} "
    before = quoted if shows and not kind.is_hidden else ""
    found = []
    for limit in kind.limits:
        if isinstance(limit, limits.Range):
            bounds = [f"floor({value}) == {value}"] if kind.type is int else []  # the provider crashes on a fraction
            bounds.append(f"{value} >= {limit.minimum}")
            if limit.maximum is not None:
                bounds.append(f"{value} <= {limit.maximum}")
            found.append((f"({' && '.join(bounds)})", f"is {_which(limit, value, kind)}: {limit.describe()}."))
        elif isinstance(limit, limits.Withdrawn):
            found.append((f"contains({hcl(list(limit.values))}, {value})", f"is {_withdrawn(limit, value)}."))
        elif isinstance(limit, limits.Choice):
            found.append((f"contains({hcl(list(limit.values))}, {value})", f"is not allowed: {limit.describe()}."))
        elif isinstance(limit, limits.Text):
            condition = f"(can(regex({hcl(limit.pattern)}, {value})) && length({value}) <= {limit.maximum})"
            if isinstance(limit, limits.Moment):
                condition = f'({condition} && can(timeadd({value}, "0s")))'
            found.append((condition, f"is not allowed: {limit.describe()}."))
        elif isinstance(limit, limits.Unlike):
            hint = f": {limit.hint}" if limit.hint else ""
            found.append((f"!can(regex({hcl(limit.pattern)}, {value}))", f"{limit.meaning}{hint}."))
    return [(condition, f"{before}{text}") for condition, text in found]


def _withdrawn(limit: limits.Withdrawn, value: str) -> str:
    """Why AWS does not take a value any more, or that it never did."""
    gone = f"withdrawn: {limit.reason}; use {limit.describe()}"
    text = f"contains({hcl(list(limit.withdrawn))}, {value}) ? {hcl(gone)} : {hcl(f'not allowed: {limit.describe()}')}"
    return f'${{{value} == null ? "" : {text}}}'


def _which(limit: limits.Range, value: str, kind: Kind) -> str:
    """`too small`, `too large` or `not a whole number`, which Terraform knows where the value is known."""
    low, high = ("short", "long") if limit.unit in {"seconds", "days"} else ("small", "large")
    if limit.maximum is None and kind.type is not int:
        return f"too {low}"
    text = f'"too {low}"' if limit.maximum is None else f'{value} < {limit.minimum} ? "too {low}" : "too {high}"'
    whole = f'floor({value}) != {value} ? "not a whole number" : ' if kind.type is int else ""
    unless = f'{value} == null ? "" : ' if kind.nullable else ""
    return f"${{{unless}{whole}{text}}}"


def unless_null(value: str, condition: str, *, nullable: bool) -> str:
    """A condition that null meets too, if it may be null."""
    return f"{value} == null ? true : {condition}" if nullable else condition


def allowed(limit: Any) -> str:
    """What is allowed, for a description: a sentence without its end, whose first word may be capitalized."""
    described = str(limit.describe())
    if isinstance(limit, limits.Choice):
        return f"one of {described}"
    # What begins with a value and not with a word keeps its case.
    return described if re.match(r"[a-z-]+[ ,;]|[^a-zA-Z]", described) else f"one of {described}"


def allowed_of(kind: Kind) -> str:
    """The same for the first limit of a kind that a description does not say by itself, or nothing."""
    for limit in kind.limits:
        if not isinstance(limit, limits.Unlike) and not (isinstance(limit, limits.Text) and "ARN" in limit.meaning):
            return allowed(limit)
    return ""
