"""`terraform test` on each module, the text of each refusal, and whether nothing was left out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.hcl.terraform import MOCKS, MODULES, Terraform, copy, copy_modules

from batchtab.constructs._terraform import export

HERE = Path(__file__).parent
NAMES = export.names()
#: The input that tells two calls of a module apart.
IDENTITY = dict.fromkeys(NAMES, "namespace") | {"scheduled_job": "name", "runner_repository": "name"}
# What calls other modules has its rules about several inputs in `test_batchtab_refusals.py`.
CALLS_OTHERS = {"batchtab"}
#: Calls in one plan, which takes most of a second for each.
AT_ONCE = 40


@dataclass
class Refusals:
    """A module's `refusals.yaml`: what it is given, one wrong value each, and what only several inputs show."""

    given: dict[str, Any]
    refused: list[dict[str, Any]]
    together: list[dict[str, Any]]

    @classmethod
    def of(cls, name: str) -> Refusals:
        content = yaml.safe_load((HERE / name / "refusals.yaml").read_text(encoding="utf-8"))
        return cls(content["given"], content["refused"], content.get("together", []))

    def rounds(self) -> Iterator[dict[str, dict[str, Any]]]:
        """The wrong values in as few rounds as there are for one input: a plan tells one refusal of each input."""
        left = list(self.refused)
        while left:
            this = {case["input"]: case for case in reversed(left)}
            left = [case for case in left if case is not this[case["input"]]]
            yield this


def content(name: str, file: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((MODULES / name / file).read_text(encoding="utf-8"))
    return read


def as_pattern(message: str) -> re.Pattern[str]:
    """A message with Terraform's `${…}` in it as a pattern of what is told; of entries what is told of one."""
    if listed := re.fullmatch(r"\$\{(?:join|coalesce)\(.*[:?] \"((?:\$\{[^{}]*\}|[^\"$])+)\"( if |\]).*\}", message):
        message = listed[1]
    parts = re.split(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", message)
    return re.compile(".*".join(map(re.escape, parts)))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_terraform_tests_the_module(name: str, tmp_path: Path) -> None:
    # GIVEN a copy of a module with its tests
    folder = copy_modules(tmp_path) / name
    copy(HERE / name, folder, ["*.tftest.hcl"])
    copy(MOCKS, folder / "mocks", ["*.tfmock.hcl"])
    terraform = Terraform(folder)
    # WHEN its providers are looked for THEN there is one within its constraints
    Terraform(folder, keeps_provider=False).init()
    # WHEN Terraform reads it THEN it has no objection, not even a warning
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []
    # WHEN it runs them, with a provider that answers by itself
    out = terraform.do("test")
    # THEN all pass, and no warning is for who uses the module
    runs = sum(path.read_text(encoding="utf-8").count('\nrun "') for path in (HERE / name).glob("*.tftest.hcl"))
    assert f"Success! {runs} passed, 0 failed." in out, out
    assert "Warning" not in out, out


@pytest.mark.parametrize("name", NAMES)
def test_each_input_is_exercised(name: str) -> None:
    # GIVEN what the tests set
    text = "".join(path.read_text(encoding="utf-8") for path in (HERE / name).glob("*.tftest.hcl"))
    set_ = set(re.findall(r"^ +(\w+) += ", text, re.MULTILINE))
    # THEN no input is missing
    assert content(name, "variables.tf.json")["variable"].keys() - set_ == set()


@pytest.mark.parametrize("name", NAMES)
def test_each_refusal_is_told_in_these_words(name: str, tmp_path: Path) -> None:
    # GIVEN a module's inputs alone: their validations need no provider
    shutil.copy(MODULES / name / "variables.tf.json", tmp_path)
    refusals = Refusals.of(name)
    for number, cases in enumerate(refusals.rounds()):
        # WHEN each is given a wrong value
        values = refusals.given | {input_: case["value"] for input_, case in cases.items()}
        (tmp_path / f"{number}.tfvars.json").write_text(json.dumps(values), encoding="utf-8")
        told = [error["detail"] for error in Terraform(tmp_path).errors("plan", f"-var-file={number}.tfvars.json")]
        # THEN each is refused, in words that a test has read
        for case in cases.values():
            assert any(detail.startswith(case["says"]) for detail in told), (case["says"], told)
        assert len(told) == len(cases), told


def test_a_refusal_names_its_entry_beside_what_terraform_does_not_know_or_show(tmp_path: Path) -> None:
    # GIVEN a job with wrong entries, beside values that are unknown or sensitive
    shutil.copy(
        copy_modules(tmp_path / "all") / "scheduled_job" / "variables.tf.json", copy(HERE, tmp_path / "job", [])
    )
    given = Refusals.of("scheduled_job").given
    later = "${terraform_data.later.id}"
    wrong = {
        "after": ["a b", later],
        "environment": {"1B": "x", "A": '${sensitive("")}', "C": later},
        "secrets": {"A": "hunter2", "B": later},
        "tags": {f"aws:{number}": later for number in range(7)},
    }
    content = {
        "resource": {"terraform_data": {"later": {}}},
        "module": {"job": {"source": "./job", **given, **wrong}},
    }
    (tmp_path / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    terraform = Terraform(tmp_path)
    terraform.init()
    # WHEN Terraform plans
    errors = terraform.errors("plan")
    # THEN it says which entry is wrong, of names the first five, and no secret
    assert {error["summary"] for error in errors} == {"Invalid value for variable"}
    told = {line for error in errors for line in error["detail"].partition("\n\n")[0].splitlines()}
    begins = {line.partition(" is ")[0].rstrip(":") for line in told}
    assert begins >= {"after[0]: 'a b'", "environment.1B", "environment.A", "secrets.A"}
    assert sorted(begins & {f"tags.aws:{number}" for number in range(7)}) == [
        f"tags.aws:{number}" for number in range(5)
    ]
    assert not any("hunter2" in line for line in told)


@pytest.mark.parametrize("name", NAMES)
def test_each_validation_is_exercised(name: str) -> None:
    said = [case["says"] for case in Refusals.of(name).refused]
    inputs = [case["input"] for case in Refusals.of(name).refused]
    for variable, body in content(name, "variables.tf.json")["variable"].items():
        for rule in body.get("validation", []):
            # GIVEN what a validation says up to its first long list
            pattern = as_pattern(rule["error_message"])
            # THEN a refusal is expected of it
            known = [
                says
                for says, input_ in zip(said, inputs, strict=True)
                if input_ == variable and (pattern.match(says) or begins(pattern, says))
            ]
            assert known, f"{name}/refusals.yaml does not have: {rule['error_message']}"


def begins(pattern: re.Pattern[str], says: str) -> bool:
    """Whether what is expected is the beginning of such a message."""
    head, _, tail = pattern.pattern.partition(".*")
    for cut in range(len(says), 0, -1):
        if tail and re.match(head, says) and re.escape(says[cut:]) and tail.startswith(re.escape(says[cut:])):
            return True
    return not tail and re.escape(says) == head[: len(re.escape(says))]


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CALLS_OTHERS])
def test_rules_across_inputs_are_reported_when_terraform_plans(
    name: str, tmp_path: Path, terraform_environment: dict[str, str]
) -> None:
    # GIVEN a call of the module for each combination that cannot be; they differ by the job's name or the namespace
    cases = Refusals.of(name).together
    calls = {
        f"case_{number}": {
            "source": f"./modules/{name}",
            **Refusals.of(name).given,
            IDENTITY[name]: f"case-{number}",
            **case["inputs"],
        }
        for number, case in enumerate(cases)
    }
    # WHEN Terraform plans
    details = []
    for first in range(0, len(calls), AT_ONCE):
        folder = tmp_path / str(first)
        folder.mkdir()
        copy_modules(folder)
        portion = dict([*calls.items()][first : first + AT_ONCE])
        (folder / "main.tf.json").write_text(json.dumps({"module": portion}), encoding="utf-8")
        terraform = Terraform(folder, terraform_environment)
        terraform.init()
        details += [error["detail"] for error in terraform.errors("plan")]
    # THEN each is reported, and a job's with its name: Terraform does not say which call of a module it is about
    for number, case in enumerate(cases):
        own_name = case["inputs"].get("name", f"case-{number}")
        begin = f"{own_name}: " if name == "scheduled_job" else ""
        assert any(detail.startswith(begin) and case["says"] in detail for detail in details), (case, details)
    # AND there is a case for each rule; which region the provider has is known when something is made
    for rule in preconditions(name):
        if "region than the provider" not in rule["error_message"]:
            pattern = as_pattern(rule["error_message"])
            assert any(pattern.match(detail) for detail in details), f"{name}/refusals.yaml: {rule['error_message']}"


def preconditions(name: str) -> list[dict[str, str]]:
    """The rules of all resources of a module."""
    resources = content(name, "main.tf.json")["resource"].values()
    bodies = [body for named in resources for body in named.values()]
    return [rule for body in bodies for rule in body.get("lifecycle", {}).get("precondition", [])]
