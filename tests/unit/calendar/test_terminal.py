from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from tests.unit.calendar.support import BERLIN, Jobs, calendar, week

from batchtab.calendar import terminal


class Screen(io.StringIO):
    """Something to write to, of an encoding."""

    def __init__(self, encoding: str, *, is_terminal: bool) -> None:
        super().__init__()
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Draws jobs on so many columns and gives the text."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def drawn(
        jobs: Jobs, columns: int = 80, encoding: str = "utf-8", *, is_terminal: bool = False, **given: Any
    ) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        screen = Screen(encoding, is_terminal=is_terminal)
        terminal.show(calendar(tmp_path, jobs, **given), screen)
        return screen.getvalue()

    return drawn


def row(text: str, name: str, wall: str = "│") -> list[str]:
    """The days of a row."""
    line = next(line for line in text.splitlines() if line.split(wall)[0].strip() == name)
    return line.split(wall)[1:-1]


MIXED: Jobs = {
    "billing-close-books": {**BERLIN, "schedule": "30 2 * * *", "usual_duration_seconds": 60},
    "billing-dunning": {**BERLIN, "schedule": "0 9 * * MON-FRI", "except": ["2026-03-25"], "timeout_seconds": 4 * 3600},
    "billing-often": {"schedule": "*/10 * * * *"},
    "billing-hourly": {"schedule": "5 * * * *", "suspend": True},
    "billing-at-night": {
        **BERLIN,
        "schedule": "0 22 * * *",
        "usual_duration_seconds": 5 * 3600,
        "timeout_seconds": 20_000,
    },
    "billing-by-hand": {},
    "billing-a-name-that-takes-nearly-all-of-the-room": {"after": "by-hand"},
}


def test_each_character_holds_what_starts_in_its_hours(draw: Any) -> None:
    # WHEN drawn with eight characters a day, three hours each
    text = draw(MIXED)

    # THEN
    assert row(text, "close-books") == ["•·······"] * 6 + ["!·······"]
    assert row(text, "dunning") == ["···•╌···"] * 2 + ["···×····"] + ["···•╌···"] * 2 + ["········"] * 2  # noqa: RUF001
    assert row(text, "often") == ["▒▒▒▒▒▒▒▒"] * 7
    assert row(text, "hourly") == ["○○○○○○○○"] * 7
    assert row(text, "at-night") == ["─······•"] * 6 + ["──·····•"]  # on Sunday until 04:00
    assert "• 1 run in 3 hours  ░ 2-5  ▒ 6-29  █ 30 and more" in text
    assert "! Sun 29 Mar: clocks go forward from 02:00 to 03:00" in text
    assert "! Sun 29 Mar: billing-close-books: skipped: 02:30 does not exist on this day" in text


def test_in_autumn_a_day_has_as_many_characters(draw: Any) -> None:
    text = draw({"a-b": {**BERLIN, "schedule": "0 4 * * *", "usual_duration_seconds": 60}}, when=week("2026-10-19"))

    assert row(text, "b") == ["·•······"] * 7


@pytest.mark.parametrize(("columns", "hours"), [(45, 8), (60, 6), (80, 3), (100, 3), (132, 2), (200, 1), (300, 1)])
def test_it_is_as_wide_as_there_is_room_for(columns: int, hours: int, draw: Any) -> None:
    text = draw(MIXED, columns)

    assert max(map(len, text.splitlines())) <= columns
    assert {len(day) for day in row(text, "often")} == {24 // hours}


def test_long_names_are_cut_so_that_days_keep_their_room(draw: Any) -> None:
    name = "a-name-that-is-longer-than-there-is-room-for"

    text = draw({f"a-{name}": {"schedule": "@daily"}})

    (line,) = [line for line in text.splitlines() if "a-name-that" in line]
    assert len(line) == 80
    assert "…│" in line
    assert len(line.split("│")[1]) == 6


def test_vcpus_are_drawn_against_what_there_are(draw: Any) -> None:
    # GIVEN 4 vCPUs: half of them from 06:00, all of them from 12:00, and more at 18:00
    hours = {"usual_duration_seconds": 3 * 3600, "timeout_seconds": 4 * 3600, **BERLIN}
    jobs = {
        "a-half": {**hours, "schedule": "0 6 23 3 *", "vcpus": 2},
        "a-all": {**hours, "schedule": "0 12 23 3 *", "vcpus": 4},
        "a-more": {**hours, "schedule": "0 18 23 3 *", "vcpus": 4},
        "a-yet": {**hours, "schedule": "0 18 23 3 *", "vcpus": 1},
    }

    text = draw(jobs, max_vcpus=4)

    assert row(text, "vCPUs of 4")[0] == "  ▄ █ ▲ "
    assert "▲ Mon 23 Mar 18:00–21:00 (Mon 17:00 UTC): 5 of 4 vCPUs; 1 run waits, up to 3 h" in text.replace("\n  ", " ")  # noqa: RUF001
    assert "overlap: a-more, a-yet" in text
    assert "wait: a-yet" in text


def test_chosen_jobs_alone_have_rows_and_all_count(draw: Any) -> None:
    jobs = {f"a-{name}": {**BERLIN, "schedule": "0 3 23 3 *"} for name in "bcd"}

    text = draw(jobs, chosen=["a-c"], max_vcpus=3)

    assert [line.split("│")[0].strip() for line in text.splitlines() if "│" in line] == ["", "", "c", "vCPUs of 3"]
    assert row(text, "vCPUs of 3")[0] == " █      "
    assert "vCPUs and pile-ups are those of all jobs." in text


def test_jobs_without_a_time_are_listed(draw: Any) -> None:
    text = draw(MIXED)

    assert "  manual: billing-by-hand\n" in text
    assert "room after billing-by-hand" in " ".join(text.split())


def test_what_cannot_write_lines_and_blocks_gets_ascii(draw: Any) -> None:
    text = draw(MIXED, encoding="ascii", max_vcpus=1)

    assert text.isascii()
    assert row(text, "dunning", "|")[0] == "...o~..."
    assert row(text, "hourly", "|")[0] == "ssssssss"
    assert "^" in row(text, "vCPUs of 1", "|")[0]
    assert max(map(len, text.splitlines())) <= 80


def test_colour_is_for_terminals(draw: Any) -> None:
    assert "\x1b[" in draw(MIXED, is_terminal=True)
    assert "\x1b[" not in draw(MIXED)


def test_a_stage_without_schedules_says_so(draw: Any) -> None:
    assert "No job has a schedule." in draw({"a-b": {}})
