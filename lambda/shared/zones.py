"""Time zones by their names, also where the machine has no database of them."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache


@cache
def zone(name: str) -> tzinfo | None:
    """The zone of an IANA name; UTC for none, None for one that nobody knows.

    Lambda's image may come without a database. boto3 always brings dateutil, which has one, whose rules end in 2037.
    """
    if not name:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most schedules are in UTC

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no database, or no such zone in it
        return _bundled(name)


def _bundled(name: str) -> tzinfo | None:
    from dateutil.zoneinfo import get_zonefile_instance  # noqa: PLC0415

    found: tzinfo | None = get_zonefile_instance().get(name)
    return found
