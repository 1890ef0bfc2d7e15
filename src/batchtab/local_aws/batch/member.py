from __future__ import annotations

import time
from dataclasses import dataclass, field

from batchtab.local_aws.batch.logs import LogGroupMissingError, LogStream
from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.run import Run, StartError
from batchtab.local_aws.batch.task import Container

# A process takes real time whatever the clock's speed: it has this much between SIGTERM and SIGKILL at least.
REAL_SECONDS_BEFORE_KILL = 1.0


@dataclass(eq=False)
class Member:
    """A container of a task that runs: what it runs as, where it writes, how it has ended.

    Attributes:
        container: As the definition has it.
        run: Its process or container.
        log: Where it writes.
        note: What its log begins with, of what it asks for and can't have here; mostly nothing.
        begun: Whether it has started, or is about to.
        started: Whether it has started.
        ended: Whether it has ended, or never will start.
        exit_code: Of one that has started and ended.
        reason: What AWS says of its end beside the code.
        waited_until: When those that wait for it give up; None: never.
        kill_at: When it gets SIGKILL; None while nobody has asked it to end.
        fault: What kept local AWS from following it to its end.
    """

    container: Container
    run: Run
    log: LogStream
    note: str = ""
    begun: bool = False
    started: bool = False
    ended: bool = False
    exit_code: int | None = None
    reason: str = ""
    waited_until: float | None = None
    kill_at: float | None = None
    stopped_real: float = 0.0
    fault: Exception | None = None
    _closed: bool = field(default=False, repr=False)

    def start(self, roles: TaskRoles) -> None:
        """Open its log and start it.

        Raises:
            StartError: It can't start.
        """
        self.begun = True
        try:
            self.log.open(roles)
            if self.note:
                self.log.write([self.note])
            self.run.start()
        except (LogGroupMissingError, RoleError, OSError, ValueError) as error:
            raise StartError(f"CannotStartContainerError: {error}") from error
        self.started = True

    def follow(self) -> None:
        """Keep what it writes until it has ended; whatever fails is kept as its fault."""
        try:
            self.run.follow(self.log.write)
            self.log.close()
            self.close()
            self.exit_code, self.reason = self.run.exit_code, self.run.reason
        except Exception as error:
            self.fault = error

    def close(self) -> None:
        """Leave nothing of it behind; done once."""
        if not self._closed:
            self._closed = True
            self.run.close()

    def stop(self, now: float) -> None:
        """Ask it to end, and note when it is killed."""
        self.stopped_real = time.monotonic()
        self.kill_at = now + self.container.stop_seconds
        self.run.stop()

    @property
    def runs(self) -> bool:
        """Whether it has started and not ended."""
        return self.started and not self.ended

    @property
    def stopped(self) -> bool:
        """Whether it has been asked to end."""
        return bool(self.stopped_real)

    def is_due(self, now: float) -> bool:
        """Whether it gets SIGKILL now."""
        real = time.monotonic() - self.stopped_real
        return self.runs and self.kill_at is not None and now >= self.kill_at and real >= REAL_SECONDS_BEFORE_KILL
