from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.launch import Launcher
from batchtab.local_aws.batch.logs import LogGroupMissingError, LogStream
from batchtab.local_aws.batch.roles import RoleError, of_task
from batchtab.local_aws.batch.run import FollowError, Run, StartError
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")

# A process takes real time whatever the clock's speed. So that a fast clock ends no job that is merely starting, an
# attempt gets at least this much real time before its timeout, and between SIGTERM and SIGKILL.
REAL_SECONDS_BEFORE_TIMEOUT = 5.0
REAL_SECONDS_BEFORE_KILL = 1.0

ENDED_BY_ITSELF = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
NOT_FOLLOWED = "Local AWS could not follow the job to its end"
TIMED_OUT = "Job attempt duration exceeded timeout"


class Attempt:
    """One attempt of a job: its process or container from start to end, its output, its deadlines.

    `run` blocks until that has ended and is called in a thread of its own; everything else may be called from
    other threads.
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
        definition_name = name_of(job.record["jobDefinition"]).partition(":")[0]
        self.log = LogStream(job, definition_name, self.task_id, clock)
        self._launcher = launcher
        self._clock = clock
        self._child_processes = child_processes
        self._run: Run | None = None
        self._started = False
        self._ended = False
        self._started_real = 0.0
        self._stop_asked = False
        self._kill_asked = False
        self._stopped_real = 0.0
        self._timeout_at: float | None = None
        self._kill_at: float | None = None

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
        """Start it, call back once it runs, and return when it has ended; whatever fails, fails it in words."""
        try:
            with contextlib.ExitStack() as closing:
                closing.callback(self._launcher.credentials.close, self.task_id)
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
        roles = of_task(self.job, self.task_id, self.environment)
        roles.check_trust()
        with contextlib.ExitStack() as closing:
            try:
                run = self._launcher.prepare(
                    self.job, self.number, self.environment["computeEnvironmentName"], roles, self._child_processes
                )
                closing.callback(run.close)
                self._run = run  # from here on it can be killed, however long its start takes
                self.log.open(roles)
                self._refuse_if_killed()
                run.start()
                self._refuse_if_killed()
            except (StartError, LogGroupMissingError, RoleError, OSError, ValueError) as error:
                self.status_reason = NOT_STARTED
                self.reason = str(error) if isinstance(error, StartError) else f"CannotStartContainerError: {error}"
                return
            closing.callback(self._note_end)
            self._note_start()
            on_running(self)
            if self._stop_asked:
                self.stop()
            run.follow(self.log.write)
        self.exit_code, self.reason = run.exit_code, run.reason
        if self.timed_out:
            self.status_reason = TIMED_OUT

    def next_moment(self) -> float | None:
        """Return when this attempt has to be looked at: its timeout, or the end of its grace."""
        if not self._started or self._ended:
            return None
        moments = [moment for moment in (self._timeout_at, self._kill_at) if moment is not None]
        return min(moments, default=None)

    def run_due(self, now: float) -> None:
        """Send SIGTERM when the timeout is over, SIGKILL when the grace after it is."""
        real = time.monotonic()
        if self._timeout_at is not None and now >= self._timeout_at:
            if real - self._started_real >= REAL_SECONDS_BEFORE_TIMEOUT:
                self._timeout_at = None
                self.timed_out = True
                self.stop()
        elif (
            self._kill_at is not None and now >= self._kill_at and real - self._stopped_real >= REAL_SECONDS_BEFORE_KILL
        ):
            self._kill_at = None
            self.kill()

    @property
    def young(self) -> bool:
        """Whether it has had so little real time that a walk through time waits for it."""
        real = time.monotonic()
        if self._stopped_real:
            return real - self._stopped_real < REAL_SECONDS_BEFORE_KILL
        return not self._started or real - self._started_real < REAL_SECONDS_BEFORE_TIMEOUT

    def stop(self) -> None:
        """End it as ECS stops a task: SIGTERM now, SIGKILL after 30 seconds of the clock."""
        self._stop_asked = True
        if self._run is not None and self._started and self._kill_at is None:
            self._stopped_real = time.monotonic()
            self._timeout_at = None
            self._kill_at = self._clock.now() + limits.STOP_GRACE_SECONDS
            self._run.stop()
            self._clock.wake()

    def kill(self) -> None:
        """End it at once, or as soon as it has started."""
        self._kill_asked = True  # before _run is looked at: _run_through does it the other way round
        if self._run is not None:
            self._run.kill()

    def _note_end(self) -> None:
        self._ended = True

    def _refuse_if_killed(self) -> None:
        if self._kill_asked:
            raise StartError("CannotStartContainerError: the job was ended while it was being started")

    def _note_start(self) -> None:
        self._started_real = time.monotonic()
        self.started_at_ms = self._clock.now_ms()
        seconds = (self.job.record.get("timeout") or {}).get("attemptDurationSeconds")
        if seconds:
            self._timeout_at = self.started_at_ms / 1000 + seconds
        self._started = True
