"""What commands print, in each form."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
import yaml

from batchtab.cli.output import Column, Listing, Output

ROWS = [
    {"job": "reports-nightly", "state": "RUNNING", "queue": "default", "why": ""},
    {"job": "a-service-with-a-long-name-and-a-job-with-a-longer-one-still", "state": "RUNNABLE", "queue": "spot",
     "why": "no capacity in the compute environment for 8 vCPUs, since 03:00"},
]  # fmt: skip
LISTING: Listing[dict[str, str]] = Listing(
    columns=(
        Column("job", lambda row: row["job"]),
        Column("state", lambda row: row["state"], style=lambda _: "blue"),
        Column("queue", lambda row: row["queue"], is_wide=True),
    ),
    as_dict=lambda row: row,
    name=lambda row: row["job"],
    note=lambda row: row["why"],
    note_heading="why",
    empty="No jobs.",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_a_record_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    LISTING.print(ROWS, Output.TABLE)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["job", "state", "why"]
    assert first.split() == ["reports-nightly", "RUNNING"]
    assert second.endswith("RUNNABLE  no capacity in the compute environment for 8 vCPUs, since 03:00")


def test_on_a_terminal_nothing_is_wider_than_it_and_no_name_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a terminal of 60 columns
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    # WHEN a table is printed
    LISTING.print(ROWS, Output.WIDE)
    # THEN each line fits, and the name is whole where the lines of its column are put together
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert max(map(len, lines)) <= 60
    width = lines[0].index("state") - 2
    assert "".join(line[:width].strip() for line in lines[2:]) == ROWS[1]["job"]
    assert "no capacity" in terminal.getvalue()


def test_an_id_in_a_note_is_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a terminal that is too narrow for the note, which has an id at the end of a line
    terminal, job_id = Terminal(), "8cace16b-169f-48db-add5-0f075190dad7"
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    # WHEN it is printed THEN the id can be copied
    LISTING.print([{**ROWS[0], "why": f"would be submitted: retry of {job_id}"}], Output.TABLE)
    assert job_id in terminal.getvalue()


@pytest.mark.parametrize(("output", "read"), [(Output.JSON, json.loads), (Output.YAML, yaml.safe_load)])
def test_other_programs_get_all_of_it(output: Output, read: object, capsys: pytest.CaptureFixture[str]) -> None:
    LISTING.print(ROWS, output)
    assert callable(read)
    assert read(capsys.readouterr().out) == ROWS


def test_names_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    LISTING.print(ROWS, Output.NAME)
    assert capsys.readouterr().out.splitlines() == [row["job"] for row in ROWS]


def test_without_records_stdout_is_empty_or_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    LISTING.print([], Output.TABLE)
    assert capsys.readouterr() == ("", "No jobs.\n")
    LISTING.print([], Output.JSON)
    assert json.loads(capsys.readouterr().out) == []
