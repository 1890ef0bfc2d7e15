from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from batchtab.local_aws.batch import task as tasks
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.launch import Launcher
from batchtab.local_aws.batch.member import Member
from batchtab.local_aws.batch.roles import RoleError, of_task
from batchtab.local_aws.batch.run import FollowError, StartError
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.batch.task_run import TaskRun
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")

# A process takes real time whatever the clock's speed. So that a fast clock ends no job that is merely starting, an
# attempt gets at least this much real time before its timeout.
REAL_SECONDS_BEFORE_TIMEOUT = 5.0

ENDED_BY_ITSELF = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
NOT_FOLLOWED = "Local AWS could not follow the job to its end"
TIMED_OUT = "Job attempt duration exceeded timeout"


class Attempt:
    """One attempt of a job: its task from start to end, its output, its timeout.

    `run` blocks until that has ended and is called in a thread of its own; everything else may be called from
    other threads.

    Attributes:
        task: What it runs.
        members: The task's containers, once they are prepared; before that, and if they can't be, there are none.
        exit_code: Of the container that decides; None without one.
        reason: What AWS says of that container beside the code.
        status_reason: How the task has ended.
    """

    def __init__(
        self,
        job: Job,
        number: int,
        environment: dict[str, Any],
        launcher: Launcher,
        clock: Clock,
        child_processes: ChildProcesses,
    ) -> None:
        self.job = job
        self.number = number
        self.environment = environment
        self.timed_out = False
        self.exit_code: int | None = None
        self.reason = ""
        self.status_reason = ENDED_BY_ITSELF
        self.started_at_ms: int | None = None
        self.task_id = uuid.uuid4().hex
        self.task = tasks.of_record(job.record)
        self.members: list[Member] = []
        self._launcher = launcher
        self._clock = clock
        self._child_processes = child_processes
        self._run: TaskRun | None = None
        self._ended = False
        self._started_real = 0.0
        self._stop_asked = False
        self._kill_asked = False
        self._timeout_at: float | None = None

    @property
    def arns(self) -> dict[str, str]:
        """The task, and the instance that an attempt on EC2 would run on."""
        cluster = name_of(self.environment["ecsClusterArn"])
        base = f"arn:aws:ecs:{self.job.region}:{self.job.account_id}"
        found = {"taskArn": f"{base}:task/{cluster}/{self.task_id}"}
        if "FARGATE" not in self.job.record["platformCapabilities"]:
            instance = uuid.uuid5(uuid.NAMESPACE_URL, self.environment["computeEnvironmentArn"]).hex
            found["containerInstanceArn"] = f"{base}:container-instance/{cluster}/{instance}"
        return found

    def run(self, on_running: Callable[[Attempt], None]) -> None:
        """Start it, call back once it runs, and return when it has ended; each failure has a reason."""
        try:
            with contextlib.ExitStack() as closing:
                closing.callback(self._launcher.close, self.task_id)
                self._run_through(on_running)
        except RoleError as error:  # ECS starts no task then
            self.status_reason = str(error)
        except FollowError as error:
            self.status_reason, self.reason = NOT_FOLLOWED, str(error)
        except Exception as error:  # a fault of local AWS, or of this machine
            logger.exception("job %s can't go on", self.job.id)
            self.status_reason = NOT_STARTED if self.started_at_ms is None else NOT_FOLLOWED
            self.reason = f"{type(error).__name__}: {error}"

    def _run_through(self, on_running: Callable[[Attempt], None]) -> None:
        roles = of_task(self.job, self.task, self.task_id, self.environment)
        roles.check_trust()
        try:
            self.members = self._launcher.prepare(
                self.task, self.number, self.environment["computeEnvironmentName"], roles, self._child_processes
            )
        except (StartError, OSError, ValueError) as error:
            self.status_reason = NOT_STARTED
            self.reason = str(error) if isinstance(error, StartError) else f"CannotStartContainerError: {error}"
            return
        run = self._run = TaskRun(self.members, roles, self._clock)  # from here on it can be killed
        if self._kill_asked:
            run.kill()
        elif self._stop_asked:
            run.stop()

        def running() -> None:
            self._note_start()
            on_running(self)

        try:
            run.run(running)
        finally:
            self._ended = True
        decides = run.outcome()
        self.exit_code, self.reason = decides.exit_code, decides.reason
        if not run.running:
            self.status_reason = NOT_STARTED
        if self.timed_out:
            self.status_reason = TIMED_OUT

    def next_moment(self) -> float | None:
        """Return when this attempt has to be looked at: its timeout, or the end of a container's grace."""
        if self._run is None or self._ended:
            return None
        moments = [moment for moment in (self._timeout_at, self._run.next_moment()) if moment is not None]
        return min(moments, default=None)

    def run_due(self, now: float) -> None:
        """Stop it when the timeout is over, and kill what does not mind."""
        if self._run is None or self._ended:
            return
        young = time.monotonic() - self._started_real < REAL_SECONDS_BEFORE_TIMEOUT
        if self._timeout_at is not None and now >= self._timeout_at and not young:
            self.timed_out = True
            self.stop()
        self._run.run_due(now)

    @property
    def young(self) -> bool:
        """Whether it has had so little real time that a walk through time waits for it."""
        if self._run is not None and self._run.stopping:
            return self._run.just_stopped
        return not self._started_real or time.monotonic() - self._started_real < REAL_SECONDS_BEFORE_TIMEOUT

    def stop(self) -> None:
        """End it as ECS stops a task, which waits for each container as long as that one's `stopTimeout` says."""
        self._stop_asked = True  # before _run is looked at: _run_through does it the other way round
        self._timeout_at = None
        if self._run is not None:
            self._run.stop()

    def kill(self) -> None:
        """End it at once, or as soon as it has started."""
        self._kill_asked = True
        if self._run is not None:
            self._run.kill()

    def _note_start(self) -> None:
        self._started_real = time.monotonic()
        self.started_at_ms = self._clock.now_ms()
        details = self.job.record.get("nodeDetails") or {}
        # A multi-node job's timeout is the main node's: when that ends all do.
        if self._stop_asked or details.get("isMainNode") is False:
            return
        seconds = (self.job.record.get("timeout") or {}).get("attemptDurationSeconds")
        if seconds:
            self._timeout_at = self.started_at_ms / 1000 + seconds
