"""Why a job that has not ended does not run yet, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from batchtab.aws.active_jobs import Active, ActiveJob
from batchtab.aws.batch_jobs import counted
from batchtab.aws.job_queues import BLOCKED, JobQueue
from batchtab.aws.queue_snapshot import FRONT
from batchtab.aws.waiting_runs import CLAIMED, WaitingRun
from batchtab.cli.jobs.short_times import near
from batchtab.errors import how_many, printable

_CUT = "its submission was interrupted; the trigger's next delivery submits it again, or batchtab backfill"


class WaitingWords:
    """Knows the queues and all that is in them."""

    def __init__(self, active: Active, queues: Mapping[str, JobQueue]) -> None:
        self._active, self._queues = active, queues
        self._jobs = {job.id: job for job in active.jobs}

    def of_job(self, job: ActiveJob) -> str:
        """Of a job in Batch; empty for one that runs."""
        return printable("; ".join(filter(None, self._of_job(job))))

    def of_run(self, run: WaitingRun, zone: ZoneInfo, now: datetime) -> str:
        """Of a run that has no job yet."""
        if run.status == CLAIMED:
            return _CUT if run.is_cut else "is being submitted"
        if run.paused:
            return printable(f"the job is paused {run.paused}")
        if run.place > 1:
            return f"{how_many(run.place - 1, 'run')} of this job before it"
        if run.before is not None:
            job = f", job {run.before_job_id[:8]}" if run.before_job_id else ""
            return f"waits for the run of {near(run.before, zone, now)}{job}"
        return "waits for a job that no schedule started"

    def _of_job(self, job: ActiveJob) -> Iterable[str]:
        if job.size:
            yield counted(each for each in job.children.items() if each[0] != "SUCCEEDED")
        yield job.reason
        if job.waits_for and job.status in ("SUBMITTED", "PENDING"):
            yield "waits for the end of " + ", ".join(map(self._name, job.waits_for))
        elif "RUNNABLE" in (job.status, *job.children) and not job.reason.startswith(BLOCKED):
            yield self._in_queue(job)

    def _in_queue(self, job: ActiveJob) -> str:
        queue, front = self._queues.get(job.queue), self._active.snapshots.get(job.queue)
        if queue is not None and queue.fault:
            return queue.fault
        head = self._jobs.get(front.first.partition(":")[0]) if front else None
        if head is not None and head is not job and head.reason.startswith(BLOCKED):
            code, _, _ = head.reason.partition(" - ")
            return f"behind {self._name(head.id)}, which is blocked: {code}"
        if job.place == 1 and queue is not None:
            return self._capacity(job, queue)
        if job.place is not None:
            return f"{job.place - 1} before it in the queue" if job.place > 1 else "the next in the queue"
        return f"more than {FRONT} before it in the queue" if front and len(front.places) >= FRONT else ""

    def _capacity(self, job: ActiveJob, queue: JobQueue) -> str:
        words = f"the next in the queue: needs {job.asks.vcpus:g} {_noun(job.asks.vcpus)}"
        most = queue.max_vcpus
        if most is None or self._active.cut:
            return words
        ours = {each.name for each in queue.environments}
        sharing = [name for name, each in self._queues.items() if ours & {one.name for one in each.environments}]
        used = sum(each.used_vcpus for each in self._active.jobs if each.queue in sharing)
        return f"{words}; {used:g} of {most:g} are in use"

    def _name(self, job_id: str) -> str:
        job = self._jobs.get(job_id)
        return f"{job.name} ({job_id[:8]})" if job else f"job {job_id[:8]}"


def _noun(vcpus: float) -> str:
    return "vCPU" if vcpus == 1 else "vCPUs"
