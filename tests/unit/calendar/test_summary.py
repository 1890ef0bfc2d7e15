from __future__ import annotations

import io
from pathlib import Path

import pytest
from tests.unit.calendar.support import BERLIN, Jobs, Page, calendar

from batchtab.calendar import terminal

_HOUR = {**BERLIN, "usual_duration_seconds": 3600, "timeout_seconds": 7200}


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        # Each night one waits for another, and on Monday a second one for the first two.
        (
            {
                "a-b": {**_HOUR, "schedule": "0 3 * * *"},
                "a-c": {**_HOUR, "schedule": "0 3 * * *"},
                "a-d": {**_HOUR, "schedule": "0 3 * * MON"},
            },
            "3 scheduled jobs in 1 service, 15 runs. At most 3 of 1 vCPUs on Mon 23 Mar at 03:00 CET. "
            "8 runs wait, up to 2 h.",
        ),
        (
            {"a-b": {**_HOUR, "schedule": "0 3 23 3 *"}, "a-c": {**_HOUR, "schedule": "30 3 23 3 *"}},
            "2 scheduled jobs in 1 service, 2 runs. At most 2 of 1 vCPUs on Mon 23 Mar at 03:30 CET. "
            "1 run waits, up to 30 min.",
        ),
        (
            {"a-b": {**_HOUR, "schedule": "0 3 * * *"}},
            "1 scheduled job in 1 service, 7 runs. At most 1 of 1 vCPUs on Mon 23 Mar at 03:00 CET. No run waits.",
        ),
    ],
)
def test_page_and_terminal_begin_with_the_same_sentences(
    jobs: Jobs, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = io.StringIO()

    terminal.show(calendar(tmp_path, jobs, max_vcpus=1), screen)

    assert sentence in " ".join(screen.getvalue().split())
    assert sentence in Page(tmp_path, jobs, max_vcpus=1).words()


def test_all_that_wait_are_counted_also_those_that_the_page_does_not_list(tmp_path: Path) -> None:
    # GIVEN 22 pile-ups of which each differs from the others
    jobs = {
        f"a-{name}-{number}": {
            **BERLIN,
            "schedule": f"0 {number} 23 3 *",
            "usual_duration_seconds": 60 * (number + 1),
            "timeout_seconds": 7200,
        }
        for number in range(22)
        for name in "bc"
    }

    found = Page(tmp_path, jobs, max_vcpus=1)

    assert len(found.tree.findall(".//table[@class='list']/tbody/tr")) == 20
    assert "and 2 more" in found.words()
    assert "22 runs wait, up to 22 min." in found.words()
