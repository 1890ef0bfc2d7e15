from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from batchtab.local_aws.batch.member import REAL_SECONDS_BEFORE_KILL, Member
from batchtab.local_aws.batch.roles import TaskRoles
from batchtab.local_aws.batch.run import StartError
from batchtab.local_aws.clock import Clock

_LOOK_SECONDS = 0.1
_ENDED_BEFORE_START = "CannotStartContainerError: the job was ended while it was being started"


class TaskRun:
    """The containers of a task from the first start to the last end, as ECS runs them.

    Each starts once those that it waits for are where it wants them. When an essential one ends, all others are asked
    to end, those first for which no other waits, and are killed after their `stopTimeout`.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html

    Attributes:
        members: The containers.
        running: Whether all essential ones have started.
    """

    def __init__(self, members: list[Member], roles: TaskRoles, clock: Clock) -> None:
        self.members = members
        self.running = False
        self._roles = roles
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._ended: list[Member] = []  # in the order in which they have
        self._stopping = False
        self._killed = False

    def run(self, on_running: Callable[[], None]) -> None:
        """Start the containers, call back once all essential ones have started, and return when all have ended.

        Raises:
            FollowError: Whether and how one has ended can't be known.
        """
        with contextlib.ExitStack() as closing:
            for member in self.members:
                closing.callback(member.close)
            self._run_all(on_running)
        for member in self.members:
            if member.fault is not None:
                raise member.fault

    def _run_all(self, on_running: Callable[[], None]) -> None:
        while True:
            started = self._start_ready()
            if not self.running and all(each.started for each in self._essential()):
                self.running = True
                on_running()
            for member in started:
                threading.Thread(target=self._follow, args=(member,), daemon=True).start()
            with self._changed:
                if all(member.ended for member in self.members):
                    return
                if not self._ready():  # only a startTimeout comes without a word
                    waits = any(not member.started and not member.ended for member in self.members)
                    self._changed.wait(_LOOK_SECONDS if waits else None)

    def _start_ready(self) -> list[Member]:
        started = []
        for member in self._ready():
            try:
                self._refuse_if_killed()
                member.start(self._roles)
                self._refuse_if_killed()
            except StartError as error:
                member.started = False
                self._never(member, str(error))
                continue
            seconds = member.container.start_seconds
            member.waited_until = None if seconds is None else self._clock.now() + seconds
            started.append(member)
            with self._changed:
                if self._stopping:  # it was asked to end while it started
                    self._stop_next()
        return started

    def _refuse_if_killed(self) -> None:
        if self._killed:
            raise StartError(_ENDED_BEFORE_START)

    def _ready(self) -> list[Member]:
        """Return those that can start; those that never can are noted as ended."""
        with self._changed:
            ready = []
            for member in self.members:
                if member.started or member.ended:
                    continue
                if self._stopping:
                    self._never(member, _ENDED_BEFORE_START if self._killed else "")
                elif (why := self._hindrance(member)) is not None:
                    self._never(member, why)
                elif all(self._is_met(*wanted) for wanted in member.container.waits_for):
                    ready.append(member)
            return ready

    def _is_met(self, name: str, condition: str) -> bool:
        other = self._member(name)
        if condition == "START":
            return other.started
        return other.started and other.ended

    def _hindrance(self, member: Member) -> str | None:
        """Why a container never starts: what it waits for has failed, never starts, or takes too long."""
        for name, condition in member.container.waits_for:
            other = self._member(name)
            if other.ended and not other.started:
                return f"dependency graph: container {name} did not start"
            if condition == "SUCCESS" and other.ended and other.exit_code != 0:
                return f"dependency graph: container {name} exited with {other.exit_code}, and SUCCESS was wanted"
            late = other.waited_until is not None and self._clock.now() >= other.waited_until
            if condition != "START" and not other.ended and late:
                return f"dependency graph: container {name} took longer than its startTimeout"
        return None

    def _never(self, member: Member, reason: str) -> None:
        with self._changed:
            member.ended, member.reason = True, reason
            self._ended.append(member)
            if member.container.essential and not self._stopping:
                self.stop()
            self._changed.notify_all()

    def _follow(self, member: Member) -> None:
        member.follow()
        with self._changed:
            member.ended = True
            self._ended.append(member)
            if member.container.essential:
                self.stop()
            elif self._stopping:
                self._stop_next()
            self._changed.notify_all()

    def stop(self) -> None:
        """End it as ECS stops a task: SIGTERM now, SIGKILL to whoever still runs after its `stopTimeout`."""
        with self._changed:
            self._stopping = True
            self._stop_next()
            self._changed.notify_all()
        self._clock.wake()

    def _stop_next(self) -> None:
        """Ask those to end for which no running one waits."""
        needed = {name for each in self.members if each.runs for name, _ in each.container.waits_for}
        for member in self.members:
            if member.runs and not member.stopped and member.container.name not in needed:
                member.stop(self._clock.now())

    def kill(self) -> None:
        """End all at once, or as soon as they have started."""
        self._killed = True  # before the runs are looked at: _start_ready does it the other way round
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for member in self.members:
            if member.begun and not member.ended:
                member.run.kill()

    def next_moment(self) -> float | None:
        """Return when somebody's grace ends, or a wait for somebody."""
        moments = [each.kill_at for each in self.members if each.runs]
        moments += [each.waited_until for each in self.members if each.runs and not self._stopping]
        return min((moment for moment in moments if moment is not None), default=None)

    def run_due(self, now: float) -> None:
        """Send SIGKILL to those whose grace is over."""
        for member in self.members:
            if member.is_due(now):
                member.kill_at = None
                member.run.kill()
            if member.waited_until is not None and now >= member.waited_until and not self._waiting_for(member):
                member.waited_until = None

    def _waiting_for(self, member: Member) -> bool:
        name = member.container.name
        return any(
            not each.started and not each.ended and name in dict(each.container.waits_for) for each in self.members
        )

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end, or an essential container has ended."""
        return self._stopping

    @property
    def just_stopped(self) -> bool:
        """Whether somebody that was asked to end has had little real time for it."""
        real = time.monotonic()
        return any(each.runs and real - each.stopped_real < REAL_SECONDS_BEFORE_KILL for each in self.members)

    def outcome(self) -> Member:
        """Return the container that decides how the task has ended: the essential one that failed first, or ended."""
        essential = [each for each in self._ended if each.container.essential]
        return next((each for each in essential if each.exit_code != 0), essential[0])

    def _essential(self) -> list[Member]:
        return [each for each in self.members if each.container.essential]

    def _member(self, name: str) -> Member:
        return next(each for each in self.members if each.container.name == name)
