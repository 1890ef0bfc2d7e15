from __future__ import annotations

import time

import pytest

from batchtab.local_aws import clock as clocks
from batchtab.local_aws.clock import Clock, iso, parse_time


class Alarms:
    """A source that is due at given moments and notes what the clock showed then."""

    def __init__(self, clock: Clock, *moments: float, busy_seconds: float = 0.0) -> None:
        self.clock = clock
        self.moments = list(moments)
        self.fired: list[tuple[float, float]] = []
        self._busy_seconds = busy_seconds
        self._busy_until = 0.0

    def next_moment(self) -> float | None:
        return min(self.moments, default=None)

    def run_due(self, now: float) -> None:
        for moment in sorted(moment for moment in self.moments if moment <= now):
            self.moments.remove(moment)
            self.fired.append((moment, self.clock.now()))
            self._busy_until = time.monotonic() + self._busy_seconds

    def unsettled(self) -> bool:
        return time.monotonic() < self._busy_until


def test_clock_runs_at_its_speed() -> None:
    began = time.monotonic()
    clock = Clock(1000.0, speed=1000)
    time.sleep(0.05)
    assert 1049 <= clock.now() <= 1000 + 1000 * (time.monotonic() - began)
    clock.set_speed(0)
    assert clock.now() == clock.now()


def test_advance_stops_at_each_moment_in_order() -> None:
    # GIVEN a frozen clock and two sources
    clock = Clock(0.0, speed=0)
    one, two = Alarms(clock, 30, 10), Alarms(clock, 20, 200)
    clock.add_source(one)
    clock.add_source(two)
    # WHEN it advances beyond some of the moments
    clock.advance(100)
    # THEN each was run when the clock showed it, and the last is still to come
    assert one.fired == [(10, 10), (30, 30)]
    assert two.fired == [(20, 20)]
    assert clock.now() == 100
    assert two.next_moment() == 200


def test_advance_waits_for_what_was_started() -> None:
    clock = Clock(0.0, speed=0)
    source = Alarms(clock, 10, 20, busy_seconds=0.1)
    clock.add_source(source)
    began = time.monotonic()
    clock.advance(50)
    assert time.monotonic() - began >= 0.2
    assert source.fired == [(10, 10), (20, 20)]


def test_advance_ends_even_if_there_is_always_something_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a clock that runs fast, and a source that is never done
    monkeypatch.setattr(clocks, "_LONGEST_LAST_WAIT", 0.2)
    clock = Clock(0.0, speed=1000)
    clock.add_source(Alarms(clock, 1, busy_seconds=1000))
    # WHEN it advances
    began = time.monotonic()
    clock.advance(100)
    # THEN it does not wait longer than the clock takes by itself, and for what is under way at the end
    assert clock.now() >= 100
    assert time.monotonic() - began < 30


def test_set_time_runs_nothing_and_tells_its_listeners() -> None:
    clock, told = Clock(0.0, speed=0), list[float]()
    source = Alarms(clock, 10)
    clock.add_source(source)
    clock.on_jump(lambda: told.append(clock.now()))
    clock.set_time(5)
    assert (told, source.fired, clock.now()) == ([5], [], 5)


def test_set_time_first_runs_what_was_due_before_it() -> None:
    # GIVEN a clock whose clockwork has not come to what is due
    clock = Clock(0.0, speed=1000)
    source = Alarms(clock, 10, 5000)
    clock.add_source(source)
    while clock.now() < 10:
        time.sleep(0.001)
    # WHEN it jumps THEN that is run, and what is between is not
    clock.set_time(4000)
    assert [moment for moment, _ in source.fired] == [10]


def test_clockwork_runs_what_is_due_by_itself() -> None:
    clock = Clock(0.0, speed=100)
    source = Alarms(clock, 1, 2, 3)
    clock.add_source(source)
    clock.start()
    deadline = time.monotonic() + 60
    while len(source.fired) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    clock.stop()
    assert [moment for moment, _ in source.fired] == [1, 2, 3]
    assert all(shown >= moment for moment, shown in source.fired)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-01T09:00:00+09:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T09:00:00Z", "2026-01-01T09:00:00Z"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
        ("1767225600", "2026-01-01T00:00:00Z"),
    ],
)
def test_times_are_read(text: str, shown: str) -> None:
    assert iso(parse_time(text)) == shown


@pytest.mark.parametrize("text", ["noon", "-1", "9e99", "nan", "1800-01-01"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
