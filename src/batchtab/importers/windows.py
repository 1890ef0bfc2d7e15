"""How long a start may be spread, at random: within the time to the next one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from batchtab import limits
from batchtab.errors import how_many
from batchtab.importers.findings import Recorder
from batchtab.importers.triggers import Trigger
from batchtab.schedules.timing import Timing

_MINUTE = timedelta(minutes=1)


def set_window(settings: dict[str, Any], triggers: Sequence[Trigger], minutes: int, recorder: Recorder) -> None:
    """Set `flexible_window_minutes`, as far as jobs.yaml takes it; what is cut off is reported.

    Args:
        settings: The job's.
        triggers: Its schedules; without one there is no window.
        minutes: How long it is at the source; 0 is none.
        recorder: Of the job.
    """
    if not minutes or not triggers:
        return
    timings = [
        Timing.of(each.schedule, timezone=each.timezone, excluded=each.except_, trigger="schedule") for each in triggers
    ]
    periods = [period for each in timings if (period := each.shortest_period())]
    most = min([limits.FLEXIBLE_WINDOW_MINUTES.maximum, *(each // _MINUTE for each in periods)])
    settings["flexible_window_minutes"] = min(minutes, most)
    if minutes > most:
        how = f"flexible_window_minutes: {most}, the time to the next start or the longest that AWS takes"
        recorder.changed("delay", how_many(minutes, "minute"), how)
