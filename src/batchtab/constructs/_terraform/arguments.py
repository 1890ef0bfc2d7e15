"""Checks of known argument values against what AWS allows; expressions are checked by Terraform's validations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from batchtab.constructs._terraform.expressions import is_expression


class Limit(Protocol):
    """Anything of `batchtab.limits` that can refuse a value."""

    @property
    def refusal(self) -> Callable[[Any], str | None]:
        """Says why a value is not allowed, or None."""


def check(name: str, value: object, limit: Limit) -> None:
    """Refuses a known value that AWS would refuse later; None and expressions pass.

    Raises:
        ValueError: what, the value, what is allowed.
    """
    if value is None or is_expression(value):
        return
    refusal = limit.refusal(value)
    if refusal:
        raise ValueError(f"{name}: {value!r} {refusal}")
