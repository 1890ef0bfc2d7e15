"""What a job says of its container: what is taken, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.declarations.job import JobSpec
from batchtab.declarations.service import read_services

MESSAGES = {
    "exec: true": "exec: true has no effect with a read-only root: ECS Exec's agent writes there"
    " [hint: add read_only_root_filesystem: false]",
    "platform_version: '1.4'": "platform_version: '1.4' is not allowed: LATEST, or a version such as 1.4.0"
    " (at most 32 characters)",
    "log: {driver: journald, options: {mode: blocking}}": "log.options.mode: has a field of its own: log.mode",
    "secrets: {TOKEN: 'secretsmanager:db-access'}": "secrets.TOKEN: ends like an ARN, with '-' and six characters, by"
    " which Secrets Manager finds nothing [hint: write the secret's whole ARN]",
    "secrets: {TOKEN: 'secretsmanager:db-access:password::'}": "secrets.TOKEN: ends like an ARN, with '-' and six"
    " characters, by which Secrets Manager finds nothing [hint: write the secret's whole ARN]",
    "volumes: {batchtab-tmp: {}}\n    mounts: [{volume: batchtab-tmp, path: /a}]": "volumes.batchtab-tmp: is the name"
    " of Batchtab's own volume, at /tmp [hint: give it another name]",
    "volumes: {a: {}}\n    mounts: [{volume: a, path: /a}]\n    container: {volumes: [{name: a}]}": "container.volumes"
    "[0].name: 'a' is the name of another volume of the job",
}


def faults(folder: Path, fields: str) -> list[str]:
    (folder / "reports").mkdir()
    text = f"service: reports\njobs:\n  one:\n    command: [x]\n    {fields}\n"
    (folder / "reports" / "jobs.yaml").write_text(text, encoding="utf-8")
    _, problems = read_services(folder)

    return [str(problem).partition("job one: ")[2] for problem in problems]


@pytest.mark.parametrize("fields", MESSAGES)
def test_a_wrong_field_has_its_line(tmp_path: Path, fields: str) -> None:
    assert faults(tmp_path, fields) == [MESSAGES[fields]]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param("user: 1000", id="a uid without quotes"),
        pytest.param("user: 1000:50", id="figures that YAML 1.1 reads as minutes"),
        pytest.param("log: {driver: syslog, options: {tag: 1, compress: true}}", id="options without quotes"),
        pytest.param("exec: true\n    read_only_root_filesystem: false", id="exec"),
        pytest.param("secrets: {TOKEN: 'secretsmanager:db-password'}", id="a secret's plain name"),
    ],
)
def test_a_right_field_is_taken(tmp_path: Path, fields: str) -> None:
    assert faults(tmp_path, fields) == []


def test_figures_stay_as_they_are_written(tmp_path: Path) -> None:
    # GIVEN texts that YAML would take for numbers
    assert faults(tmp_path, "user: 1000:50\n    log: {driver: syslog, options: {max-size: 010}}") == []
    # THEN they are what is in the file
    (job,) = read_services(tmp_path)[0][0].spec.jobs.values()
    assert (job.user, job.log.options) == ("1000:50", {"max-size": "010"})


def test_an_editor_takes_a_number_for_a_limit_too() -> None:
    # GIVEN the schema that editors read
    schema = JobSpec.model_json_schema()["properties"]["ulimits"]["additionalProperties"]
    # THEN a limit is a number, or both of its values
    assert [sorted(each) for each in schema["anyOf"]] == [["minimum", "type"], ["$ref"]]
