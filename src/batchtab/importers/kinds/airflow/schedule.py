"""When a DAG runs, as a schedule of jobs.yaml: presets, cron, timetables, lengths of time, start and end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batchtab.importers import engines
from batchtab.importers.engines import airflow
from batchtab.importers.imported import SourceClock
from batchtab.importers.kinds.airflow import dates
from batchtab.importers.kinds.airflow.cron_triggers import of_crons
from batchtab.importers.kinds.airflow.dates import Bounds
from batchtab.importers.kinds.airflow.periods import MINUTE, on_the_clock
from batchtab.importers.kinds.airflow.values import Call, Unknown, duration, zone
from batchtab.importers.node import Node
from batchtab.importers.triggers import ScheduleError
from batchtab.schedules.expression import Rate
from batchtab.schedules.timestamps import utc_text

KEYS = ("schedule", "schedule_interval", "timetable")
_DATA = re.compile(r"\b(Dataset|Asset|DatasetAll|DatasetAny|AssetAll|AssetAny|AssetAlias|AssetWatcher)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 2190  # jobs.yaml has no later moments
_INTERVALS = "CronDataIntervalTimetable"
_DELTAS = {"DeltaDataIntervalTimetable", "DeltaTriggerTimetable"}


@dataclass(slots=True)
class Schedule:
    """What the first jobs of a DAG get.

    Attributes:
        jobs: Fields of jobs.yaml, of each job that a first task becomes; empty: no schedule.
        clock: The source's; None: no schedule.
    """

    jobs: list[dict[str, Any]] = field(default_factory=list)
    clock: SourceClock | None = None


def of_dag(node: Node, defaults: Node, timezone: str, version: str) -> Schedule:
    """The schedule of a DAG; each of its fields is recorded.

    Args:
        node: The DAG's arguments.
        defaults: Its default_args.
        timezone: The zone of dates that name none: Airflow's default_timezone.
        version: Airflow's: 2 or 3.
    """
    timezone = dates.own_zone(node, timezone)
    start, end = (
        dates.date_of(node, defaults, "start_date", timezone),
        dates.date_of(node, defaults, "end_date", timezone),
    )
    has_catchup = node.take("catchup", version == "2") is True
    named = start.timezone if start and start.timezone else timezone
    bounds = Bounds(start, end, has_catchup, named)
    key = next((each for each in KEYS if each in node), "")
    value = node.take(key) if key else _default(node, version)
    for other in KEYS:
        if other != key and other in node:
            node.leave(other, f"{key} says when it runs", "decide which of the two is right")
    found = _Reading(node, key or "schedule", value, bounds, version).schedule()
    dates.record(node, defaults, found.jobs, bounds)
    if "catchup" in node and has_catchup:
        why = "no run is started for a time before the job is deployed; `batchtab backfill` does that"
        node.leave("catchup", why)
    elif "catchup" in node:
        node.carry("catchup", "what Batchtab does: no run is started for a time before the job is deployed")
    return found


def _default(node: Node, version: str) -> Any:
    if version == "2":
        return Call("datetime.timedelta", (1,), {}, "timedelta(days=1)")
    how = "no schedule: Airflow 3 then starts it on request only; --set airflow=2 if it is not 3"
    node.recorder.carried(node.name("schedule"), "none given", how)
    return None


class _Reading:
    """Reads one value of `schedule`."""

    def __init__(self, node: Node, key: str, value: Any, bounds: Bounds, version: str) -> None:
        self.node, self.key, self.value, self.bounds, self.version = node, key, value, bounds, version

    def schedule(self) -> Schedule:
        """The schedule; every way to give one is recorded."""
        value, start = self.value, self.bounds.start
        if start and start.at and start.at.year >= _FAR:
            return self._refused("start_date is too far away", "write schedule and start")
        if isinstance(value, Mapping):
            value = _of_mapping(value)
        if value is None or (isinstance(value, str) and value.lower() in {"none", "null"}):
            if self.key in self.node:
                self.node.carry(self.key, "no schedule: the job is started on request")
            return Schedule()
        if isinstance(value, str):
            return self._of_text(value)
        if isinstance(value, Call):
            return self._of_call(value)
        if isinstance(value, Unknown) and not _DATA.search(value.text):
            return self._refused(f"it {value.why}", "write schedule")
        return self._of_data()

    def _of_data(self) -> Schedule:
        return self._refused("jobs.yaml has no datasets or assets", "write after: the job that writes the data")

    def _refused(self, why: str, todo: str) -> Schedule:
        if self.key in self.node:
            self.node.leave(self.key, why, todo)
        else:
            self.node.recorder.not_carried(self.key, self.value, why, todo)
        return Schedule()

    def _changed(self, how: str) -> None:
        if self.key in self.node:
            self.node.change(self.key, how)
        else:
            how = f"{how}: Airflow 2 runs a DAG without a schedule each day; --set airflow=3 if it is not 2"
            self.node.recorder.changed(self.node.name(self.key), "none given", how)

    def _of_text(self, text: str) -> Schedule:
        if text == "@once":
            return self._once()
        if text == "@continuous":
            return self._refused(
                "starts a run as soon as the last one has ended", "write a schedule with concurrency_policy: forbid"
            )
        return self._cron([text], self.bounds.timezone, has_intervals=self.version == "2")

    def _of_call(self, call: Call) -> Schedule:
        named = zone(call.named.get("timezone") or call.argument(1, "timezone")) or self.bounds.timezone
        if call.last in {_INTERVALS, "CronTriggerTimetable", "MultipleCronTriggerTimetable"}:
            crons = [call.argument(0, "cron")]
            if call.last.startswith("Multiple"):
                named, crons = zone(call.named.get("timezone")) or self.bounds.timezone, [*call.arguments]
            if crons and all(isinstance(each, str) for each in crons):
                return self._cron(crons, named, has_intervals=call.last == _INTERVALS)
            return self._refused("its expression is not a constant", "write schedule")
        is_delta = call.last in _DELTAS
        length = duration(call.argument(0, "delta")) if is_delta else duration(call)
        if length is not None:
            return self._period(length, counts_from_now=call.last == "DeltaTriggerTimetable")
        if _DATA.search(call.text):
            return self._of_data()
        return self._refused(f"jobs.yaml has nothing like {call.last}", "write a schedule that starts at its times")

    def _once(self) -> Schedule:
        start = self.bounds.start
        if start is None or start.at is None or start.at <= datetime.now(UTC):
            return self._refused("its one time is past", "start it when you need it: batchtab run JOB")
        text = f"{start.at:%Y-%m-%dT%H:%M:%S}"
        self.node.change(self.key, f"schedule: at({text}), which is start_date")
        return Schedule([{"schedule": f"at({text})"}], SourceClock("once", start.at.isoformat()))

    def _cron(self, crons: list[str], timezone: str, *, has_intervals: bool) -> Schedule:
        clock = SourceClock("airflow", airflow.BETWEEN.join(crons), timezone)
        if refusal := engines.is_valid(clock):
            return self._refused(f"Airflow's cron refuses it: {refusal}", "correct it, and write schedule")
        try:
            found = of_crons(crons, timezone)
        except ScheduleError as error:
            return self._refused(f"jobs.yaml has no such schedule: it {error}", "write schedule")
        bounds, clock = self._bounds(clock, has_intervals=has_intervals)
        notes = [each for each in dict.fromkeys(each.note for each in found) if each]
        zone_note = "" if found[0].timezone in {None, "UTC"} else f" and timezone: {found[0].timezone}"
        texts = ", ".join(dict.fromkeys(each.schedule for each in found))
        if self.key not in self.node or notes or self.value != found[0].schedule:
            self.node.change(self.key, "; ".join([f"schedule: {texts}{zone_note}", *notes]))
        else:
            self.node.carry(self.key, f"schedule{zone_note}")
        return Schedule([{**each.settings(), **bounds} for each in found], clock)

    def _bounds(self, clock: SourceClock, *, has_intervals: bool) -> tuple[dict[str, str], SourceClock]:
        start, end = self.bounds.start, self.bounds.end
        found: dict[str, str] = {}
        begin, until = "", ""
        if start and start.at and start.at > datetime.now(UTC):
            at = airflow.first(clock, start.at, has_intervals=has_intervals)
            found["start"], begin = utc_text(at), at.isoformat()
        if end and end.at and end.at.year < _FAR:
            at = airflow.last(clock, end.at, has_intervals=has_intervals)
            # The clock's end is the first moment that does not count.
            found["end"], until = utc_text(at), (at + timedelta(seconds=1)).isoformat()
        return found, SourceClock(clock.engine, clock.expression, clock.timezone, begin, until)

    def _anchor(self) -> datetime | None:
        """From when Airflow counts: from start_date if it starts the runs since then, else from 1970."""
        start = self.bounds.start
        if start and start.at and (self.bounds.has_catchup or start.at > datetime.now(UTC)):
            return start.at
        return None if self.bounds.has_catchup else _EPOCH

    def _period(self, length: timedelta, *, counts_from_now: bool) -> Schedule:
        seconds = int(length.total_seconds())
        if length.total_seconds() != seconds or seconds < MINUTE or seconds % MINUTE:
            return self._refused("jobs.yaml has whole minutes only", "write schedule: rate(…)")
        anchor = None if counts_from_now else self._anchor()
        schedule = on_the_clock(seconds, anchor) if anchor else ""
        note = "at the times at which Airflow starts it" if schedule else "counted from its deployment"
        # Only a schedule that names times can be compared by them.
        since = f" from {anchor.isoformat()}" if anchor and schedule else ""
        schedule = schedule or Rate(seconds).text
        bounds, begin, until = {}, "", ""
        start, end = self.bounds.start, self.bounds.end
        if start and start.at and start.at > datetime.now(UTC):
            at = start.at + (timedelta(0) if counts_from_now else length)
            bounds["start"], begin = utc_text(at), at.isoformat()
        if end and end.at and end.at.year < _FAR:
            bounds["end"], until = utc_text(end.at), (end.at + timedelta(seconds=1)).isoformat()
        self._changed(f"schedule: {schedule}, {note}")
        clock = SourceClock("airflow" if since else "period", f"{seconds} seconds{since}", "UTC", begin, until)
        return Schedule([{"schedule": schedule, **bounds}], clock)


def _of_mapping(value: Mapping[str, Any]) -> Any:
    """dag-factory's older forms: `{type: cron, value: …}` and `{callable: …, params: …}`."""
    if "type" in value:
        inner, kind = value.get("value"), value["type"]
        if kind in {"timedelta", "relativedelta"} and isinstance(inner, Mapping):
            return Call(f"datetime.{kind}", (), inner, f"{kind}({dict(inner)})")
        if kind == "timetable" and isinstance(inner, Mapping):
            return _of_mapping(inner)
        return inner if kind == "cron" else Call(f"Asset {kind}", (), {}, f"Asset {kind}")
    if isinstance(value.get("callable"), str):
        named = value.get("params") if isinstance(value.get("params"), Mapping) else {}
        return Call(value["callable"], (), named or {}, f"{value['callable'].rpartition('.')[2]}({dict(named or {})})")
    length = duration(Call("datetime.timedelta", (), value, ""))
    return Call("datetime.timedelta", (), value, f"timedelta({dict(value)})") if length else Unknown(str(dict(value)))
