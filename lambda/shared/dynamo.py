"""DynamoDB's values and batches.

See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

Item = dict[str, Any]
_TRIES = 5


def number(value: int) -> dict[str, str]:
    """A number as DynamoDB takes it."""
    return {"N": str(value)}


def text_in(item: Item, field: str) -> str:
    """An item's text; empty where it has none."""
    return str(item.get(field, {}).get("S", ""))


def number_in(item: Item, field: str) -> int:
    """An item's number without its decimals; 0 where it has none."""
    return int(float(item.get(field, {}).get("N", 0)))


def batch(call: Callable[[Any], Any], wanted: Any) -> Iterator[Any]:
    """The answers of a batch, of which DynamoDB may leave a part unprocessed: that is asked for again, after a pause.

    Args:
        call: BatchGetItem or BatchWriteItem of `RequestItems`.
        wanted: The first `RequestItems`.

    Raises:
        TimeoutError: a part stays unprocessed.
    """
    for attempt in range(_TRIES):
        if attempt:
            import random  # noqa: PLC0415 - seldom needed

            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret
        answer = call(wanted)
        yield answer
        wanted = answer.get("UnprocessedKeys") or answer.get("UnprocessedItems")
        if not wanted:
            return
    raise TimeoutError(f"DynamoDB leaves a part of a batch unprocessed: {', '.join(wanted)}")
