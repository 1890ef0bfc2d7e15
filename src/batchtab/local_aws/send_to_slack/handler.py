"""Hands what it gets to local AWS, which shows it on a page."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

_TIMEOUT_SECONDS = 5


def lambda_handler(event: Any, context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Posts the message to `/_local/slack`.

    Raises:
        RuntimeError: this is not local AWS.
        OSError: local AWS does not answer, or refuses.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint.startswith("http://"):
        raise RuntimeError("AWS_ENDPOINT_URL is not set: this function replaces Slack on local AWS only")
    request = urllib.request.Request(  # noqa: S310 - http, as checked above
        endpoint.rstrip("/") + "/_local/slack",
        data=json.dumps(event, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        return {"status": answer.status}
