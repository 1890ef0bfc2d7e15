"""When more is asked for than the environment has: which runs wait, and for how long."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from batchtab.calendar.load import Load, Reservation
from batchtab.calendar.timeline import Calendar

_NEAR = 15 * 60  # seconds: with a shorter pause it is one


@dataclass(frozen=True, slots=True)
class Wait:
    """A run that could not start on time, and when it did, all of an array; None: not within the week."""

    reservation: Reservation
    began: int | None


@dataclass
class Contention:
    """A stretch in which runs wait, and what follows from it. Times are seconds after the week's start.

    Attributes:
        start: From when.
        end: Until when.
        peak: When most vCPUs are asked for at once, if all start on time.
        wanted: How many.
        meeting: Places in the calendar of the jobs that ask for them, each with its number of runs.
        waits: The runs that wait.
    """

    start: int
    end: int = 0
    peak: int = 0
    wanted: float = 0.0
    meeting: Counter[int] = field(default_factory=Counter)
    waits: list[Wait] = field(default_factory=list)

    def join(self, later: Contention) -> None:
        """Take in one that follows."""
        self.end = later.end
        self.waits += later.waits
        if later.wanted > self.wanted:
            self.peak, self.wanted = later.peak, later.wanted

    @cached_property
    def longest(self) -> int:
        """How many seconds the last one waits."""
        return max((self.end if wait.began is None else wait.began) - wait.reservation.start for wait in self.waits)

    @cached_property
    def waiting(self) -> Counter[int]:
        """Places in the calendar of the jobs that wait, each with its number of runs."""
        return Counter(wait.reservation.timeline for wait in self.waits)


def contentions(calendar: Calendar, reserved: Sequence[Reservation], load: Load) -> list[Contention]:
    """The stretches of a week in which runs wait, in order; with a short pause between them they are one.

    In each queue runs start in order of their times, and none overtakes; a queue of higher priority is asked first, and
    what it leaves free the next may take. Of an array as many children start as fit. So does Batch, roughly.

    Args:
        calendar: The week.
        reserved: What its runs reserve, in order of their starts.
        load: The sum of it.
    """
    most = calendar.catalog.stage.max_vcpus
    if load.peak[1] <= most:
        return []
    starts = [reservation.start for reservation in reserved]
    longest = max(reservation.seconds for reservation in reserved)
    found: list[Contention] = []
    for each in _Scheduler(calendar).run(reserved):
        if each.end <= 0:
            continue
        each.start = max(each.start, 0)  # of one that began before the week
        each.peak, each.wanted = load.peak_between(each.start, each.end)
        # One that has room follows from what was late before.
        if found and (each.wanted <= most or each.start - found[-1].end <= _NEAR):
            found[-1].join(each)
        else:
            found.append(each)
    for each in found:
        near = reserved[bisect_left(starts, each.peak - longest) : bisect_right(starts, each.peak)]
        each.meeting = Counter(reservation.timeline for reservation in near if reservation.end > each.peak)
    return found


@dataclass(slots=True)
class _Waiting:
    reservation: Reservation
    vcpus: float  # of the children that have not started


class _Scheduler:
    def __init__(self, calendar: Calendar) -> None:
        queues = calendar.catalog.stage.environment.queues
        self._timelines = calendar.timelines
        self._seconds = calendar.week.seconds
        self._free = float(calendar.catalog.stage.max_vcpus)
        ordered = sorted(queues, key=lambda queue: (-queues[queue].priority, queue))
        self._queues: dict[str, deque[_Waiting]] = {queue: deque() for queue in ordered}
        self._running: list[tuple[int, float]] = []  # a heap: when vCPUs become free, and how many
        self._current: Contention | None = None

    def run(self, reserved: Sequence[Reservation]) -> Iterator[Contention]:
        number = 0
        while number < len(reserved) or self._is_waiting:
            now = self._next(reserved, number)
            if now >= self._seconds:
                break
            while self._running and self._running[0][0] <= now:
                self._free += heapq.heappop(self._running)[1]
            while number < len(reserved) and reserved[number].start <= now:
                reservation = reserved[number]
                self._queues[self._timelines[reservation.timeline].job.queue].append(
                    _Waiting(reservation, reservation.vcpus)
                )
                number += 1
            for queue in self._queues.values():
                self._start(queue, now)
            if self._current and not self._is_waiting:
                self._current.end = now
                yield self._current
                self._current = None
            elif self._is_waiting:
                self._current = self._current or Contention(now)
        if self._current:
            self._current.end = self._seconds
            self._current.waits += [Wait(each.reservation, None) for queue in self._queues.values() for each in queue]
            yield self._current

    @property
    def _is_waiting(self) -> bool:
        return any(self._queues.values())

    def _next(self, reserved: Sequence[Reservation], number: int) -> int:
        start = reserved[number].start if number < len(reserved) else self._running[0][0]
        return min(start, self._running[0][0]) if self._is_waiting else start

    def _start(self, queue: deque[_Waiting], now: int) -> None:
        """Starts what fits; the first that doesn't fit blocks those behind it."""
        while queue:
            first = queue[0]
            child = first.reservation.child_vcpus
            vcpus = min(first.vcpus, self._free // child * child)
            if vcpus:
                heapq.heappush(self._running, (now + first.reservation.seconds, vcpus))
                self._free -= vcpus
                first.vcpus -= vcpus
            if first.vcpus:
                return
            queue.popleft()
            if self._current and now > first.reservation.start:
                self._current.waits.append(Wait(first.reservation, now))
