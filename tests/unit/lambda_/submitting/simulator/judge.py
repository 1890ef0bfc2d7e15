"""What must be so in each life, as far as an outsider sees it: the table, Batch, and who was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .aws import ENDED, BatchJob
from .life import JOB

if TYPE_CHECKING:
    from .world import Invocation, World

_REPLACED = "Replaced by the run of "
_REFUSED = "Batch refuses it: "
_NOT_KNOWN = "whether it started is not known"
_NOT_RUN = ("skipped", "late", "dropped")
_BATCH_UNSURE_SECONDS = 61  # in which a job that Batch does not know yet counts as one that runs


class Judge:
    """Looks on, and notes what is wrong; each note begins with the kind of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._with_place: set[str] = set()

    def _wrong(self, kind: str, what: str) -> None:
        self._world.wrong.append(f"{kind}: {what}")

    def submitted(self, job: BatchJob, inv: Invocation) -> None:
        """No two at once, but for those that nobody could see yet."""
        world = self._world
        item = world.aws.table.get((JOB, f"run#{job.run_id.partition('@')[2]}"))
        if item is None:
            self._wrong("unclaimed", f"{job.id} of {job.run_id} was submitted without a claim")
            return
        if item["policy"]["S"] == "allow":
            return
        for other in world.aws.jobs.values():
            if other is job or other.status in ENDED:
                continue
            # One that somebody started, or a run under `allow`, is seen by nobody before Batch has it.
            if other.id in self._with_place or max(other.created, other.seen_from) < inv.started:
                self._wrong("two at once", f"{other.id} and {job.id} of {job.run_id}")
        self._with_place.add(job.id)

    def answered(self, inv: Invocation, answer: Mapping[str, Any]) -> None:
        """A free place lets the first go on; who is skipped for another was skipped for one that was there."""
        if not inv.is_trigger:
            return
        world, state = self._world, self._world.aws.state()
        time = inv.event["trigger"]["scheduled_time"]
        if answer["outcome"] == "skipped" and answer["reason"].endswith("has not ended") and not self._was_busy(inv):
            self._wrong("skipped for nobody", f"{time}: {answer['reason']}")
        first = _first(state)
        if not first or first != _first(inv.state_before) or state.get("paused") or world.others_than(inv):
            return
        was_free, is_free = self._is_free(inv.state_before, inv), self._is_free(state, inv)
        if answer["outcome"] == "duplicate" and inv.state_before.get("active"):
            return  # an end that was lost is found at the next trigger
        if answer["outcome"] == "submitted" and inv.event["job"]["concurrency_policy"] == "allow":
            return  # made up for since another policy holds
        if was_free and is_free and not self._was_busy(inv):
            self._wrong("stuck", f"{first} waits, the place is free, and {time} was {answer['outcome']}")

    def _is_free(self, state: Mapping[str, Any], inv: Invocation) -> bool:
        active = state.get("active")
        if not active:
            return True
        job = self._world.aws.jobs.get(active.get("job_id", ""))
        return job is not None and job.ended + job.lag < inv.started and job.seen_from < inv.started

    def _was_busy(self, inv: Invocation) -> bool:
        """Whether anything of the job ran, or was being submitted, since an invocation began."""
        world = self._world
        recently = (inv.started - _BATCH_UNSURE_SECONDS) if world.aws.lag else inv.started
        seen = any(job.ended + job.lag >= inv.started or job.created >= recently for job in world.aws.jobs.values())
        return seen or world.claim_seen >= inv.started

    def dead(self, event: Mapping[str, Any], error: str) -> None:
        """What lies in the dead-letter queue as refused did not start, and does not wait: the alert says so."""
        if "trigger" not in event or not error.startswith(_REFUSED):
            return
        status = self._world.record(event).get("status", {}).get("S", "")
        if self._jobs(event) or status != "refused":
            self._wrong("said to be refused", f"{event['trigger']['scheduled_time']} is {status}")

    # --- at the end

    def quiet(self) -> None:
        """Before all that could be forgotten is forgotten: each run once, and each record true."""
        world = self._world
        counts = Counter(job.run_id for job in world.aws.jobs.values() if job.run_id)
        for run_id, count in counts.items():
            if count > 1:
                self._wrong("twice", f"{run_id} has {count} jobs")
        for event in world.asked:
            self._record_is_true(event)
        for job in world.aws.jobs.values():
            if job.reason.startswith(_REPLACED):
                own = job.variable("BATCHTAB_SCHEDULED_TIME")
                if job.reason.removeprefix(_REPLACED) <= own:
                    self._wrong("replaced", f"{job.id} of {own}: {job.reason}")
        self._is_paused()

    def over(self) -> None:
        """After what came last: nothing waits, nothing is claimed, and what was asked for last has run."""
        world, state = self._world, self._world.aws.state()
        for run_id, count in Counter(job.run_id for job in world.aws.jobs.values() if job.run_id).items():
            if count > 1:
                self._wrong("twice", f"{run_id} has {count} jobs")
        active = state.get("active") or {}
        is_paused = bool(state.get("paused"))  # since a failure of which nobody heard until then
        left = [
            *(() if is_paused else state.get("waiting", ())),
            *([active] if active and "job_id" not in active else []),
        ]
        if left:
            self._wrong("left behind", ", ".join(each["run"] for each in left))
        for probe in world.probes:
            self._record_is_true(probe)
            # Before the last but one a run may have been made up for, whose claimant had died.
            if probe is world.probes[-1] and not self._jobs(probe):
                record = world.record(probe)
                told = f"{record['status']['S']} {record.get('reason', {}).get('S', '')}" if record else "no record"
                if told.startswith("skipped paused since") and any(
                    job.status == "FAILED" for job in world.aws.jobs.values()
                ):
                    continue  # nobody heard of that end until then
                self._wrong("not let go on", f"the last runs, where nothing runs: {told}")
        reported = [event for event, _ in world.dead if "trigger" in event] + world.refused_callers
        known = {event["trigger"]["scheduled_time"] for event in reported}
        for event in world.asked:
            time = event["trigger"]["scheduled_time"]
            status = world.record(event).get("status", {}).get("S", "")
            if not status and (event.get("mode") == "backfill" or world.life.is_long):
                continue  # its caller was told that another one runs; or it is forgotten
            reason = world.record(event).get("reason", {}).get("S", "")
            if reason.startswith(_NOT_KNOWN) and world.dead:
                continue  # whoever was to submit it lies there: its own trigger, or the end of the run before it
            if status == "waiting" and is_paused:
                continue
            if status == "waiting":
                self._wrong("waits for ever", time)
            elif status in ("", "claimed", "refused") and time not in known:
                self._wrong("lost", f"{time} is {status or 'not recorded'}, and nobody was told")

    def _jobs(self, event: Mapping[str, Any]) -> list[BatchJob]:
        run_id = f"{JOB}@{event['trigger']['scheduled_time']}"
        return [job for job in self._world.aws.jobs.values() if job.run_id == run_id]

    def _record_is_true(self, event: Mapping[str, Any]) -> None:
        record, found = self._world.record(event), self._jobs(event)
        time, status = event["trigger"]["scheduled_time"], record.get("status", {}).get("S", "")
        if status == "submitted" and [job.id for job in found] != [record.get("job_id", {}).get("S", "")]:
            why = record.get("reason", {}).get("S", "")
            self._wrong("untrue", f"{time} is submitted {why}, and has {[job.id for job in found]}")
        if status in (*_NOT_RUN, "refused", "waiting") and found:
            self._wrong("untrue", f"{time} is {status}, and has {[job.id for job in found]}")

    def _is_paused(self) -> None:
        """A failed run pauses its job, if it says so and somebody heard of it."""
        world = self._world
        events = world.life.events
        if any(
            event.kind == "resume" or not _pauses(event.data)
            for event in events
            if "said" in event.data or event.kind == "resume"
        ):
            return
        unheard = {event["detail"]["jobId"] for event, _ in world.dead if "detail" in event}
        unheard |= {f"job-{number}" for number, how in world.life.ends.items() if how == "lost"}
        failed = [
            job.id
            for job in world.aws.jobs.values()
            if job.run_id and job.status == "FAILED" and not job.reason.startswith(_REPLACED) and job.id not in unheard
        ]
        if failed and not world.aws.state().get("paused"):
            self._wrong("not paused", ", ".join(failed))


def _pauses(data: Mapping[str, Any]) -> bool:
    return bool(data["said"].get("pause_on_failure"))


def _first(state: Mapping[str, Any]) -> str:
    waiting = state.get("waiting") or ()
    return str(waiting[0]["run"]) if waiting else ""
