"""A job that is started often and is quickly done."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


def main() -> int:
    """Say the time, to the second, in UTC."""
    print(f"tick {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
