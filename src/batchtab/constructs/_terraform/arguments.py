"""Checks of a construct's arguments; values that only Terraform knows are checked by the module's validations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from constructs import Construct

from batchtab.constructs._terraform.expressions import as_expression, is_expression
from batchtab.declarations.arguments import Faults, checked, plain
from batchtab.declarations.fields import StrictModel
from batchtab.errors import InvalidArgumentError
from batchtab.limits import Range

Model = TypeVar("Model", bound=StrictModel)


def read(scope: Construct, model: type[Model], given: Mapping[str, Any], faults: Faults) -> Model:
    """A construct's arguments with their defaults; a value may be an expression.

    Raises:
        InvalidArgumentError: What is wrong, in the words of `batchtab check`, with the construct's path.
    """
    values = {name: as_expression(plain(value)) for name, value in given.items()}
    found, problems = checked(model, values, is_expression, faults)
    if problems:
        raise InvalidArgumentError(scope.node.path, [str(problem) for problem in problems])
    return found


def no_rules(_: Any, __: Iterable[str]) -> Iterable[Any]:
    """The faults of arguments that have no rules across them."""
    return ()


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
    if isinstance(limit, Range) and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"{name}: {value!r} is not a number: {limit.describe()}")  # noqa: TRY004 - as for any other
    refusal = limit.refusal(value)
    if refusal:
        raise ValueError(f"{name}: {value!r} {refusal}")


def check_each(name: str, values: Any, limit: Limit) -> None:
    """The same for each text of a list, or each name in a map.

    Raises:
        ValueError: what, the value, what is allowed.
    """
    if values is not None and not is_expression(values):
        for value in values:
            check(name, value, limit)
