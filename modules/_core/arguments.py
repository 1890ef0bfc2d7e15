"""Checks of known argument values against what AWS allows; expressions are checked by Terraform's validations."""

from __future__ import annotations

from typing import Protocol

from .expressions import is_expression


class Limit(Protocol):
    """Anything of `jobs.limits` that can refuse a value."""

    def refusal(self, value: object, /) -> str | None:
        """Why the value is not allowed, or None."""


def check(name: str, value: object, limit: Limit | object) -> None:
    """Refuses a known value that AWS would refuse later; None and expressions pass.

    Raises:
        ValueError: what, the value, what is allowed.
    """
    if value is None or is_expression(value):
        return
    refusal = limit.refusal(value)  # type: ignore[attr-defined, union-attr]
    if refusal:
        raise ValueError(f"{name}: {value!r} {refusal}")
