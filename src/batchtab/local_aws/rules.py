from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from batchtab.local_aws import expressions
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.rules")
Key = tuple[str, str, str]  # account, region, ministack's key
Following = Callable[[float], float | None]


class Cursors:
    """How far each scheduled thing has fired: what is due is fired once, in order, however the clock runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Key, _Cursor] = {}

    def upcoming(self, key: Key, signature: str, start: float, following: Following) -> float | None:
        """Return when a key is due next; a new or changed one starts at `start`.

        Args:
            key: What is scheduled.
            signature: What it is scheduled by; another one makes it new.
            start: The clock's time.
            following: Returns the first time later than the one given; asked once for each.
        """
        with self._lock:
            cursor = self._entries.get(key)
            if cursor is None or cursor.signature != signature:
                cursor = self._entries[key] = _Cursor(signature, following(start))
            return cursor.upcoming

    def fired(self, key: Key, moment: float, following: Following) -> None:
        """Note that a key has fired for a moment."""
        with self._lock:
            cursor = self._entries.get(key)
            if cursor is not None and cursor.upcoming == moment:
                cursor.upcoming = following(moment)

    def keep_only(self, keys: set[Key]) -> None:
        """Forget keys that are gone or disabled, so that they catch up on nothing when they come back."""
        with self._lock:
            for key in set(self._entries) - keys:
                del self._entries[key]

    def clear(self) -> None:
        """Forget all: everything starts at the clock's time."""
        with self._lock:
            self._entries.clear()


@dataclass
class _Cursor:
    signature: str
    upcoming: float | None


class ScheduledRules:
    """Fires EventBridge's scheduled rules, in UTC. A source of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # requests look at the rules as well as the clock
        self.cursors = Cursors()

    def next_moment(self) -> float | None:
        """Return when the next rule is due."""
        moments = (moment for *_, moment in self._upcoming())
        return min(moments, default=None)

    def run_due(self, now: float) -> None:
        """Fire what is due, oldest first; a moment at a time, so that none is lost or doubled."""
        while True:
            due = [entry for entry in self._upcoming() if entry[3] <= now]
            if not due:
                return
            key, rule, following, moment = min(due, key=lambda entry: entry[3])
            self.cursors.fired(key, moment, following)
            self._fire(key, rule, moment)

    def restart(self) -> None:
        """Have all count from the clock's present time. Waits for a look that may have read the time before a jump."""
        with self._lock:
            self.cursors.clear()

    def unsettled(self) -> bool:
        """Nothing to wait for: firing is done when `run_due` returns."""
        return False

    def _upcoming(self) -> list[tuple[Key, dict[str, Any], Following, float]]:
        with self._lock:
            return self._look()

    def _look(self) -> list[tuple[Key, dict[str, Any], Following, float]]:
        found: list[tuple[Key, dict[str, Any], Following, float]] = []
        enabled: set[Key] = set()
        for key, rule in list(eventbridge._rules._data.items()):
            text = rule.get("ScheduleExpression")
            if not text or rule.get("State") != "ENABLED":
                continue
            enabled.add(key)
            try:
                expression = expressions.parse(text)
            except expressions.ExpressionError:
                continue  # PutRule refuses these
            created = float(rule.get("CreationTime", self._clock.now()))
            following = partial(expression.following, anchor=created)
            moment = self.cursors.upcoming(key, text, self._clock.now(), following)
            if moment is not None:
                found.append((key, rule, following, moment))
        self.cursors.keep_only(enabled)
        return found

    @staticmethod
    def _fire(key: Key, rule: dict[str, Any], moment: float) -> None:
        account_id, region, _ = key
        event = {
            "EventId": str(uuid.uuid4()),
            "Source": "aws.events",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "EventBusName": rule.get("EventBusName", "default"),
            "Time": int(moment),
            "Resources": [rule.get("Arn", "")],
            "Account": account_id,
            "Region": region,
        }
        with request_scope(account_id, region):
            for target in list(eventbridge._targets._data.get(key, [])):
                eventbridge._invoke_target(target, event, rule, eventbridge._pattern_event_view(event))
