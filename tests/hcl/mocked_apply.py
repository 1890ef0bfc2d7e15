"""What an apply makes with made-up answers of AWS, the same for each resource of a type: nothing is unknown then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.hcl.terraform import MOCKS, Terraform

_MOCK = re.compile(r'mock_resource "(\w+)" \{\n  defaults = \{\n(.*?)  \}\n\}', re.DOTALL)
#: What Terraform makes up where the mocks have nothing.
_MADE_UP = re.compile("[a-z0-9]{8}")


def resources(terraform: Terraform, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is in the state after an apply with mocks, one for each resource, as a plan's changes have it."""
    types = sorted({change["type"] for change in plan["resource_changes"]})
    answers = dict(_MOCK.findall((MOCKS / "aws.tfmock.hcl").read_text(encoding="utf-8")))
    mocks = (
        f'  mock_resource "{type_}" {{\n    defaults = {{\n      id = "{type_}"\n{answers.get(type_, "")}    }}\n  }}\n'
        for type_ in types
    )
    test = f'mock_provider "aws" {{\n{"".join(mocks)}}}\nrun "apply" {{}}\n'
    (terraform.folder / "apply.tftest.hcl").write_text(test, encoding="utf-8")
    done = terraform.run("test", "-json", "-verbose")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, [line.get("diagnostic", {}).get("detail") for line in lines]
    (state,) = (line["test_state"] for line in lines if line["type"] == "test_state")
    return list(_resources(state["root_module"]))


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in module.get("resources", ()):
        values = _without_made_up(resource["values"])
        yield {
            **resource,
            "module_address": module.get("address", ""),
            "change": {"after": values, "after_unknown": {}},
        }
    for inner in module.get("child_modules", ()):
        yield from _resources(inner)


def _without_made_up(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_made_up(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_made_up(item) for item in value]
    return "(made up)" if isinstance(value, str) and _MADE_UP.fullmatch(value) else value
