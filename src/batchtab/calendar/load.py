"""How many vCPUs the runs of a week ask for, if each starts on time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import attrgetter

from batchtab.calendar.timeline import Calendar, JobTimeline


@dataclass(frozen=True, slots=True)
class Reservation:
    """vCPUs that a run reserves; times are seconds after the week's start.

    Attributes:
        start: From when.
        end: Until when.
        vcpus: How many; of an array those of all children at once.
        child_vcpus: How many one child reserves; the same for a run that is not an array.
        timeline: The job's place in the calendar.
        is_usual: Whether it is known how long a run takes; else `end` is the latest, by its timeout.
    """

    start: int
    end: int
    vcpus: float
    child_vcpus: float
    timeline: int
    is_usual: bool

    @property
    def seconds(self) -> int:
        """How long."""
        return self.end - self.start


def reservations(calendar: Calendar) -> list[Reservation]:
    """What all runs of the week reserve, in order of their starts; with those that began before it and still run.

    Of an array as many children run at once as fit into the environment, and it takes that much longer. A job with
    another concurrency policy than `allow` never overlaps itself.
    """
    found = []
    most = calendar.catalog.stage.max_vcpus
    for number, timeline in enumerate(calendar.timelines):
        if timeline.job.suspend:
            continue
        at_once, seconds = _size(timeline, most)
        starts = [calendar.week.second(at) for at in timeline.earlier]
        for start, end in _spans(timeline, [*starts, *timeline.starts], seconds):
            if end > 0:
                found.append(Reservation(start, end, at_once, timeline.job.total_vcpus, number, timeline.is_usual))
    return sorted(found, key=attrgetter("start", "timeline"))


def _size(timeline: JobTimeline, most: int) -> tuple[float, int]:
    """The vCPUs of a run at once, and its seconds."""
    children = timeline.job.array_size or 1
    fitting = max(1, min(children, int(most // timeline.job.total_vcpus)))
    return fitting * timeline.job.total_vcpus, math.ceil(children / fitting) * timeline.seconds


def _spans(timeline: JobTimeline, starts: list[int], seconds: int) -> list[tuple[int, int]]:
    policy = timeline.job.concurrency_policy
    if policy == "allow":
        return [(start, start + seconds) for start in starts]
    if policy == "replace":
        followers = [*starts[1:], starts[-1] + seconds] if starts else []
        return [(start, min(start + seconds, after)) for start, after in zip(starts, followers, strict=True)]
    found: list[tuple[int, int]] = []
    waiting: deque[int] = deque()  # when those that were asked for will start
    for start in starts:
        free = found[-1][1] if found else start
        while waiting and waiting[0] <= start:
            waiting.popleft()
        if start >= free:
            found.append((start, start + seconds))
        elif policy == "queue" and len(waiting) < timeline.job.queue_limit:
            waiting.append(free)
            found.append((free, free + seconds))
    return found


@dataclass(frozen=True)
class Load:
    """The sum of what is reserved, as steps: (second, vCPUs for a known time, all vCPUs), each until the next."""

    steps: list[tuple[int, float, float]]

    @classmethod
    def of(cls, reserved: Sequence[Reservation], seconds: int) -> Load:
        """The sum over a week of `seconds` seconds."""
        changes: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for reservation in reserved:
            for second, vcpus in (
                (max(reservation.start, 0), reservation.vcpus),
                (reservation.end, -reservation.vcpus),
            ):
                if second < seconds:
                    changes[second][0] += vcpus if reservation.is_usual else 0.0
                    changes[second][1] += vcpus
        usual = total = 0.0
        steps = [] if 0 in changes else [(0, 0.0, 0.0)]
        for second in sorted(changes):
            usual += changes[second][0]
            total += changes[second][1]
            steps.append((second, usual, total))
        return cls(steps)

    @cached_property
    def peak(self) -> tuple[int, float]:
        """When most vCPUs are asked for, the first time, and how many."""
        second, _, total = max(self.steps, key=lambda step: step[2])
        return second, total

    def peak_between(self, begin: int, end: int) -> tuple[int, float]:
        """When most is asked for between two seconds, the first time, and how much."""
        second, _, total = max(self._between(begin, end), key=lambda step: step[2])
        return max(second, begin), total

    def _between(self, begin: int, end: int) -> list[tuple[int, float, float]]:
        """The steps that apply between two seconds, the one that has begun before included."""
        first = max(0, bisect_right(self._seconds, begin) - 1)
        return self.steps[first : max(first + 1, bisect_right(self._seconds, end - 1))]

    @cached_property
    def _seconds(self) -> list[int]:
        return [step[0] for step in self.steps]

    def peaks(self, edges: Sequence[int]) -> list[tuple[float, float]]:
        """The most that is asked for between each two of these seconds: for a known time, and in all."""
        found = []
        for begin, end in pairwise(edges):
            part = self._between(begin, end)
            found.append((max(step[1] for step in part), max(step[2] for step in part)))
        return found
