"""The module `batchtab` refuses wrong files in the words of `batchtab check`."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.hcl import batchtab_stacks

from batchtab.constructs.batchtab.checks import ONLY_IN_CHECK
from batchtab.declarations.catalog import load
from batchtab.declarations.diagnostics import Diagnostics, show
from batchtab.declarations.job import JobSpec
from batchtab.declarations.table import written
from batchtab.errors import UsageError

WRONG: dict[str, list[Any]] = yaml.safe_load((Path(__file__).parent / "batchtab" / "wrong_jobs.yaml").read_text())
IMAGE = {"repository": "x", "tag": "v1"}
#: Of each kind one, for each field.
VALUES: list[Any] = [
    *(0, -3, 1.5, 10**9, "x y", "x" * 300, True, None),
    *(["a", [1]], [5], [], [{"x": 1}], ["a"] * 60, {"a": 5}, {"a b": {"q": 1}}, {}),
]
#: How many of all these are tried; a benchmark tries them all.
SAMPLE = 150


def said_by_check(
    root: Path, file: Mapping[str, Any], place: str, stage: Mapping[str, Any] = batchtab_stacks.STAGE
) -> set[str]:
    """What `batchtab check` says of a service and a stage, with a place as Terraform has it and without hints."""
    batchtab_stacks.write_project(root, [file], stage)
    try:
        load("prod", root)
    except Diagnostics as faults:
        found = set()
        for problem in faults.problems:
            inside = re.sub("^job (.*)$", r'.jobs["\1"]', problem.where) if problem.where[:4] == "job " else ""
            inside = inside or (f".{problem.where}" if problem.where else "")
            text = problem.message if problem.value is None else f"{show(problem.value)} {problem.message}"
            found.add(": ".join(part for part in (f"{place}{inside}", problem.field, text) if part))
        return found
    return set()


def said_by_terraform(root: Path, files: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What a plan says of services, by their places; nothing else may be said."""
    terraform = batchtab_stacks.write_module(root, files)
    terraform.init()
    found: dict[str, set[str]] = {}
    for error in terraform.errors("plan"):
        assert error["summary"] == "Module output value precondition failed", error
        for line in error["detail"].splitlines():
            found.setdefault(re.match(r'services\["\d+"\]', line)[0], set()).add(line)  # type: ignore[index]
    return found


def compare(tmp_path: Path, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compares what is said of files; returns those of which Terraform says nothing."""
    given = [{"service": f"s{number}", **file} if isinstance(file, dict) else file for number, file in enumerate(files)]
    told = said_by_terraform(tmp_path / "root", given)
    silent = []
    for number, file in enumerate(given):
        place = f'services["{number}"]'
        expected = said_by_check(tmp_path / "ask", file, place)
        if place not in told:
            silent.append(files[number])
            continue
        # Where check has a hint, it leaves out which keys there are; of several faults of one value it tells the first.
        told_here = {_plain(line) for line in told[place]}
        unknown = [line for line in map(_plain, expected) if not any(each.startswith(line) for each in told_here)]
        assert unknown == [], (file, told[place])
        assert expected, (file, told[place])
    return silent


def _plain(line: str) -> str:
    """A line in which figures in a list or mapping are without quotes: the loader reads some as texts."""
    return re.sub(r'"(-?[0-9.]+)"(?=[],}])', r"\1", line)


def job(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"image": IMAGE, "jobs": {"j": {"command": ["x"], **fields}}}


@pytest.mark.slow
def test_each_wrong_file_is_refused_in_the_words_of_check(tmp_path: Path) -> None:
    # GIVEN services that are wrong in one way each
    files = [job(fields) for fields in WRONG["jobs"]]
    files += [{"image": IMAGE, "jobs": {"j": {"command": ["x"]}}, **service} for service in WRONG["services"]]
    files += [{"image": IMAGE, "jobs": {"j": {"command": ["x"]}}, "defaults": each} for each in WRONG["defaults"]]
    # WHEN Terraform plans THEN it says of their values what check says
    left = compare(tmp_path / "values", files)
    # AND without those, of what does not go together
    assert 40 < len(left) < len(files) - 40
    assert compare(tmp_path / "together", left) == []


@pytest.mark.slow
@pytest.mark.parametrize("jobs", WRONG["alone"], ids=str)
def test_what_names_other_jobs_is_refused_in_the_words_of_check(jobs: dict[str, Any], tmp_path: Path) -> None:
    assert compare(tmp_path, [{"image": IMAGE, "jobs": jobs}]) == []


@pytest.mark.slow
def test_wrong_values_of_each_field_are_refused_in_the_words_of_check(tmp_path: Path) -> None:
    # GIVEN fields with values of all kinds, of which most are wrong
    names = [written(name, field) for name, field in JobSpec.model_fields.items()]
    files = [job({name: value}) for name in names for value in VALUES]
    files = random.Random().sample(files, SAMPLE)  # noqa: S311
    print(json.dumps(files))
    # WHEN Terraform plans THEN what it says, check says too
    left = compare(tmp_path, files)
    # AND what it lets pass, check refuses only for what does not go together
    assert len(left) < SAMPLE / 2


@pytest.mark.slow
@pytest.mark.parametrize("alerts", WRONG["alerts"], ids=str)
def test_wrong_alerts_of_a_stage_are_refused_in_the_words_of_check(alerts: dict[str, Any], tmp_path: Path) -> None:
    # GIVEN what check says of a stage's alerts; one of its keys is for local stages alone
    stage = {**batchtab_stacks.STAGE, "alerts": alerts}
    expected = said_by_check(tmp_path / "ask", {"service": "s", **job({})}, "", stage)
    # WHEN Terraform plans the module with them, and with all that it makes
    inputs = {**batchtab_stacks.INPUTS, "alerts": alerts}
    terraform = batchtab_stacks.write_module(
        tmp_path / "root", [{"service": "s", **job({})}], inputs=inputs, environment=True
    )
    terraform.init()
    told = terraform.errors("plan")
    # THEN it says the same and nothing else
    assert [error["summary"] for error in told] == ["Module output value precondition failed"]
    known = {line.removeprefix(": ").removesuffix(", stand_in") for line in expected}
    assert known
    assert all(any(line.startswith(each) for each in known) for line in told[0]["detail"].splitlines()), (told, known)
    assert len(told[0]["detail"].splitlines()) == len(known)


@pytest.mark.slow
def test_the_readme_says_what_only_check_finds(tmp_path: Path) -> None:
    # GIVEN the examples of what Terraform cannot know
    files = [example for _, example in ONLY_IN_CHECK if example is not None]
    for file in files:
        batchtab_stacks.write_project(tmp_path / "ask", [{"service": "s", **file}])
        # THEN check refuses each
        with pytest.raises(UsageError):
            load("prod", tmp_path / "ask")
    # AND Terraform says nothing of them by itself
    whole = [{"service": f"s{number}", **file} for number, file in enumerate(files)]
    terraform = batchtab_stacks.write_module(tmp_path / "root", whole)
    terraform.init()
    told = [error["summary"] for error in terraform.errors("plan")] if terraform.run("plan").returncode else []
    assert "Module output value precondition failed" not in told
