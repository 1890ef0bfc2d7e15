from __future__ import annotations

import logging
import threading
import time
from collections import deque

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.attempt import Attempt
from batchtab.local_aws.batch.events import Events
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.launch import Launcher
from batchtab.local_aws.batch.placement import Placement
from batchtab.local_aws.batch.states import States
from batchtab.local_aws.batch.store import Record, Store
from batchtab.local_aws.batch.strategy import wants_retry
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")

# Processes at a time, whatever the compute environments allow: this is one machine.
MAXIMUM_PROCESSES = 50
_IDLE_SECONDS = 0.5
_TIDY_SECONDS = 1.0
_END_SECONDS = 5.0


class Engine:
    """Moves jobs through Batch's states and runs them.

    One thread admits and places; each attempt has a thread of its own, which ends with its process. All changes to jobs
    are made under the store's lock, and each change of status becomes an event.
    """

    def __init__(
        self, store: Store, clock: Clock, events: Events, launcher: Launcher, child_processes: ChildProcesses
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._launcher = launcher
        self._child_processes = child_processes
        self._placement = Placement(store)
        self._wake = threading.Event()
        self._states = States(clock, events, self._placement, self._wake.set)
        self._stopped = False
        self._inbox: deque[Job] = deque()
        self._attempts: dict[Attempt, threading.Thread] = {}
        self._placed_since_wake = True
        self._tidied = time.monotonic()
        self._thread = threading.Thread(target=self._loop, name="batch-engine", daemon=True)

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def shutdown(self) -> None:
        """End every job's process and start none any more."""
        with self._store.lock:
            self._stopped = True
        self._wake.set()
        self._end_all(grace=2.0)

    def reset(self) -> None:
        """End every job's process and forget all jobs."""
        with self._store.lock:
            self._inbox.clear()
            self._placement.clear()
            self._states.clear()
            for job in self._store.jobs.values():
                if not job.ended:
                    job.end_reason = "Local AWS was reset"
                    job.record["status"] = "FAILED"
        self._end_all(grace=0.0)

    # -------------------------------------------------------------------------------------------- asked for by the API

    def submitted(self, job: Job) -> None:
        """Take a job, with its array's children, that SubmitJob has made."""
        self._events.job_changed(job)
        for child in job.children:
            self._events.job_changed(child)
        self._inbox.append(job)
        self._wake.set()

    def cancel(self, job: Job, reason: str) -> None:
        """Serve CancelJob: STARTING and RUNNING jobs go on; one that waits for others ends when they have ended."""
        for one in job.children or [job]:
            if one.status in ("SUBMITTED", "PENDING", "RUNNABLE"):
                one.end_reason = one.end_reason or reason
                one.record["isCancelled"] = True
                if one.status == "RUNNABLE":
                    self._states.fail(one, reason)
        self._wake.set()

    def terminate(self, job: Job, reason: str) -> None:
        """Serve TerminateJob: whatever has not ended yet ends."""
        for one in job.children or [job]:
            if one.ended:
                continue
            one.end_reason = one.end_reason or reason
            one.record["isTerminated"] = True
            if one.attempt is not None:
                one.attempt.stop()
            else:
                self._states.fail(one, reason)
        self._wake.set()

    def changed(self) -> None:
        """Look again: a queue or an environment is not as it was."""
        self._wake.set()

    # ------------------------------------------------------------------------------------------- a source of the clock

    def next_moment(self) -> float | None:
        """Return the next timeout, end of a grace or limit of a state."""
        with self._store.lock:
            moments = [attempt.next_moment() for attempt in self._attempts]
            moments += [self._placement.limit_of(job) for job in self._placement.heads()]
        return min((moment for moment in moments if moment is not None), default=None)

    def run_due(self, now: float) -> None:
        """Enforce what is due."""
        with self._store.lock:
            for attempt in list(self._attempts):
                attempt.run_due(now)
            for job in self._placement.heads():
                limit = self._placement.limit_of(job)
                if limit is not None and now >= limit:
                    job.record["isCancelled"] = True
                    self._states.fail(job, f"Canceled by JobStateTimeLimitAction: {job.blocked_reason}")
                    self._wake.set()

    def unsettled(self) -> bool:
        """Whether a job is between states, or has just started."""
        with self._store.lock:
            if self._inbox or self._wake.is_set() or not self._placed_since_wake or self._events.pending:
                return True
            return any(attempt.young for attempt in self._attempts)

    def under_way(self) -> str | None:
        """Return a job that has not ended, in words; None if all have, and everybody knows."""
        with self._store.lock:
            for job in self._store.jobs.values():
                if not job.ended:
                    return f"job {job.record['jobName']} ({job.id}) is {job.status}"
            return "a job has just ended" if self._attempts or self._events.pending else None

    # ----------------------------------------------------------------------------------------------------- the thread

    def _loop(self) -> None:
        while not self._stopped:
            self._wake.wait(_IDLE_SECONDS)
            with self._store.lock:
                self._placed_since_wake = False
                self._wake.clear()
                try:
                    self._look()
                except Exception:  # a fault in one job must not stop all others
                    logger.exception("Batch's engine met a fault")
                self._placed_since_wake = True

    def _look(self) -> None:
        while self._inbox and not self._stopped:
            self._states.admit(self._inbox.popleft())
        self._place()
        self._forget_old()

    def _place(self) -> None:
        if self._stopped:
            return
        room = MAXIMUM_PROCESSES - len(self._attempts)
        for job, environment in self._placement.choose(room):
            self._begin(job, environment)
        for job in self._placement.newly_blocked():
            job.record["statusReason"] = job.blocked_reason
            self._events.queue_blocked(job)
            self._clock.wake()

    def _forget_old(self) -> None:
        if time.monotonic() - self._tidied > _TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._store.forget_jobs_ended_before(self._clock.now_ms() - 1000 * limits.ENDED_JOBS_KEPT_SECONDS)

    def _begin(self, job: Job, environment: Record) -> None:
        attempt = Attempt(
            job, len(job.record["attempts"]) + 1, environment, self._launcher, self._clock, self._child_processes
        )
        job.attempt = attempt
        self._states.move(job, "STARTING")
        thread = threading.Thread(target=self._run, args=(attempt,), name=f"job-{job.id}", daemon=True)
        self._attempts[attempt] = thread
        thread.start()

    def _run(self, attempt: Attempt) -> None:
        try:
            attempt.run(self._on_running)
        finally:
            with self._store.lock:
                self._attempts.pop(attempt, None)
                self._placement.release(attempt.job)
                if not attempt.job.ended:
                    self._finish(attempt)
            self._wake.set()

    def _on_running(self, attempt: Attempt) -> None:
        with self._store.lock:
            job = attempt.job
            if job.ended:
                attempt.kill()
                return
            job.record["startedAt"] = attempt.started_at_ms
            job.record["container"] |= {**attempt.arns, "logStreamName": attempt.log.name}
            job.record.pop("statusReason", None)
            if job.parent is not None:
                job.parent.record.setdefault("startedAt", attempt.started_at_ms)
            self._states.move(job, "RUNNING")
        self._clock.wake()

    def _finish(self, attempt: Attempt) -> None:
        job, now = attempt.job, self._clock.now_ms()
        job.attempt = None
        ended: Record = {"networkInterfaces": []}
        if attempt.started_at_ms is not None:
            ended |= {**attempt.arns, "logStreamName": attempt.log.name}
        if attempt.exit_code is not None:
            ended["exitCode"] = attempt.exit_code
        if attempt.reason:
            ended["reason"] = attempt.reason
        job.record["attempts"].append(
            {
                "container": ended,
                "startedAt": attempt.started_at_ms or now,
                "stoppedAt": now,
                "statusReason": attempt.status_reason,
            }
        )
        for member in ("exitCode", "reason"):
            job.record["container"].pop(member, None)
            if member in ended:
                job.record["container"][member] = ended[member]
        if job.end_reason is not None:
            self._states.fail(job, job.end_reason)
        elif attempt.exit_code == 0 and not attempt.timed_out:
            self._states.end(job, "SUCCEEDED", attempt.status_reason)
        elif self._tries_again(attempt):
            job.record["statusReason"] = attempt.status_reason
            self._states.make_runnable(job)
        else:
            self._states.fail(job, attempt.status_reason)

    @staticmethod
    def _tries_again(attempt: Attempt) -> bool:
        job = attempt.job
        if attempt.timed_out or attempt.number >= job.attempts_allowed:
            return False
        return wants_retry(
            job.record["retryStrategy"],
            exit_code=attempt.exit_code,
            reason=attempt.reason,
            status_reason=attempt.status_reason,
        )

    def _end_all(self, grace: float) -> None:
        with self._store.lock:
            running = dict(self._attempts)
        if grace:
            for attempt in running:
                attempt.stop()
            deadline = time.monotonic() + grace
            for thread in running.values():
                thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for attempt in running:
            attempt.kill()
        deadline = time.monotonic() + _END_SECONDS
        for thread in running.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
