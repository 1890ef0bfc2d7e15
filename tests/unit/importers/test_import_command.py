"""`batchtab import` as it is typed: what it writes, what it prints, and its exit status."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from batchtab.cli.main import main

CRONTAB = "CRON_TZ=Europe/Berlin\n30 2 * * * /usr/bin/nightly --all\n0 9 13 * 5 /opt/unlucky\n"


@pytest.fixture(autouse=True)
def _source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a crontab."""
    monkeypatch.chdir(tmp_path)
    Path("crontab").write_text(CRONTAB, encoding="utf-8")


FOLDER = Path("jobs/nights")
ARGUMENTS = ["import", "crontab", "crontab", "--service", "nights", "--image", "app:1"]


def test_it_writes_jobs_report_and_proof(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a crontab is imported
    assert main(ARGUMENTS) == 0
    # THEN there are three files
    assert sorted(path.name for path in FOLDER.iterdir()) == ["import-proof.json", "import-report.md", "jobs.yaml"]
    out, err = capsys.readouterr()
    assert err == ""
    # AND the output has a line for each schedule, and says what differs and why
    lines = out.splitlines()
    assert lines[0].startswith("nightly: misses ")
    assert lines[0].endswith("(clock change)")
    assert lines[1].startswith("unlucky, unlucky-2: ")
    assert lines[1].endswith("starts, the same")
    assert lines[-2:] == ["jobs/nights/jobs.yaml: 3 jobs.", "Report: jobs/nights/import-report.md"]
    # AND the report has the command
    assert "crontab crontab --service nights --image app:1`" in (FOLDER / "import-report.md").read_text(
        encoding="utf-8"
    )
    # AND a second time changes nothing
    assert main(ARGUMENTS) == 0


def test_it_overwrites_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    FOLDER.mkdir(parents=True)
    (FOLDER / "jobs.yaml").write_text("service: mine\n", encoding="utf-8")
    assert main(ARGUMENTS) == 2
    assert [path.name for path in FOLDER.iterdir()] == ["jobs.yaml"]
    err = capsys.readouterr().err
    assert err.startswith("batchtab: jobs/nights/jobs.yaml exists, with other content [hint:")


def test_it_prints_instead(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "-o", "-"]) == 0
    out, err = capsys.readouterr()
    assert "service: nights\n" in out
    assert err.startswith("# Import report\n")
    assert not Path("jobs").exists()


def test_without_the_proof_there_is_none() -> None:
    assert main([*ARGUMENTS, "--no-prove"]) == 0
    assert not (FOLDER / "import-proof.json").exists()
    assert "## Proof" not in (FOLDER / "import-report.md").read_text(encoding="utf-8")


def test_the_proof_can_be_checked_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ARGUMENTS) == 0
    proof, jobs = FOLDER / "import-proof.json", FOLDER / "jobs.yaml"
    # GIVEN jobs as they were imported WHEN the proof is checked THEN it agrees
    assert main(["import", "--check", str(proof)]) == 0
    # GIVEN a schedule that somebody changed THEN it does not
    text = jobs.read_text(encoding="utf-8")
    jobs.write_text(text.replace("30 2 * * *", "31 2 * * *"), encoding="utf-8")
    capsys.readouterr()
    assert main(["import", "--check", str(proof)]) == 1
    assert capsys.readouterr().out.startswith("nightly: ")
    # GIVEN a job without its schedule
    jobs.write_text(text.replace("    schedule: 0 9 13 * *\n", "").replace("unlucky:", "un:"), encoding="utf-8")
    assert main(["import", "--check", str(proof)]) in {1, 2}
    # GIVEN a proof that somebody changed THEN it is found too
    jobs.write_text(text, encoding="utf-8")
    data = json.loads(proof.read_text(encoding="utf-8"))
    data["schedules"][1]["times"] += 1
    proof.write_text(json.dumps(data), encoding="utf-8")
    assert main(["import", "--check", str(proof)]) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("since", "yesterday"),
        ("years", "x"),
        ("schedules", [3]),
        ("schedules", [{"jobs": ["nightly"]}]),
        ("schedules", [{"jobs": ["nightly"], "source": {"engine": "vixie", "x": 1}, "jitter_seconds": 0}]),
        ("schedules", [{"jobs": ["nightly"], "source": {"engine": "os", "expression": "x"}, "jitter_seconds": 0}]),
        ("schedules", [{"jobs": ["nightly"], "source": {"engine": "vixie", "expression": "x"}, "jitter_seconds": 0}]),
    ],
)
def test_a_proof_that_somebody_broke_is_one_line(key: str, value: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ARGUMENTS) == 0
    proof = FOLDER / "import-proof.json"
    proof.write_text(json.dumps(json.loads(proof.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    capsys.readouterr()
    assert main(["import", "--check", str(proof)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("missing", ["cronsim", "oncalendar", "ruamel.yaml"])
def test_without_the_packages_it_says_which_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    for arguments in (ARGUMENTS, ["import", "--check", "x.json"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.endswith('not installed [hint: pip install "batchtab[import]"]\n')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import"], "import needs a kind of source"),
        (["import", "crontabs", "missing"], "'crontabs' is not a kind of source"),
        (["import", "crontab"], "import crontab needs a file"),
        (["import", "crontab", "missing"], "missing cannot be read"),
        (["import", "crontab", "crontab", "--timezone", "KST"], "--timezone 'KST' is an abbreviation"),
        (["import", "crontab", "crontab", "--set", "x"], "--set 'x' is not NAME=VALUE"),
        (["import", "crontab", "crontab", "--set", "x=y"], "--set x=… is not a setting of crontab"),
        (["import", "crontab", "crontab", "--stage", "prod"], "config/prod.yaml"),
        (["import", "--check", "crontab"], "crontab cannot be read as a proof"),
        (["import", "--check", "other.json"], "other.json is not a proof"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.json").write_text("{}", encoding="utf-8")
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not Path("jobs").exists()
