from __future__ import annotations

import logging
import threading
import time
from collections import deque

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.events import Events
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.launch import Launcher
from batchtab.local_aws.batch.placement import Placement
from batchtab.local_aws.batch.runs import Runs
from batchtab.local_aws.batch.states import States
from batchtab.local_aws.batch.store import Store
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")

_IDLE_SECONDS = 0.5
_TIDY_SECONDS = 1.0


class Engine:
    """Moves jobs through Batch's states and runs them.

    One thread admits and places; each attempt has a thread of its own (`runs.py`). All changes to jobs
    are made under the store's lock, and each change of status becomes an event.
    """

    def __init__(
        self, store: Store, clock: Clock, events: Events, launcher: Launcher, child_processes: ChildProcesses
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._placement = Placement(store)
        self._wake = threading.Event()
        self._states = States(clock, events, self._placement, self._wake.set)
        self._runs = Runs(store, clock, self._states, self._placement, launcher, child_processes, self._wake.set)
        self._stopped = False
        self._inbox: deque[Job] = deque()
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
        self._runs.end_all(grace=2.0)

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
        self._runs.end_all(grace=0.0)

    # -------------------------------------------------------------------------------------------- asked for by the API

    def submitted(self, job: Job) -> None:
        """Take a job, with its array's children or its nodes, that SubmitJob has made."""
        self._events.job_changed(job)
        for child in (*job.children, *job.nodes):
            self._events.job_changed(child)
        self._inbox.append(job)
        self._wake.set()

    def cancel(self, job: Job, reason: str) -> None:
        """Serve CancelJob: STARTING and RUNNING jobs go on; one that waits for others ends when they have ended."""
        for one in job.children or [job.node_of or job]:
            if one.status in ("SUBMITTED", "PENDING", "RUNNABLE"):
                one.end_reason = one.end_reason or reason
                one.record["isCancelled"] = True
                if one.status == "RUNNABLE":
                    self._states.fail(one, reason)
        self._wake.set()

    def terminate(self, job: Job, reason: str) -> None:
        """Serve TerminateJob: whatever has not ended yet ends; of a node, the whole job."""
        for one in job.children or [job.node_of or job]:
            if one.ended:
                continue
            one.end_reason = one.end_reason or reason
            one.record["isTerminated"] = True
            if one.attempt is not None:
                one.attempt.stop()
            else:
                self._states.fail(one, reason)
        self._wake.set()

    def front(self, queue_arn: str) -> list[Job]:
        """Return a queue's RUNNABLE jobs in the order in which they would be placed now."""
        return self._placement.front(queue_arn)

    def changed(self) -> None:
        """Look again: a queue or an environment is not as it was."""
        self._wake.set()

    # ------------------------------------------------------------------------------------------- a source of the clock

    def next_moment(self) -> float | None:
        """Return the next timeout, end of a grace or limit of a state."""
        with self._store.lock:
            moments = [attempt.next_moment() for attempt in self._runs.attempts]
            moments += [self._placement.limit_of(job) for job in self._placement.heads()]
        return min((moment for moment in moments if moment is not None), default=None)

    def run_due(self, now: float) -> None:
        """Enforce what is due."""
        with self._store.lock:
            for attempt in self._runs.attempts:
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
            return any(attempt.young for attempt in self._runs.attempts)

    def under_way(self) -> str | None:
        """Return a text about a job that has not ended; None if all have, and all events are delivered."""
        with self._store.lock:
            for job in self._store.jobs.values():
                if not job.ended:
                    return f"job {job.record['jobName']} ({job.id}) is {job.status}"
            return "a job has just ended" if self._runs.attempts or self._events.pending else None

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
        room = limits.MAXIMUM_PROCESSES - len(self._runs.attempts)
        for job, environment in self._placement.choose(room):
            self._runs.begin(job, environment)
        for job in self._placement.newly_blocked():
            job.record["statusReason"] = job.blocked_reason
            self._events.queue_blocked(job)
            self._clock.wake()

    def _forget_old(self) -> None:
        if time.monotonic() - self._tidied > _TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._store.forget_jobs_ended_before(self._clock.now_ms() - 1000 * limits.ENDED_JOBS_KEPT_SECONDS)
