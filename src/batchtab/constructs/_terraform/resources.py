"""Making resources with readable addresses, conditionally, in a construct."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from constructs import Construct

from batchtab.constructs._terraform.expressions import Condition, Expression, is_expression
from batchtab.constructs._terraform.framework import TerraformElement, TerraformLocal, TerraformStack
from batchtab.constructs._terraform.kernel import make, terraform_type
from batchtab.errors import InvalidArgumentError

#: What a block that is there or not iterates over.
SINGLE_BLOCK = ("this",)

_taken: WeakKeyDictionary[TerraformStack, set[str]] = WeakKeyDictionary()
_required: WeakKeyDictionary[TerraformElement, list[dict[str, str]]] = WeakKeyDictionary()


class BatchtabConstruct(Construct):
    """A construct whose resources have addresses without hashes.

    With the id `Default` the resources are called just as the construct names them (`aws_iam_role.job_role`); with any
    other id, the id comes first (`aws_iam_role.do_something_job_role`). Addresses are API: they change only with a
    `moved` block.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        try:
            super().__init__(scope, id_)
        except RuntimeError as error:  # jsii's, of many lines
            if "There is already a Construct with name" not in str(error):
                raise
            raise InvalidArgumentError(scope.node.path, [f"{id_}: is the id of another construct here"]) from None
        own = "" if id_ == "Default" else re.sub(r"[^A-Za-z0-9]", "_", id_) + "_"
        self._prefix: str = getattr(scope, "_prefix", "") + own
        self._stack = scope if isinstance(scope, TerraformStack) else TerraformStack.of(self)


@dataclass(frozen=True)
class ResourceRef:
    """A resource or data source, or its absence, and how to refer to it from an expression."""

    address: str
    when: Condition
    element: Any = None
    kind: type | None = None

    def __getitem__(self, attribute: str) -> Expression:
        """An attribute: `made["arn"]`. For something that may be absent it is null then.

        Raises:
            LookupError: The thing has no such attribute, or it was decided at synth that it does not exist.
        """
        if self.kind is not None and not hasattr(self.kind, re.split(r"[.\[]", attribute)[0]):
            raise LookupError(f"{self.address} has no attribute {attribute!r}")
        if self.when is False:
            raise LookupError(f"{self.address} is not made")
        if self.when is True:
            return Expression.of(f"{self.address}.{attribute}")
        return Expression.of(f"one({self.address}[*].{attribute})")

    def get(self, attribute: str) -> Expression | None:
        """An attribute, or None if it was decided at synth that the thing does not exist."""
        return None if self.when is False else self[attribute]


def create_resource(
    scope: BatchtabConstruct,
    kind: type[TerraformElement],
    label: str,
    /,
    *,
    when: Condition = True,
    for_each: Any = None,
    blocks: Mapping[str, tuple[Any, Mapping[str, Any]]] | None = None,
    depends_on: Sequence[str] = (),
    **arguments: Any,
) -> ResourceRef:
    """Makes a resource or data source.

    Args:
        scope: The construct that it belongs to.
        kind: The binding's class.
        label: Its name below the construct, snake_case; part of its address.
        when: Whether it exists. False makes nothing; an expression becomes `count`.
        for_each: A map, or an expression of one; `each.key` and `each.value` may be used in the arguments.
        blocks: Dynamic blocks by name: what to iterate over and the content for each; see `dynamic`.
        depends_on: Addresses that must exist first and that no argument names.
        arguments: The binding's own; None leaves one out.

    Raises:
        ValueError: another resource of the stack has this address, as when two ids differ only in punctuation.
    """
    type_ = terraform_type(kind)
    data = type_.startswith("data.") or kind.__name__.startswith("Data")
    logical_id = scope._prefix + label
    address = f"{'data.' if data else ''}{type_}.{logical_id}"
    if when is False:
        return ResourceRef(address, False, kind=kind)
    taken = _taken.setdefault(scope._stack, set())
    if address in taken:
        raise ValueError(f"{address} exists already in this stack: give the construct another id")
    taken.add(address)
    overrides: list[tuple[str, Any]] = []
    if when is not True:
        overrides.append(("count", f"${{{when.text} ? 1 : 0}}"))
    if for_each is not None:
        overrides.append(("for_each", for_each))
    for path, (items, content) in (blocks or {}).items():
        overrides += _block(path, items, content)
    if depends_on:
        overrides.append(("depends_on", list(depends_on)))
    given = {key: value for key, value in arguments.items() if value is not None}
    element = make(kind, scope, label, given, logical_id=logical_id, overrides=overrides)
    return ResourceRef(address, when, element, kind)


def require(made: ResourceRef, condition: Condition, message: str) -> None:
    """Adds a rule that Terraform checks before it plans a resource; a condition known to be true needs none.

    Args:
        made: The resource.
        condition: What must be true. Where a value is unknown while Terraform plans, it is checked when that is known.
        message: What is said otherwise; expressions in it must not be null.

    Raises:
        ValueError: it is known already that the condition is false.
    """
    if condition is True:
        return
    if condition is False:
        raise ValueError(message)
    rules = _required.setdefault(made.element, [])
    rules.append({"condition": condition, "error_message": message})
    made.element.add_override("lifecycle.precondition", rules)


def require_none(made: ResourceRef, found: str, message: str) -> None:
    """Adds a rule that a list is empty.

    Args:
        made: The resource.
        found: The expression of the list, which Terraform must know.
        message: What is said otherwise.
    """
    require(made, Expression.of(f"length({found}) == 0"), message)


def ensure(made: ResourceRef, condition: Expression, message: str) -> None:
    """Adds a rule about what a resource is (`self`), which Terraform checks while it plans, if the value is known then.

    Args:
        made: The resource, which has no other such rule.
        condition: What must be true.
        message: What is said otherwise.

    See https://developer.hashicorp.com/terraform/language/expressions/custom-conditions
    """
    if made.when is not False:
        made.element.add_override("lifecycle.postcondition", [{"condition": condition, "error_message": message}])


def local(scope: BatchtabConstruct, label: str, value: Any) -> Any:
    """A name for an expression that is needed in many places of a module; a known value stays as it is.

    Args:
        scope: The construct that it belongs to.
        label: Its name below the construct, snake_case.
        value: What it represents.
    """
    if not isinstance(value, Expression):
        return value
    name = scope._prefix + label
    TerraformLocal(scope, f"local_{label}", value).override_logical_id(name)
    return Expression.of(f"local.{name}")


def named(scope: BatchtabConstruct, label: str, values: Sequence[str]) -> Expression:
    """A name for a list of known texts that expressions read, so that a module has each on a line of its own.

    Args:
        scope: The construct that it belongs to.
        label: Its name below the construct, snake_case.
        values: The texts.
    """
    name = scope._prefix + label
    TerraformLocal(scope, f"local_{label}", list(values)).override_logical_id(name)
    return Expression.of(f"local.{name}")


def dynamic(element: Any, path: str, items: Any, content: Mapping[str, Any]) -> None:
    """Adds a block once for each item: the blocks themselves for a known list, `dynamic` for an expression.

    Args:
        element: The resource.
        path: The block's name; dots lead into other blocks.
        items: A list or set, or an expression of one; in `content` an item is `<block>.value`.
        content: The block's arguments. Alone, `<block>.value` is replaced by a known item; in a longer expression it
            is not, so such blocks take an expression of the items.
    """
    for where, value in _block(path, items, content):
        element.add_override(where, value)


def _block(path: str, items: Any, content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    *parents, block = path.split(".")
    if is_expression(items):
        return [(".".join([*parents, "dynamic", block]), {"for_each": items, "content": dict(content)})]
    value = Expression.of(f"{block}.value")
    known = [{key: item if given == value else given for key, given in content.items()} for item in items]
    return [(path, known)] if known else []
