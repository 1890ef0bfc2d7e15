"""What the function writes into its own log: one JSON object a line."""

from __future__ import annotations

import json
from typing import Any


def say(**fields: Any) -> None:
    """Writes a line; halves of characters, which no log takes, become question marks."""
    print(json.dumps(fields, ensure_ascii=False, default=str).encode("utf-8", "replace").decode())
