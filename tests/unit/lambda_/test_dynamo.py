"""What DynamoDB leaves of a batch is asked for again, a few times, with pauses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shared import dynamo


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(dynamo, "time", SimpleNamespace(sleep=found.append))
    return found


@pytest.mark.parametrize("left", ["UnprocessedKeys", "UnprocessedItems"])
def test_only_what_is_left_is_asked_for_again(left: str, pauses: list[float]) -> None:
    # GIVEN a table that leaves a part of the first batch
    asked: list[Any] = []
    answers = [{left: {"table": ["b"]}, "n": 1}, {left: {}, "n": 2}]

    def call(wanted: Any) -> Any:
        asked.append(wanted)
        return answers[len(asked) - 1]

    # WHEN the batch is asked for
    found = list(dynamo.batch(call, {"table": ["a", "b"]}))
    # THEN the part comes with the second answer, after a pause
    assert [answer["n"] for answer in found] == [1, 2]
    assert asked == [{"table": ["a", "b"]}, {"table": ["b"]}]
    assert len(pauses) == 1


def test_a_batch_that_is_never_done_is_an_error(pauses: list[float]) -> None:
    with pytest.raises(TimeoutError, match="unprocessed: table"):
        list(dynamo.batch(lambda wanted: {"UnprocessedKeys": wanted}, {"table": ["a"]}))
    assert len(pauses) == 4
    assert all(0 <= pause <= 0.8 for pause in pauses)
