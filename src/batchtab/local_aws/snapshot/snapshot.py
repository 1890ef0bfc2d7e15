"""The state of local AWS as a file, taken when nothing is under way, and read by the next local AWS at its start."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from batchtab.local_aws.batch.engine import Engine
from batchtab.local_aws.batch.store import Store
from batchtab.local_aws.clock import Clock, iso
from batchtab.local_aws.config import Config
from batchtab.local_aws.delivery import Deliveries
from batchtab.local_aws.functions import Invocations
from batchtab.local_aws.schedules import Schedules
from batchtab.local_aws.slack import SlackInbox
from batchtab.local_aws.snapshot import file, jobs, services

# How long (real seconds) a snapshot waits for what is under way.
QUIET_SECONDS = 5.0
_LOOK_SECONDS = 0.05


class BusyError(Exception):
    """Something is under way that a snapshot cannot have: a job, a delivery, an invocation."""


@dataclass(frozen=True)
class Snapshots:
    """Takes snapshots of these parts, and gives one back to them.

    The clock, faults and the seconds between a function's attempts are no state of AWS and not part of it. Schedules
    and rules go on from the clock's time at the start: what was due in between does not run, as after `set_time`.
    """

    config: Config
    port: int
    clock: Clock
    store: Store
    engine: Engine
    deliveries: Deliveries
    invocations: Invocations
    schedules: Schedules
    slack: SlackInbox

    async def take(self) -> dict[str, Any]:
        """Return the state, once nothing is under way.

        Has to be called on the thread that serves requests, as none of them may change anything meanwhile.

        Raises:
            BusyError: Something is still under way after 5 seconds.
        """
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            with self.clock.paused() as paused, self.store.lock:
                busy = self._busy() or (None if paused else "the clock is at work")
                if busy is None:
                    return self._state()
            if time.monotonic() > deadline:
                raise BusyError(f"no snapshot can be taken: {busy}")
            await asyncio.sleep(_LOOK_SECONDS)

    def load(self, found: dict[str, Any]) -> None:
        """Start from a snapshot that was read; everything must be empty yet."""
        content = services.port(found["port"], self.port).moved(services.values().decode(found["state"]))
        services.restore(content)
        jobs.restore(self.store, content["batch"])
        self.schedules.begun.update(content["schedules"])
        self.slack.restore(content["slack"])

    def _busy(self) -> str | None:
        if (found := self.engine.under_way()) is not None:
            return found
        if waiting := self.deliveries.waiting:
            return f"{waiting} deliveries wait to be tried again"
        if services.executing() or self.invocations.under_way():
            return "a function runs, or waits to be tried again"
        return None

    def _state(self) -> dict[str, Any]:
        content = {
            **services.state(),
            "batch": jobs.state(self.store),
            "schedules": self.schedules.begun,
            "slack": self.slack.all(),
        }
        made = {"port": self.port, "clock": iso(self.clock.now()), "speed": self.clock.speed}
        return {**file.kind(self.config), **made, "state": services.values().encode(content)}
