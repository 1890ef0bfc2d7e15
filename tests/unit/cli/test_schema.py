from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab import limits
from batchtab.cli.main import main
from batchtab.cli.setup.schema import rendered
from batchtab.declarations.job import JobSpec


def definition(name: str, of: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rendered()[of])["$defs"][name]["properties"]
    return found


def test_limits_reach_the_editor() -> None:
    job = definition("JobSpec", "jobs")

    assert job["timeout_seconds"]["minimum"] == limits.TIMEOUT_SECONDS.minimum
    assert (job["attempts"]["minimum"], job["attempts"]["maximum"]) == (1, 10)
    assert job["queue"]["pattern"] == limits.QUEUE_NAME_PATTERN
    assert definition("Environment", "stage")["capacity"]["enum"] == list(limits.CAPACITIES)


def test_every_field_is_described_and_unknown_ones_are_refused() -> None:
    for text in rendered().values():
        schema = json.loads(text)
        for model in (schema, *schema["$defs"].values()):
            assert model["additionalProperties"] is False
            assert all(field.get("description") for field in model["properties"].values())


def test_the_schema_asks_for_what_the_loader_asks_for() -> None:
    schema = json.loads(rendered()["jobs"])

    assert set(schema["required"]) == {"service", "jobs"}
    assert schema["$defs"]["JobSpec"]["required"] == ["command"]
    assert set(schema["$defs"]["JobSpec"]["properties"]) == {name.rstrip("_") for name in JobSpec.model_fields}


def test_figures_need_no_quotes_where_a_text_is_wanted() -> None:
    (environment,) = definition("JobSpec", "jobs")["environment"]["patternProperties"].values()

    assert "number" in environment["type"]


def test_every_file_names_its_schema_for_the_editor(project: Path) -> None:
    # GIVEN a project with its schemas
    assert main(["schema", "--root", str(project)]) == 0
    for path in [*project.glob("jobs/*/jobs.yaml"), *project.glob("config/*.yaml")]:
        # THEN the first line of each of its files leads to one
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).is_file()


def test_schema_writes_both_files_and_says_whether_they_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("written") == 2

    assert main(["schema", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("unchanged") == 2


def test_schema_prints_one_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "jobs"]) == 0
    assert capsys.readouterr().out == rendered()["jobs"]
