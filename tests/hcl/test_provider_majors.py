"""The modules use only what both provider 5.100 and provider 6 have, so that one tag serves both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.hcl.provider_schemas import FIXTURE, used_types

from batchtab.constructs._terraform import export

SCHEMAS: dict[str, dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))
META = {"count", "for_each", "depends_on", "lifecycle", "provider", "provisioner"}
REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_[a-z0-9_]+)\.([a-z0-9_]+)((?:\[[^\]]*\])?)\.([a-z0-9_]+)")


def content(name: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in sorted((export.MODULES / name).glob("*.tf.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))
    return merged


def bodies(module: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each resource and data source: its type, its address, its arguments."""
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for type_, named in module.get(kind, {}).items():
            for label, body in named.items():
                yield f"{prefix}{type_}", f"{prefix}{type_}.{label}", body


def unknown(body: Mapping[str, Any], schema: Mapping[str, Any], path: str, *, top: bool = True) -> list[str]:
    """Paths of the arguments that a schema does not have."""
    found = []
    for name, value in body.items():
        if top and name in META:
            continue
        if name == "dynamic":
            blocks = {block: dynamic["content"] for block, dynamic in value.items()}
            found += unknown(blocks, schema, path, top=False)
        elif name not in schema:
            found.append(f"{path}.{name}")
        elif schema[name] is not None:
            for block in value if isinstance(value, list) else [value]:
                if isinstance(block, Mapping):
                    found += unknown(block, schema[name], f"{path}.{name}", top=False)
    return found


def test_the_fixture_is_of_both_majors_and_of_every_type_in_use() -> None:
    assert [version.split(".")[0] for version in sorted(SCHEMAS)] == ["5", "6"]
    assert "5.100.0" in SCHEMAS  # the oldest that the modules allow
    for version, schemas in SCHEMAS.items():
        missing = used_types() - schemas.keys()
        assert not missing, f"{version}: read the fixture anew, provider_schemas.py says how: {sorted(missing)}"


@pytest.mark.parametrize("version", sorted(SCHEMAS))
@pytest.mark.parametrize("name", export.names())
def test_every_argument_exists(name: str, version: str) -> None:
    found = []
    for type_, address, body in bodies(content(name)):
        found += unknown(body, SCHEMAS[version][type_]["arguments"], address)
    assert found == []


@pytest.mark.parametrize("version", sorted(SCHEMAS))
@pytest.mark.parametrize("name", export.names())
def test_every_attribute_that_is_read_exists(name: str, version: str) -> None:
    # GIVEN what a module's expressions read of its own resources
    module = content(name)
    types = {address: type_ for type_, address, _ in bodies(module)}
    read = {
        (f"{data}{type_}.{label}", attribute)
        for data, type_, label, _, attribute in REFERENCE.findall(json.dumps(module))
    }
    assert read
    # THEN each is there
    for address, attribute in sorted(read):
        assert attribute in SCHEMAS[version][types[address]]["attributes"], f"{address}.{attribute}"


def test_names_that_provider_6_changed_are_found() -> None:
    # GIVEN the argument that compute environments had before provider 6, and a block argument that no major has
    body = {"compute_environment_name": "x", "compute_resources": {"typo": 1, "dynamic": {"launch_template": {}}}}
    body["compute_resources"]["dynamic"]["launch_template"] = {"for_each": "", "content": {"also": 1}}  # type: ignore[index]
    # WHEN it is compared with both
    six, five = (
        unknown(body, SCHEMAS[version]["aws_batch_compute_environment"]["arguments"], "here")
        for version in sorted(SCHEMAS, reverse=True)
    )
    # THEN what is unknown is told
    inner = ["here.compute_resources.typo", "here.compute_resources.launch_template.also"]
    assert six == ["here.compute_environment_name", *inner]
    assert five == inner
