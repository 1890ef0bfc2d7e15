"""A project is its owner's: examples may go, queues be renamed, services and stages be added."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.project.conftest import OLD

from batchtab.cli.main import main
from batchtab.project.upgrade import plan_upgrade

JOBS = """service: {service}
defaults: {{vcpus: 1, memory_mib: 2048, timeout_seconds: 300}}
jobs:
  invoices: {{command: [python, -V], queue: nightly, schedule: 30 2 * * *, timezone: Asia/Seoul}}
  letters: {{command: [python, -V], queue: hourly, after: [invoices]}}
"""


@pytest.fixture
def changed(project: Path) -> Path:
    """A project without anything that `init` wrote as an example, and with what a company has."""
    shutil.rmtree(project / "jobs" / "reports")
    for service in ("billing", "shipping"):
        (project / "jobs" / service).mkdir()
        (project / "jobs" / service / "jobs.yaml").write_text(JOBS.format(service=service))
    (project / "README.md").write_text("# Ours\n")
    for stage in ("local", "prod"):
        path = project / "config" / f"{stage}.yaml"
        text, count = re.subn(r"queues: \{.*?\}", "queues: {nightly: 1, hourly: 2}", path.read_text())
        assert count == 1
        path.write_text(text)
    for stage in ("staging", "eu"):
        text = (project / "config" / "prod.yaml").read_text()
        (project / "config" / f"{stage}.yaml").write_text(text.replace("-prod-runner", f"-{stage}-runner"))
    (project / "config" / "prod.yaml").unlink()
    return project


def test_nothing_depends_on_what_init_wrote(
    changed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(changed)
    # WHEN its files are checked THEN all is in order
    assert main(["check"]) == 0, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["stage eu", "stage local", "stage staging"]
    assert all(line.endswith("2 queues, 2 services, 4 jobs (2 scheduled): ok") for line in lines)
    # AND commands that read files alone work
    for command in (["next", "--stage", "staging"], ["calendar", "--stage", "eu"], ["schema"]):
        assert main(command) == 0, capsys.readouterr().err
    assert "billing-invoices" in capsys.readouterr().out


def test_an_upgrade_writes_no_example_again(changed: Path, snapshot: Callable[[Path], dict[str, bytes]]) -> None:
    # WHEN a newer version upgrades the project
    before = snapshot(changed)
    plan_upgrade(changed, "0.3.0").apply()
    # THEN the pin changes, and nothing else
    after = snapshot(changed)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {
        "pyproject.toml",
        ".github/batchtab.txt",
        "batchtab-project.json",
    }
    assert OLD.encode() not in after["pyproject.toml"]


def test_without_any_service_the_environment_remains(
    changed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a project whose last service is gone
    for service in ("billing", "shipping"):
        shutil.rmtree(changed / "jobs" / service)
    monkeypatch.chdir(changed)
    # WHEN it is checked THEN it is in order, as one that has no jobs yet
    assert main(["check"]) == 0, capsys.readouterr().err
    assert "0 services, 0 jobs (0 scheduled): ok" in capsys.readouterr().out
