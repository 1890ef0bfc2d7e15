from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

logger = logging.getLogger("batchtab.local_aws.clock")

MAXIMUM_SPEED = 10_000.0
# How long the clockwork sleeps at most (real seconds): bounds how late a source that appeared meanwhile is seen.
_LONGEST_SLEEP = 0.25
_SHORTEST_SLEEP = 0.01
# How long a walk waits (real seconds) at one moment, and at its end: at a high speed there is always something new.
_LONGEST_WAIT = 60.0
_LONGEST_LAST_WAIT = 10.0


class Source(Protocol):
    """Something that has to act at moments of the clock."""

    def next_moment(self) -> float | None:
        """Return the next moment (epoch seconds) at which there is something to do; None if there is none."""

    def run_due(self, now: float) -> None:
        """Do everything that is due at or before `now`, in order of time."""

    def unsettled(self) -> bool:
        """Whether work started earlier is still under way, so that a walk through time has to wait for it."""


class Clock:
    """The one clock of local AWS: schedules, timeouts and timestamps are read from it.

    It starts at a given time and runs at a given speed; real time at speed 1 is the default. Jobs are real processes,
    so they take real time whatever the speed. `advance` walks: it stops at every moment at which something is due, lets
    what started there settle, and goes on, so that nothing is lost, doubled or bunched. `set_time` jumps: what is due
    between is not run, as if local AWS had been switched off.
    """

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._walking = threading.Lock()
        self._sources: list[Source] = []
        self._jump_listeners: list[Callable[[], None]] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = threading.Lock()
        self._base_real = time.monotonic()
        self._base_time = time.time() if start is None else start
        self._speed = speed

    def now(self) -> float:
        """Return the clock's time in epoch seconds."""
        with self._lock:
            return self._base_time + (time.monotonic() - self._base_real) * self._speed

    def now_ms(self) -> int:
        """Return the clock's time in epoch milliseconds, as Batch gives times."""
        return int(self.now() * 1000)

    @property
    def speed(self) -> float:
        """Seconds of the clock per real second."""
        return self._speed

    def add_source(self, source: Source) -> None:
        """Have a source called at its moments."""
        self._sources.append(source)

    def on_jump(self, listener: Callable[[], None]) -> None:
        """Have a listener called after `set_time`."""
        self._jump_listeners.append(listener)

    def set_speed(self, speed: float) -> None:
        """Change the speed; 0 freezes the clock, so that only `advance` moves it."""
        with self._lock:
            self._rebase(self.now())
            self._speed = speed
        self.wake()

    def set_time(self, moment: float) -> None:
        """Jump to a moment, forward or back: run what is due before the jump, but not what is due between."""
        with self._running:
            self._run_sources()  # the clockwork may not have come to it yet
            self._rebase(moment)
            for listener in self._jump_listeners:
                listener()
        self.wake()

    def advance(self, moment: float) -> None:
        """Walk to a moment; returns when it is reached and what was due has been started and settled, or on `stop`."""
        with self._walking:
            while not self._stopped.is_set():
                self._settle(moment)
                following = self._next_moment()
                if following is None or following > moment:
                    break
                with self._running:
                    self._forward_to(following)
                self._run_due()
            if self._stopped.is_set():
                return
            with self._running:
                self._forward_to(moment)
            self._run_due()
            self._settle(None)

    @contextlib.contextmanager
    def paused(self) -> Iterator[bool]:
        """Have nothing fire meanwhile; yields False where something is firing right now."""
        paused = self._running.acquire(blocking=False)
        try:
            yield paused
        finally:
            if paused:
                self._running.release()

    def wake(self) -> None:
        """Make the clockwork look at its sources now, because one of them has something new."""
        self._wake.set()

    def start(self) -> None:
        """Start the clockwork's thread."""
        self._thread = threading.Thread(target=self._loop, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the clockwork; nothing fires any more."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            try:
                following = self._next_moment()
            except Exception:  # as in one that is due
                logger.exception("The clock could not find out what is due next")
                following = None
            self._wake.wait(self._sleep_until(following))
            self._wake.clear()
            if not self._stopped.is_set():
                self._run_due()

    def _sleep_until(self, moment: float | None) -> float:
        if moment is None or self._speed <= 0:
            return _LONGEST_SLEEP
        return min(max((moment - self.now()) / self._speed, _SHORTEST_SLEEP), _LONGEST_SLEEP)

    def _next_moment(self) -> float | None:
        moments = [moment for source in self._sources if (moment := source.next_moment()) is not None]
        return min(moments, default=None)

    def _run_due(self) -> None:
        with self._running:
            self._run_sources()

    def _run_sources(self) -> None:
        now = self.now()
        for source in self._sources:
            try:
                source.run_due(now)
            except Exception:  # a fault in one source must not stop the clock
                logger.exception("What was due at %s met a fault", iso(now))

    def _settle(self, moment: float | None) -> None:
        """Wait for what was started, unless the clock gets to the end of the walk by itself meanwhile."""
        deadline = time.monotonic() + (_LONGEST_WAIT if moment is not None else _LONGEST_LAST_WAIT)
        while not self._stopped.is_set() and any(source.unsettled() for source in self._sources):
            if time.monotonic() > deadline or (moment is not None and self.now() >= moment):
                return
            time.sleep(_SHORTEST_SLEEP)
            self._run_due()

    def _rebase(self, moment: float) -> None:
        with self._lock:
            self._base_time, self._base_real = moment, time.monotonic()

    def _forward_to(self, moment: float) -> None:
        with self._lock:
            if moment > self.now():
                self._rebase(moment)


def parse_time(text: str) -> float:
    """Read a moment: ISO 8601 (without an offset it is UTC) or epoch seconds.

    Raises:
        ValueError: It is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _in_range(float(text))
    return _in_range((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _in_range(moment: float) -> float:
    if not 0 <= moment < 7_258_118_400:  # from 1970 up to 2200: what AWS's cron can say
        raise ValueError(f"{moment} is outside the years 1970 to 2199")
    return moment


def iso(moment: float) -> str:
    """Format epoch seconds as AWS does in events: UTC, whole seconds."""
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
