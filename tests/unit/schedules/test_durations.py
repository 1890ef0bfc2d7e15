from __future__ import annotations

import pytest

from batchtab.schedules.durations import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (-1, "0 s"),
        (59.9, "1 min"),
        (599, "9 min 59 s"),
        (5400, "1 h 30 min"),
        (3605, "1 h"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
        (86_460, "1 d"),
    ],
)
def test_a_length_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3661, "1 h 1 min 1 s"), (3605, "1 h 5 s"), (90_061, "1 d 1 h 1 min"), (45, "45 s")]
)
def test_where_a_limit_is_shown_nothing_is_lost(seconds: float, words: str) -> None:
    assert duration(seconds, units=3) == words
