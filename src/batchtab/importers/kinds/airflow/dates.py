"""start_date, end_date and the zone of a DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchtab.importers.kinds.airflow.values import Moment, moment, zone
from batchtab.importers.node import Node


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a DAG begins and ends.

    Attributes:
        start: start_date.
        end: end_date.
        has_catchup: Whether Airflow starts the runs since `start`.
        timezone: The zone in which Airflow reads the schedule.
    """

    start: Moment | None
    end: Moment | None
    has_catchup: bool
    timezone: str


def own_zone(node: Node, timezone: str) -> str:
    """dag-factory's `timezone`, in which it reads the dates."""
    if "timezone" not in node:
        return timezone
    found = zone(node.data["timezone"])
    if found:
        return str(node.carry("timezone", "timezone") and found)
    node.leave("timezone", "is not a name of the IANA time zone database", "write one, such as Asia/Seoul")
    return timezone


def date_of(node: Node, defaults: Node, key: str, timezone: str) -> Moment | None:
    """A date of the DAG or of default_args; one that is no constant is reported."""
    own = node if key in node else defaults
    value = own.take(key)
    if value is None:
        return None
    found = moment(value, timezone)
    if found is None:
        own.leave(
            key, "is not a constant date", f"write {key.removesuffix('_date')} if it is in the future, and timezone"
        )
    return found


def record(node: Node, defaults: Node, jobs: Sequence[Mapping[str, Any]], bounds: Bounds) -> None:
    """Record the dates, by what the scheduled jobs have of them."""
    for key, at, name in (("start_date", bounds.start, "start"), ("end_date", bounds.end, "end")):
        own = node if key in node else defaults
        if at is None or own.data.get(key) is None:
            continue
        note = f"timezone: {bounds.timezone}; " if name == "start" and at.timezone not in {"", "UTC"} else ""
        if not jobs:
            own.leave(key, "the job has no schedule")
        elif any(name in each for each in jobs):
            how = "the first run" if name == "start" else "the last run"
            own.change(key, f"{note}{name}: {jobs[0][name]}, {how} by Airflow's rules")
        elif name == "start":
            own.change(key, f"{note}no start, because the date is past")
        else:
            own.leave(key, "it is too far away")
