"""A clock that does not move, to be put in the place of a module's `datetime`."""

from __future__ import annotations

from datetime import datetime, tzinfo


def stopped_clock(moment: datetime) -> type[datetime]:
    """A `datetime` of which it is always the same moment."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment.astimezone(tz)

        @classmethod
        def fromisoformat(cls, text: str) -> datetime:  # type: ignore[override]
            return datetime.fromisoformat(text)

    return Clock
