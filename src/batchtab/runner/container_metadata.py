"""What ECS says about the container that it runs.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TIMEOUT_SECONDS = 3
_PAUSES_SECONDS = (0.2, 1.0)  # between tries


def read(environment: Mapping[str, str], page: str = "") -> dict[str, Any]:
    """Return the container's metadata, or with `/task` its task's; nothing outside ECS, or if ECS does not answer."""
    url = environment.get("ECS_CONTAINER_METADATA_URI_V4")
    if not url:
        return {}
    import http.client  # noqa: PLC0415
    import json  # noqa: PLC0415 only in ECS, as the rest
    import time  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    for pause in (*_PAUSES_SECONDS, None):
        try:
            with urllib.request.urlopen(url + page, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 ECS's own
                found = json.load(response)
                return found if isinstance(found, dict) else {}
        except (OSError, ValueError, http.client.HTTPException):
            if pause is not None:
                time.sleep(pause)
    return {}
