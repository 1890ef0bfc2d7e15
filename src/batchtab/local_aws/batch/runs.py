from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable

from batchtab.local_aws.batch import details
from batchtab.local_aws.batch.attempt import Attempt
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.launch import Launcher
from batchtab.local_aws.batch.placement import Placement
from batchtab.local_aws.batch.states import States
from batchtab.local_aws.batch.store import Record, Store
from batchtab.local_aws.batch.strategy import wants_retry
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock

MAIN_ENDED = "The main node of the job has ended"
_END_SECONDS = 5.0


class Runs:
    """The attempts that are under way, each in a thread of its own, and the end of a job when its attempt has ended.

    A multi-node job is as its main node is: that starts first, the others when it runs; when it ends they are stopped,
    and the job ends, or is tried again, once all have. The end of another node changes nothing.
    https://docs.aws.amazon.com/batch/latest/userguide/job-lifecycle.html
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        states: States,
        placement: Placement,
        launcher: Launcher,
        child_processes: ChildProcesses,
        look: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._states = states
        self._placement = placement
        self._launcher = launcher
        self._child_processes = child_processes
        self._look = look
        self._threads: dict[Attempt, threading.Thread] = {}
        self._of_main: dict[Job, Attempt] = {}  # of multi-node jobs whose main node has ended and others have not

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts that are under way; to be called under the store's lock, as all below."""
        return list(self._threads)

    def begin(self, job: Job, environment: Record) -> None:
        """Start a job that has got a place."""
        if not job.nodes:
            self._start(job, environment)
            return
        self._states.move(job, "STARTING")
        self._start(_main_of(job), environment)
        job.attempt = _main_of(job).attempt  # whoever stops that stops all

    def _start(self, job: Job, environment: Record) -> None:
        number = len((job.node_of or job).record["attempts"]) + 1
        attempt = Attempt(job, number, environment, self._launcher, self._clock, self._child_processes)
        job.attempt = attempt
        self._states.move(job, "STARTING")
        thread = threading.Thread(target=self._run, args=(attempt,), name=f"job-{job.id}", daemon=True)
        self._threads[attempt] = thread
        thread.start()

    def _run(self, attempt: Attempt) -> None:
        try:
            attempt.run(self._on_running)
        finally:
            with self._store.lock:
                self._threads.pop(attempt, None)
                self._placement.release(attempt.job)
                if not attempt.job.ended:
                    self._finish(attempt)
            self._look()

    def _on_running(self, attempt: Attempt) -> None:
        with self._store.lock:
            job = attempt.job
            if job.ended or (job.node_of is not None and job.node_of.ended):
                attempt.kill()
                return
            job.record["startedAt"] = attempt.started_at_ms
            details.note_start(job.record, attempt)
            job.record.pop("statusReason", None)
            if job.parent is not None:
                job.parent.record.setdefault("startedAt", attempt.started_at_ms)
            self._states.move(job, "RUNNING")
            if job.node_of is not None and job is _main_of(job.node_of):
                job.node_of.record["startedAt"] = attempt.started_at_ms
                job.node_of.record.pop("statusReason", None)
                self._states.move(job.node_of, "RUNNING")
                for other in job.node_of.nodes:
                    if other is not job:
                        self._start(other, attempt.environment)
        self._clock.wake()

    def _finish(self, attempt: Attempt) -> None:
        job = attempt.job
        job.attempt = None
        details.note_end(job.record, attempt, self._clock.now_ms())
        if job.node_of is None:
            self._conclude(job, attempt)
            return
        if job is _main_of(job.node_of):
            self._of_main[job.node_of] = attempt
            for other in job.node_of.nodes:
                if other.attempt is not None:
                    other.attempt.stop()
        elif job.node_of in self._of_main:
            self._end_as(job, attempt, MAIN_ENDED)
        else:
            self._end_as(job, attempt, attempt.status_reason)
        if job.node_of in self._of_main and all(node.attempt is None for node in job.node_of.nodes):
            self._conclude_nodes(job.node_of, self._of_main.pop(job.node_of))

    def _conclude_nodes(self, job: Job, attempt: Attempt) -> None:
        """Let a multi-node job end, or be tried again, as its main node's attempt says."""
        job.attempt = None
        self._placement.release(job)
        job.record["attempts"].append(copy.deepcopy(attempt.job.record["attempts"][-1]))
        if job.end_reason is not None or not self._tries_again(attempt):
            self._end_as(attempt.job, attempt, job.end_reason or attempt.status_reason)
        self._conclude(job, attempt)

    def _conclude(self, job: Job, attempt: Attempt) -> None:
        if job.end_reason is not None:
            self._states.fail(job, job.end_reason)
        elif self._tries_again(attempt):
            job.record["statusReason"] = attempt.status_reason
            self._states.make_runnable(job)
        else:
            self._end_as(job, attempt, attempt.status_reason)

    def _end_as(self, job: Job, attempt: Attempt, reason: str) -> None:
        self._states.end(job, "SUCCEEDED" if _has_succeeded(attempt) else "FAILED", reason)

    @staticmethod
    def _tries_again(attempt: Attempt) -> bool:
        job = attempt.job
        if _has_succeeded(attempt) or attempt.timed_out or attempt.number >= job.attempts_allowed:
            return False
        return wants_retry(
            job.record["retryStrategy"],
            exit_code=attempt.exit_code,
            reason=attempt.reason,
            status_reason=attempt.status_reason,
        )

    def end_all(self, grace: float) -> None:
        """End every process and container.

        Args:
            grace: Real seconds between SIGTERM and SIGKILL.
        """
        with self._store.lock:
            running = dict(self._threads)
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


def _main_of(job: Job) -> Job:
    return job.nodes[int(job.record["nodeProperties"]["mainNode"])]


def _has_succeeded(attempt: Attempt) -> bool:
    return attempt.exit_code == 0 and not attempt.timed_out
