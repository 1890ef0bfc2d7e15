"""`ci synth` for jobs without credentials, and what the others refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab.cli.deployment.synthesis import Synthesis
from batchtab.cli.main import main
from batchtab.errors import UsageError
from batchtab.runner_image.lookup import DIGEST_VARIABLE, NOT_BUILT
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks
from batchtab.terraform.synthesized import digest

IMAGE = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/batchtab-runner@{NOT_BUILT}"
REAL = f"sha256:{'b' * 64}"


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose synthesis writes one stack, and notes of the framework."""
    monkeypatch.chdir(project)
    monkeypatch.setenv(DIGEST_VARIABLE, "")

    def write(stacks: Stacks, out: Path | None = None) -> None:
        stage = stacks._session.catalog.stage
        backend = {"bucket": stage.state.bucket, "key": f"{stage.name}/jobs.tfstate", "region": stage.region}
        folder = (out or project / "cdktf.out") / "stacks" / "jobs"
        folder.mkdir(parents=True)
        (folder.parents[1] / "manifest.json").write_text(str(project))
        content = {"terraform": {"backend": {"s3": backend}}, "output": {"image": {"value": IMAGE}}}
        (folder / "cdk.tf.json").write_text(json.dumps(content))

    monkeypatch.setattr(Stacks, "synthesize", write)
    return project


def test_all_stages_are_written_and_their_digest_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the repository's variable, and what an older run left
    monkeypatch.setenv("BATCHTAB_STAGES", '["example", "local"]')
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "output"))
    (here / "out" / "gone").mkdir(parents=True)
    # WHEN its stages are synthesized
    assert main(["ci", "synth", "--out", "out"]) == 0
    # THEN each has its stacks, and nothing else is there
    files = sorted(path.relative_to(here / "out").as_posix() for path in (here / "out").rglob("*") if path.is_file())
    assert files == ["example/stacks/jobs/cdk.tf.json", "local/stacks/jobs/cdk.tf.json"]
    # AND the digest is printed, and is the step's output
    said = capsys.readouterr().out.strip()
    assert said == digest(here / "out")
    assert (here / "output").read_text() == f"digest={said}\n"


@pytest.mark.parametrize("value", ["", "prod", "[]", "[1]", "{}"])
def test_what_is_no_list_of_stages_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("BATCHTAB_STAGES", value)
    assert main(["ci", "synth", "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert "BATCHTAB_STAGES" in error
    assert len(error.splitlines()) == 1


def test_given_stacks_get_the_image_that_was_looked_up_and_need_no_framework(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN what another job wrote, and a machine without a framework
    assert main(["ci", "synth", "--out", "out", "--stage", "example"]) == 0
    monkeypatch.setenv("BATCHTAB_FRAMEWORK", "none")
    session = Session.open("example", here)
    # WHEN it is taken after `ci runner-image`
    monkeypatch.setenv(DIGEST_VARIABLE, REAL)
    Synthesis(Path("out"), digest(Path("out"))).write(session, Stacks(session))
    # THEN the stacks name that image
    text = (here / "cdktf.out" / "stacks" / "jobs" / "cdk.tf.json").read_text()
    assert REAL in text
    assert NOT_BUILT not in text


@pytest.mark.parametrize("command", [["plan"], ["deploy", "--unreviewed"]])
def test_without_the_digest_nothing_is_taken(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--stage", "example", "--synthesized", "out"]) == 2
    error = capsys.readouterr().err
    assert "--synthesized out: its digest is not given" in error
    assert "BATCHTAB_SYNTHESIZED_DIGEST" in error


def test_without_given_stacks_a_framework_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHTAB_FRAMEWORK", "none")
    with pytest.raises(UsageError, match="'none' is not one of"):
        Synthesis(None, None)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({"failed": [], "faults": []}, 0),
        ({"failed": [{"check_id": "C1", "check_name": "n", "resource": "r", "file_path": "/f"}], "faults": []}, 1),
        ({"failed": [], "faults": ["jobs: nothing was checked"]}, 1),
    ],
)
def test_the_scan_says_what_was_found_before(
    here: Path, capsys: pytest.CaptureFixture[str], found: dict[str, Any], status: int
) -> None:
    # GIVEN findings of two stages
    for stage, report in {"a": {"failed": [], "faults": []}, "b": found}.items():
        (here / "out" / stage).mkdir(parents=True)
        (here / "out" / stage / "checkov.json").write_text(json.dumps({"passed": 3, "skipped": 0, **report}))
    # WHEN they are asked for THEN one of them is enough to fail
    assert main(["ci", "scan", "--synthesized", "out"]) == status
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if "passed" in line] == ["a", "b"]
    assert all(str(each["check_id"]) in out for each in found["failed"])
    assert all(fault in out for fault in found["faults"])


def test_findings_that_are_not_there_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "scan", "--synthesized", "out"]) == 2
    assert "ci scan: out has no checkov.json" in capsys.readouterr().err
