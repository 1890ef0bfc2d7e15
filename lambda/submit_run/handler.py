"""Lambda's entry."""

from __future__ import annotations

import json
import time
from typing import Any

from .app import App
from .request import asked_for
from .settings import Settings

# Kept of its time when it waits for its turn: one call that is slow to connect and to read, and the note of it.
_LAST_SECONDS = 8


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Submits a run, or says why not; see app.py.

    Raises:
        Exception: it could not be decided or submitted: Lambda tries again, and then keeps the event.
    """
    ends_at = time.time() + context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
    try:
        answer = App(Settings.from_environment(), ends_at).handle(event)
    except Exception as error:
        # Lambda's own line does not say at which run; `batchtab why` does by this one.
        failed = {"outcome": "ERROR", "run_id": asked_for(event), "reason": f"{type(error).__name__}: {error}"}
        print(json.dumps(failed, ensure_ascii=False))
        raise
    print(json.dumps(answer, ensure_ascii=False))
    return answer
