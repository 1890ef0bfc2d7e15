from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from batchtab.cli.main import main


def test_the_projects_own_week_is_drawn_on_the_stages_clock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "--from", "2026-05-04", "--root", str(project)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "batchtab-local · 4 – 10 May 2026 · Asia/Seoul"  # noqa: RUF001
    (line,) = [line for line in lines if line.strip().startswith("do-something")]
    days = line.split("│")[1:-1]
    assert len(set(days)) == 1
    assert days[0].index("•") * 24 // len(days[0]) == 9  # midnight in UTC


def test_without_a_date_it_begins_today(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC).astimezone(ZoneInfo("Asia/Seoul"))

    assert main(["calendar", "--root", str(project)]) == 0

    after = datetime.now(UTC).astimezone(ZoneInfo("Asia/Seoul"))
    heading = next(line for line in capsys.readouterr().out.splitlines() if "│" in line)
    assert heading.split("│")[1].strip() in {f"{day:%a} {day.day}" for day in (before, after)}


def test_a_page_is_written_to_a_file(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "week.html"

    assert main(["calendar", "--html", str(file), "--from", "2026-05-04", "--root", str(project)]) == 0

    assert capsys.readouterr().out == f"wrote {file}\n"
    tree = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314
    assert tree.findtext(".//h1") == "4 – 10 May 2026"  # noqa: RUF001


def test_jobs_are_chosen_by_their_short_or_full_names(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["do-often", "examples/tick", "examples-hello"]

    assert main(["calendar", *names, "--from", "2026-05-04", "--timezone", "UTC", "--root", str(project)]) == 0

    output = capsys.readouterr().out
    rows = [line.split("│")[0].strip() for line in output.splitlines() if "│" in line]
    assert rows == ["", "", "tick", "do-often", "vCPUs of 16"]
    assert "· UTC" in output.splitlines()[0]
    assert "manual: examples-hello\n" in output


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from", "tomorrow"], "batchtab calendar: invalid value for '--from'"),
        (["--from", "9999-12-31"], "batchtab calendar: '9999-12-31' is not a day of the years 1971 to 2198"),
        (["--timezone", "Seoul"], "batchtab calendar: 'Seoul' is not a time zone"),
        (["--html", "no/such/folder/week.html"], "batchtab calendar: 'no/such/folder/week.html' can't be written"),
        (["--stage", "prd"], "config/prd.yaml"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["calendar", *arguments])

    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    assert output.err.startswith(line)
    assert len(output.err.splitlines()) == 1
