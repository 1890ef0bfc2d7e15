"""Where an event of several lines begins."""

from __future__ import annotations

import pytest

from batchtab.local_aws.batch import multiline


@pytest.mark.parametrize(
    ("options", "first", "other"),
    [
        ({"awslogs-multiline-pattern": "^(INFO|WARN)"}, "WARN x", "  WARN x"),
        ({"awslogs-datetime-format": "[%b %d, %Y %H:%M:%S]"}, "[May 01, 2026 19:00:01] x", "[May 1, 2026] x"),
        ({"awslogs-datetime-format": "%Y-%m-%dT%H:%M:%S%z"}, "at 2026-05-01T19:00:01+0900", "at 2026-05-01 19:00:01"),
        ({"awslogs-datetime-format": "(%p)"}, "(AM)", "PM"),
    ],
)
def test_a_line_that_has_the_pattern_begins_an_event(options: dict[str, str], first: str, other: str) -> None:
    found = multiline.pattern(options)
    assert found is not None
    assert found.search(first)
    assert not found.search(other)


def test_without_a_pattern_each_line_is_an_event() -> None:
    assert multiline.pattern({"awslogs-group": "/g"}) is None


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="awslogs-multiline-pattern"):
        multiline.pattern({"awslogs-multiline-pattern": "("})
