"""When a CronJob starts: schedule, zone, overlapping runs, deadline and suspension."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from batchtab import limits
from batchtab.importers import engines, triggers
from batchtab.importers.engines import kubernetes
from batchtab.importers.imported import SourceClock
from batchtab.importers.kinds.kubernetes.draft import Draft, whole
from batchtab.importers.node import Node
from batchtab.importers.triggers import ScheduleError, Trigger
from batchtab.schedules import zones
from batchtab.schedules.expression import Rate

_POLICIES = {"Allow": "allow", "Forbid": "forbid", "Replace": "replace"}
_POLICY_NOTES = {
    "Forbid": "concurrency_policy: forbid. Kubernetes starts a run that was skipped when the one before ends, if its"
    " deadline allows; `queue` with queue_limit: 1 does that",
}
_SHORTEST_SECONDS = 10  # the controller looks every ten seconds
_WRITE = "write a schedule, or start it with `batchtab run`"


@dataclass(frozen=True, slots=True)
class Timing:
    """When a job starts.

    Attributes:
        triggers: The schedules of jobs.yaml that together start at its times; empty if none does.
        clock: What the source says; None if it cannot be compared.
    """

    triggers: list[Trigger] = field(default_factory=list)
    clock: SourceClock | None = None


def timing(spec: Node, draft: Draft) -> Timing:
    """The schedule and its zone."""
    text = spec.take("schedule")
    if not isinstance(text, str) or not text.strip():
        if "schedule" in spec:
            spec.leave("schedule", "is not a text", _WRITE)
        else:
            draft.recorder.not_carried("spec.schedule", "", "the CronJob has none", _WRITE)
        spec.leave("timeZone", "there is no schedule")
        return Timing()
    text = str(text)
    zone, origin = _zone(spec, text, draft)
    if not zone:
        spec.leave("schedule", "its time zone is not known", _WRITE)
        return Timing()
    clock = SourceClock("kubernetes", text, zone)
    if refusal := engines.is_valid(clock):
        spec.leave("schedule", f"Kubernetes refuses it: {refusal}", _WRITE)
        return Timing()
    try:
        found = _triggers(text, zone)
    except ScheduleError as error:
        spec.leave("schedule", f"jobs.yaml has no such schedule: it {error.reason}", error.hint or _WRITE)
        return Timing()
    _report(spec, found, zone, origin)
    return Timing(found, clock)


def _zone(spec: Node, text: str, draft: Draft) -> tuple[str, str]:
    """The zone's name, empty if it is none, and what says it."""
    named, _ = kubernetes.split_zone(text)
    field_ = spec.take("timeZone")
    if named and "timeZone" in spec:
        spec.leave("timeZone", "Kubernetes refuses a zone here and in schedule; that in schedule counts", "choose one")
    name = named or (str(field_) if isinstance(field_, str) else "") or draft.options.timezone
    refusal = zones.refusal(name)
    if refusal is None:
        return name, "schedule" if named else "timeZone" if field_ else ""
    if not named:
        spec.leave("timeZone", f"'{name}' {refusal[0]}", refusal[1] or "write one of the IANA names")
    return "", ""


def _triggers(text: str, zone: str) -> list[Trigger]:
    period = kubernetes.every(text)
    if period is None:
        return triggers.of_fields(kubernetes.split_zone(text)[1], zone, is_kubernetes=True)
    minutes, rest = divmod(period, timedelta(minutes=1))
    if rest or not minutes:
        raise ScheduleError("is no whole number of minutes", "write rate(1 minute), or a longer period")
    note = "a period, which EventBridge Scheduler counts from the deployment on, when it also runs once"
    return [Trigger(Rate(minutes * 60).text, note=note)]


def _report(spec: Node, found: list[Trigger], zone: str, origin: str) -> None:
    notes = [found[0].note] if found[0].note else []
    if origin == "schedule":
        notes.append(f"timezone: {found[0].timezone or 'UTC'}")
    elif not origin and found[0].timezone is not None:
        notes.append(f"read in {zone}, as --timezone says")
    elif not origin and not found[0].schedule.startswith("rate("):
        notes.append(f"read in {zone}: it is the zone of kube-controller-manager, unless --timezone names another")
    if not notes and found[0].schedule != spec.data["schedule"]:
        notes.append(f"written as {found[0].schedule}")
    if notes:
        spec.change("schedule", f"schedule: {'; '.join(notes)}")
    else:
        spec.carry("schedule", "schedule")
    if origin == "timeZone":
        if found[0].timezone == zone:
            spec.carry("timeZone", "timezone")
        else:
            spec.change("timeZone", "left out, because the schedule starts at the same times in UTC")


def policies(spec: Node, draft: Draft, trigger_count: int) -> None:
    """What happens to runs that overlap, are late, or are not wanted."""
    _overlap(spec, draft, trigger_count)
    _deadline(spec, draft)
    if spec.take("suspend") is True:
        draft.settings["suspend"] = True
    spec.carry("suspend", "suspend")
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        spec.leave(key, "nothing is kept in a cluster: AWS and `batchtab history` have the runs")


def _overlap(spec: Node, draft: Draft, trigger_count: int) -> None:
    value = spec.take("concurrencyPolicy")
    if value is None:
        spec.carry("concurrencyPolicy", "concurrency_policy, which is allow by default")
        return
    policy = _POLICIES.get(str(value))
    if policy is None:
        spec.leave("concurrencyPolicy", "is none of Allow, Forbid and Replace", "choose a concurrency_policy")
        return
    if policy != "allow" and (draft.is_scheduled or policy == "forbid"):
        draft.settings["concurrency_policy"] = policy
    if policy != "allow" and trigger_count > 1:
        note = f"concurrency_policy: {policy}, of each of the two jobs, whose runs may overlap"
        spec.change("concurrencyPolicy", note, "decide whether a run may last until the other's next day")
    elif policy == "replace" and not draft.is_scheduled:
        spec.leave("concurrencyPolicy", "has no effect without a schedule")
    elif note := _POLICY_NOTES.get(str(value), ""):
        spec.change("concurrencyPolicy", note)
    else:
        spec.carry("concurrencyPolicy", f"concurrency_policy: {policy}")


def _deadline(spec: Node, draft: Draft) -> None:
    key = "startingDeadlineSeconds"
    value = spec.take(key)
    if value is None:
        spec.leave(key, "sets no deadline")
        return
    seconds = whole(value)
    if seconds is None or seconds < 0:
        spec.leave(key, "is not a whole number", "correct the source")
        return
    if not draft.is_scheduled:
        spec.leave(key, "has no effect without a schedule")
        return
    bounds = limits.STARTING_DEADLINE_SECONDS
    fitted = min(max(seconds, bounds.minimum), bounds.maximum)
    draft.settings["starting_deadline_seconds"] = fitted
    if fitted == seconds:
        spec.carry(key, "starting_deadline_seconds")
        return
    note = f"starting_deadline_seconds: {fitted}, the {'least' if fitted > seconds else 'most'} that jobs.yaml takes"
    if seconds < _SHORTEST_SECONDS:
        note += f". With less than {_SHORTEST_SECONDS} Kubernetes may never start the job"
        spec.change(key, note, "decide whether it should run")
    else:
        spec.change(key, note)
