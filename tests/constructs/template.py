"""What a construct synthesizes to, with questions that fail readably."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from batchtab.constructs._terraform.export import MODULES, load
from batchtab.constructs._terraform.framework import App, TerraformStack, Testing

SUBNETS = ("subnet-0a1b2c3d4e5f60718", "subnet-18f70615243f4e5d6")
SECURITY_GROUPS = ("sg-0123456789abcdef0",)
QUEUE_ARN = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-test-default"
KEY_ARN = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"
TOPIC_ARN = "arn:aws:sns:ap-northeast-2:123456789012:oncall"
BOUNDARY_ARN = "arn:aws:iam::123456789012:policy/boundary"


class Template:
    """A Terraform document. Types that begin with `data.` are data sources."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def all(self, type_: str) -> dict[str, dict[str, Any]]:
        """What there is of a type, by name."""
        if type_.startswith("data."):
            found = self.content.get("data", {}).get(type_.removeprefix("data."), {})
        else:
            found = self.content.get("resource", {}).get(type_, {})
        return {name: {k: v for k, v in body.items() if k != "//"} for name, body in found.items()}

    def count(self, type_: str) -> int:
        """How many there are of a type."""
        return len(self.all(type_))

    def one(self, type_: str) -> dict[str, Any]:
        """The only one of a type."""
        found = self.all(type_)
        if len(found) != 1:
            pytest.fail(f"expected one {type_}, found {len(found)}: {', '.join(found) or self._types()}")
        return next(iter(found.values()))

    def address(self, type_: str, name: str) -> dict[str, Any]:
        """The one at an address."""
        found = self.all(type_)
        if name not in found:
            pytest.fail(f"there is no {type_}.{name}; there is: {', '.join(found) or self._types()}")
        return found[name]

    def addresses(self) -> set[str]:
        """Every address."""
        resources = {f"{t}.{n}" for t, names in self.content.get("resource", {}).items() for n in names}
        return resources | {f"data.{t}.{n}" for t, names in self.content.get("data", {}).items() for n in names}

    def managed(self) -> set[str]:
        """Every address but those of data sources, which a module has none of."""
        return {address for address in self.addresses() if not address.startswith("data.")}

    def policies(self) -> Iterator[tuple[str, str]]:
        """Every policy document with its address, as it is written: JSON or an expression."""
        for type_, names in self.content.get("resource", {}).items():
            for name, body in names.items():
                for key in ("policy", "assume_role_policy"):
                    if key in body and "lifecycle" not in type_:
                        yield f"{type_}.{name}", body[key]

    def statements(self, type_: str, name: str, key: str = "policy") -> list[dict[str, Any]]:
        """The statements of a policy whose structure is known."""
        text = self.address(type_, name)[key]
        if text.startswith("${"):
            pytest.fail(f"{type_}.{name}.{key} is an expression: {text}")
        statements = json.loads(text)["Statement"]
        assert isinstance(statements, list)
        return statements

    def text(self) -> str:
        """All of it."""
        return json.dumps(self.content, sort_keys=True, ensure_ascii=False)

    def _types(self) -> str:
        return "only " + (", ".join(sorted(self.content.get("resource", {}))) or "nothing")


def synth(stack: TerraformStack) -> Template:
    """A stack's document."""
    return Template(json.loads(Testing.synth(stack)))


def in_python(build: Callable[[TerraformStack], Any]) -> Template:
    """The document of a stack that holds what `build` makes in it: the Python door."""
    with tempfile.TemporaryDirectory() as folder:
        stack = TerraformStack(App(outdir=folder), "test")
        build(stack)
        return synth(stack)


@cache
def module(name: str) -> Template:
    """A module in its constructs' own expressions, before it is laid out for readers: the HCL door."""
    content: dict[str, Any] = {}
    for file in load(name).files(laid_out=False).values():
        content |= file
    return Template(json.loads(json.dumps(content)))


def committed_module(name: str) -> Template:
    """A module as it is committed, with its long expressions as locals."""
    content: dict[str, Any] = {}
    for path in sorted((MODULES / name).glob("*.tf.json")):
        content |= json.loads(path.read_text(encoding="utf-8"))
    return Template(content)


def wildcards(template: Template) -> list[tuple[str, str]]:
    """Every `*` that stands alone in a policy, and every action with one in it, with the policy's address."""
    return [
        (address, text)
        for address, policy in template.policies()
        for text in re.findall(r'"([^"]*)"', policy)
        if text == "*" or re.fullmatch(r"[a-z0-9-]+:[A-Za-z]*\*[A-Za-z*]*", text)
    ]
