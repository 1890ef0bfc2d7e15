"""How near two runs of a schedule may be, read off its fields: what HCL can read off them too.

Zones, bounds and exceptions are left out: they make hardly any gap shorter.
"""

from __future__ import annotations

import re
from itertools import pairwise

from batchtab.schedules import crontab, expression
from batchtab.schedules.expression import Cron, Rate

_DAY_MINUTES = 1440
# A number, a name, `L`, `15W` or `MON#2`: no day after it is one of the schedule's.
ONE_DAY_PATTERN = "^[0-9A-Za-z#]+$"


def least_gap_seconds(schedule: str) -> int | None:
    """The shortest time between two runs of a schedule; None if they are further apart than two days, or one is all.

    Args:
        schedule: The schedule, in AWS's form or crontab's.

    Raises:
        ScheduleError: It is none.
    """
    parsed = expression.parse(schedule)
    if isinstance(parsed, Rate):
        return parsed.seconds
    if not isinstance(parsed, Cron):
        return None
    minutes, hours = parsed.minutes, parsed.hours
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    gaps += [(later - earlier) * 60 + minutes[0] - minutes[-1] for earlier, later in pairwise(hours)]
    _, _, of_month, _, of_week, _ = crontab.to_aws(schedule)[5:-1].split()
    if not re.match(ONE_DAY_PATTERN, of_month if of_week == "?" else of_week):
        gaps.append(_DAY_MINUTES + (hours[0] - hours[-1]) * 60 + minutes[0] - minutes[-1])
    return min(gaps) * 60 if gaps else None
