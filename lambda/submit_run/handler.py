"""Lambda's entry."""

from __future__ import annotations

import json
from typing import Any

from .app import App
from .settings import Settings


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Submits a run, or says why not; see app.py.

    Raises:
        Exception: it could not be decided or submitted: Lambda tries again, and then keeps the event.
    """
    answer = App(Settings.from_environment()).handle(event)
    print(json.dumps(answer, ensure_ascii=False))
    return answer
