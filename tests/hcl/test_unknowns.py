"""Values that Terraform does not know when it plans: where a module takes one, and where its table says it does not.

Each input of each module is unknown once, whole and in each of its parts, beside known ones: `unknowns.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.hcl.terraform import MODULE_FILES, MODULES, Terraform, copy

from batchtab.constructs._terraform import export

NAMES = export.names()
CALLS = yaml.safe_load((Path(__file__).parent / "unknowns.yaml").read_text(encoding="utf-8"))
#: Unknown, perhaps null, and of any type; and of each plain type what is known not to be null.
UNKNOWN = "${jsondecode(terraform_data.later.output)}"
NOT_NULL = {
    "string": "${terraform_data.later.id}",
    "number": "${length(terraform_data.later.id)}",
    "bool": '${terraform_data.later.id == ""}',
}
#: What Terraform says where it has to know how many, and by which keys. What rules say of a combination is no matter.
COUNTS = {"Invalid count argument", "Invalid for_each argument"}
RULE = "Resource precondition failed"
#: What Terraform says of a warning of which it only knows later whether it is due.
UNDECIDED = "Check block assertion known after apply"
TEST = """
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }
}
run "plan" {
  command = plan
}
"""

Path_ = tuple[str, ...]
Inputs = dict[str, Any]


class Need(NamedTuple):
    """Something of an input that must be known, as its description says: a member's path, `*` for each key of a map."""

    what: str
    path: Path_ = ()


def needs(description: str) -> list[Need]:
    """What a description says must be known."""
    found = re.search(r"([A-Z][^A-Z]*?),? must be known when Terraform plans|Must be known when Terra", description)
    if found is None:
        return []
    subject = found[1]
    if subject is None:
        return [Need("value")]
    if subject == "Whether it is given":
        return [Need("given")]
    if subject == "How many there are":
        return [Need("length")]
    is_map, of_each = subject.startswith("Its names"), ", and of each " in subject
    members = re.findall(r"(whether |how many |)`([a-z_.]+)`", subject, re.IGNORECASE)
    whats = {"whether ": "given", "how many ": "length", "": "value"}
    inside = [Need(whats[what.lower()], ("*",) * of_each + tuple(name.split("."))) for what, name in members]
    assert is_map or inside, description
    return [*([Need("names")] if is_map else [Need("length")] if of_each else []), *inside]


def known_calls(name: str) -> dict[str, Inputs]:
    """The calls in which all is known; what they leave out is null, which is as good."""
    nothing = dict.fromkeys(variables(name))
    return {call: {**nothing, **given} for call, given in CALLS[name]["calls"].items()}


def unknown_calls(name: str) -> Iterator[tuple[str, Inputs]]:
    """The calls in which all is unknown that the table says may be: whole, and each part of what is given.

    How many resources there are can be known with all of it unknown only if it can with each.
    """
    said = {input_: needs(body["description"]) for input_, body in variables(name).items()}
    for call, inputs in known_calls(name).items():
        whole = {input_: UNKNOWN for input_, wants in said.items() if not wants}
        given = {
            input_: NOT_NULL[variables(name)[input_]["type"]]
            for input_, wants in said.items()
            if wants == [Need("given")]
        }
        yield f"{call}: whole", {**inputs, **whole}
        yield f"{call}: given", {**inputs, **given}
        for depth in range(1, 5):
            inside = inputs
            for input_, path in ((input_, path) for input_, value in inputs.items() for path in parts(value)):
                if len(path) == depth and not any(lacks(need, path) for need in said[input_]):
                    inside = {**inside, input_: replaced(inside[input_], path, UNKNOWN)}
            if inside != inputs:
                yield f"{call}: {depth} below", inside


def freed_calls(name: str) -> Iterator[tuple[str, Inputs]]:
    """The calls in which something need not be known because of something else."""
    first = next(iter(known_calls(name).values()))
    for number, freed in enumerate(CALLS[name].get("freed", [])):
        yield f"freed: {number}", {**first, **freed["given"], **dict.fromkeys(freed["unknown"], UNKNOWN)}


def refused_calls(name: str) -> Iterator[tuple[str, Inputs]]:
    """A call for each thing that the table says must be known, in which it is not."""
    first = next(iter(known_calls(name).values()))
    beside = CALLS[name].get("beside", {})
    for input_, body in variables(name).items():
        for need in needs(body["description"]):
            is_null = body.get("nullable") and need == Need("value")
            unknown = NOT_NULL.get(body["type"], UNKNOWN) if is_null else UNKNOWN
            place = ".".join((input_, *need.path))
            inputs = {**first, **beside.get(place, {})}
            yield place, {**inputs, input_: replaced(inputs[input_], need.path, unknown)}


def lacks(need: Need, path: Path_) -> bool:
    """Whether something that must be known is unknown if this is."""
    alike = all(a in (b, "*") for a, b in zip(need.path, path, strict=False))
    return alike and (len(path) <= len(need.path) or need.what == "value")


def parts(value: Any) -> Iterator[Path_]:
    """The paths of everything in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (str(key),)
        yield from ((str(key), *path) for path in parts(item))


def replaced(value: Any, path: Path_, by: Any) -> Any:
    """The same value with another one at a place; `*` is any key."""
    if not path:
        return by
    if isinstance(value, dict):
        key = next(iter(value)) if path[0] == "*" else path[0]
        return {**value, key: replaced(value.get(key), path[1:], by)}
    return [
        replaced(item, path[1:], by) if path[0] in ("*", str(number)) else item for number, item in enumerate(value)
    ]


def variables(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MODULES / name / "variables.tf.json").read_text(encoding="utf-8"))["variable"]
    return found


def errors(folder: Path, name: str, calls: dict[str, dict[str, Inputs]]) -> dict[str, list[dict[str, Any]]]:
    """What Terraform says to groups of calls in one plan: each has the module in a folder of its own."""
    modules = {}
    for group in calls:
        for each in export.names() if name == "batchtab" else (name,):  # which calls the others
            copy(MODULES / each, folder / group / each, MODULE_FILES)
        inputs = {variable: f"${{each.value.{variable}}}" for variable in variables(name)}
        modules[group] = {"source": f"./{group}/{name}", "for_each": f"${{local.{group}}}", **inputs}
    content = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "resource": {"terraform_data": {"later": {"input": "${timestamp()}"}}},
        "locals": calls,
        "module": modules,
    }
    (folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "plan.tftest.hcl").write_text(TEST, encoding="utf-8")
    terraform = Terraform(folder)
    terraform.init()
    found: dict[str, list[dict[str, Any]]] = {group: [] for group in calls}
    done = terraform.run("test", "-json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(line.get("test_summary", {}).get("status") in ("pass", "error") for line in told), (
        done.stdout + done.stderr
    )
    for error in (line["diagnostic"] for line in told if line["@level"] == "error" and "diagnostic" in line):
        found[error["range"]["filename"].partition("/")[0]].append(error)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_must_be_known_is_what_the_table_says(name: str, tmp_path: Path) -> None:
    # GIVEN calls in which all is known, in which all is unknown that may be, and in which one thing is that must not be
    refused = {re.sub(r"[.*]+", "_", place): {place: inputs} for place, inputs in refused_calls(name)}
    groups = {
        "all_known": known_calls(name),
        "all_unknown": dict([*unknown_calls(name), *freed_calls(name)]),
        **refused,
    }
    # WHEN Terraform plans them at once
    found = errors(tmp_path, name, groups)
    # THEN it knows enough
    assert found["all_known"] == []
    assert [error for error in found["all_unknown"] if error["summary"] not in (RULE, UNDECIDED)] == []
    # AND it does not know enough, and says nothing else
    said = {group: {error["summary"] for error in found[group]} - {RULE, UNDECIDED} for group in refused}
    assert [group for group, summaries in said.items() if not summaries] == []
    assert set().union(*said.values()) <= COUNTS


@pytest.mark.parametrize("name", NAMES)
def test_each_input_with_parts_has_some(name: str) -> None:
    # GIVEN what the calls give
    given = {input_ for inputs in CALLS[name]["calls"].values() for input_, value in inputs.items() if [*parts(value)]}
    # THEN no list, map or object is missing
    assert {input_ for input_, body in variables(name).items() if body["type"] not in NOT_NULL} - given == set()
