"""Faults that somebody asked for: a service that is away, delayed requests, events that come more than once.

They live in real time, whatever the clock does.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

LONGEST_SECONDS = 3600.0
_MOST_DELIVERIES = 10
KINDS = ("refuse", "hang", "hold_seconds", "hold_answer_seconds", "deliveries")
SENDERS = ("events", "scheduler")


@dataclass
class Fault:
    """What is done to the requests of a service.

    Attributes:
        service: Name that a request's signature gives, such as dynamodb, batch or lambda.
        operation: One operation of it; None means all.
        kind: One of the members of a request that makes a fault.
        value: Seconds, or the number of deliveries.
        ends: When it ends by itself, as `time.monotonic` counts; None if it does not.
        met: How many requests or events have met it.
        delayed: How many requests it delays now; JSON has it as `held`.
    """

    service: str
    operation: str | None
    kind: str
    value: float
    ends: float | None
    met: int = 0
    delayed: int = 0
    removed: bool = False

    @property
    def over(self) -> bool:
        """Whether it does nothing any more."""
        return self.removed or (self.ends is not None and time.monotonic() >= self.ends)

    def fits(self, service: str, operation: str) -> bool:
        """Whether a request is among those that meet it."""
        return self.service == service and (self.operation is None or self.operation.lower() == operation.lower())

    def is_like(self, other: Fault) -> bool:
        """Whether both do the same to the same requests, however long."""
        own, others = ((each.service, (each.operation or "").lower(), each.kind, each.value) for each in (self, other))
        return own == others

    def shown(self) -> dict[str, Any]:
        """Return it as the path `faults` shows it."""
        left = None if self.ends is None else round(max(0.0, self.ends - time.monotonic()), 1)
        return {
            "service": self.service,
            "operation": self.operation,
            self.kind: True if self.kind in ("refuse", "hang") else self.value,
            "seconds_left": left,
            "met": self.met,
            "held": self.delayed,
        }


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Fault] = []

    def add(self, asked: dict[str, Any]) -> None:
        """Switch a fault on.

        Raises:
            ValueError: What was asked for is no fault.
        """
        fault = _parse(asked)
        with self._lock:
            self._all.append(fault)

    @property
    def any(self) -> bool:
        """Whether there may be one."""
        return bool(self._all)

    def clear(self, asked: dict[str, Any] | None = None) -> None:
        """End those that were asked for so; without it, all. Delayed requests continue.

        Raises:
            ValueError: What was asked for is no fault.
        """
        same = None if asked is None else _parse(asked)
        with self._lock:
            for fault in self._all:
                fault.removed = fault.removed or same is None or fault.is_like(same)
            self._all = [fault for fault in self._all if not fault.removed]

    def shown(self) -> list[dict[str, Any]]:
        """Return all that are on, oldest first."""
        with self._lock:
            self._all = [fault for fault in self._all if not fault.over]
            return [fault.shown() for fault in self._all]

    def met_by(self, service: str, operation: str) -> Fault | None:
        """Return the fault that a request meets, if any: the oldest one that fits."""
        with self._lock:
            for fault in self._all:
                if fault.kind != "deliveries" and not fault.over and fault.fits(service, operation):
                    fault.met += 1
                    return fault
        return None

    def refuses(self, service: str, operation: str) -> bool:
        """Whether a service is away for EventBridge and Scheduler, which ask it within this process."""
        fault = self.met_by(service, operation)
        return fault is not None and fault.kind in ("refuse", "hang")

    def deliveries(self, sender: str) -> int:
        """Return how often `events` or `scheduler` hands an event to a target."""
        with self._lock:
            for fault in self._all:
                if fault.kind == "deliveries" and not fault.over and fault.service == sender:
                    fault.met += 1
                    return int(fault.value)
        return 1


def _parse(asked: dict[str, Any]) -> Fault:
    unknown = sorted(set(asked) - {"service", "operation", "seconds", *KINDS})
    if unknown:
        raise ValueError(f"{unknown[0]}: is not one of service, operation, seconds, {', '.join(KINDS)}")
    service, operation = asked.get("service"), asked.get("operation")
    if not isinstance(service, str) or not service:
        raise ValueError(f"service: {service!r} is not a service; write for example dynamodb, batch or lambda")
    if operation is not None and not isinstance(operation, str):
        raise ValueError(f"operation: {operation!r} is not an operation; write for example SubmitJob")
    kinds = [kind for kind in KINDS if asked.get(kind) not in (None, False)]
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(kinds)}: give one of them, or none to refuse the requests")
    kind = kinds[0] if kinds else "refuse"
    value = asked.get(kind, True)
    if kind in ("refuse", "hang"):
        if value is not True:
            raise ValueError(f"{kind}: {value!r} is not true or false")
    elif kind == "deliveries":
        if service not in SENDERS or operation is not None:
            raise ValueError("deliveries: are those of the service events or scheduler, without an operation")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_DELIVERIES:
            raise ValueError(f"deliveries: {value!r} is not a number from 1 to {_MOST_DELIVERIES}")
    else:
        value = _seconds(kind, value)
    lasts = asked.get("seconds")
    ends = None if lasts is None else time.monotonic() + _seconds("seconds", lasts)
    return Fault(service, operation, kind, float(value), ends)


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SECONDS:
        raise ValueError(f"{name}: {value!r} is not a number of seconds up to {LONGEST_SECONDS:g}")
    return float(value)
