"""What to do when AWS says that it is asked too often: wait a while, each invocation for another, and ask again.

Batch takes 50 SubmitJob a second of a whole account, and nobody can have that raised. Of a thousand runs that are due
in one minute most have to wait, each in its own invocation; the retries of Lambda are left for what fails otherwise.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

_CODES = {
    *("TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"),
    *("ThrottlingError", "ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException"),
}
_SHORTEST_SECONDS = 0.1
_LONGEST_SECONDS = 4.0
T = TypeVar("T")


def is_throttled(error: Exception) -> bool:
    """Whether AWS did nothing, because it is asked too often; a transaction's reasons say so as well."""
    answer = getattr(error, "response", None) or {}
    reasons = answer.get("CancellationReasons", [])
    return not _CODES.isdisjoint({answer.get("Error", {}).get("Code"), *(each.get("Code") for each in reasons)})


def patiently(call: Callable[[], T], ends_at: float, may_repeat: Callable[[Exception], bool] = is_throttled) -> T:
    """Makes a call until it is not throttled.

    Args:
        call: Makes it once.
        ends_at: When to give up, in epoch seconds.
        may_repeat: Whether an error says that the call had no effect.

    Raises:
        Exception: what the last call raised.
    """
    for attempt in count():
        try:
            return call()
        except Exception as error:
            longest = min(_LONGEST_SECONDS, _SHORTEST_SECONDS * 4 * 2**attempt)
            pause = random.uniform(_SHORTEST_SECONDS, longest)  # noqa: S311 - no secret
            if not may_repeat(error) or time.time() + pause > ends_at:
                raise
        time.sleep(pause)
    raise AssertionError("counting has no end")  # pragma: no cover
