"""Moments, ids and commands, as a story has them."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from batchtab.errors import printable
from batchtab.run_story.facts import Facts
from batchtab.schedules.timestamps import utc_text

_MOMENT = re.compile(r"(?<!@)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_MINUTE = timedelta(minutes=1)


def local(moment: datetime, zone: ZoneInfo) -> str:
    """`2026-11-24 09:00`, with seconds where there are any."""
    shown = moment.astimezone(zone)
    return f"{shown:%Y-%m-%d %H:%M:%S}" if shown.second else f"{shown:%Y-%m-%d %H:%M}"


def clock(moment: datetime, zone: ZoneInfo, beside: datetime | None = None) -> str:
    """The time of day; with the date where that is not the one of `beside`."""
    shown = moment.astimezone(zone)
    same = beside is not None and beside.astimezone(zone).date() == shown.date()
    return f"{shown:%H:%M:%S}" if same else f"{shown:%Y-%m-%d %H:%M:%S}"


def localized(text: str, zone: ZoneInfo) -> str:
    """A reason in the reader's time zone: functions write UTC. A run's id, such as `JOB@…Z`, stays."""
    return printable(_MOMENT.sub(lambda found: local(datetime.fromisoformat(found[0]), zone), text)).strip()


def moment(text: str) -> datetime | None:
    """A moment of a record or a variable; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def command(facts: Facts, *words: str) -> str:
    """A command of this tool for the same stage."""
    return shlex.join(["batchtab", *words, "--stage", facts.stage])


def backfill(facts: Facts) -> str:
    """The command that runs one scheduled time; empty where there is none, or it is too new for that."""
    if facts.at is None or facts.job is None or facts.job.spec.timing is None or facts.now - facts.at < 2 * _MINUTE:
        return ""
    text = utc_text(facts.at)
    return command(facts, "backfill", facts.name, "--from", text, "--to", text)


def run_of(text: str, zone: ZoneInfo) -> str:
    """`the run of 2026-11-24 09:00`; of a job without a scheduled time `a manual run`."""
    found = moment(text)
    return f"the run of {local(found, zone)}" if found else "a manual run"
