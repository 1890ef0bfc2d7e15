"""What is done with each event."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from . import events, failed_trigger, grouping, lateness, message
from .batching import CLAIM_SECONDS, Batching, remember, was_sent
from .dependencies import Dependencies
from .dynamo_table import Unavailable
from .events import Sweep
from .failed_trigger import FailedTrigger
from .failures import DeliveryFailed
from .grouping import Decision, Group
from .job_event import FINAL, JobEvent
from .journal import say
from .message import Message, Route
from .settings import Settings

_LEFT_BEHIND_SECONDS = 120
NOTHING = "nothing to send"


class App:
    """The function, with all that it calls."""

    def __init__(self, settings: Settings, dependencies: Dependencies) -> None:
        self._settings = settings
        self._dependencies = dependencies
        self._table = dependencies.table
        self._owner = os.urandom(8).hex()  # of claims: another invocation may have the same event
        self._gathering = (
            Batching(settings, dependencies, dependencies.table, one=self._one) if dependencies.table else None
        )

    def handle(self, event: Any) -> str:
        """Sends what an event is worth, and returns the outcome in a few words.

        Raises:
            UnreadableEvent: it is none that this function knows.
            DeliveryFailed: a message did not arrive.
        """
        found = events.read(event)
        if isinstance(found, Sweep):
            return self._sweep()
        if isinstance(found, list):
            return ", ".join([self._send_trigger(trigger) for trigger in found])
        if found.blocks_queue:
            return self._once(
                f"blocked-{grouping.key(found)}",
                lambda route: message.blocked(found, self._settings, route),
                found.name,
            )
        if found.status not in FINAL:
            return "not final"  # a retry that Batch will still make is no failure
        if found.array_index is not None:
            return "left to its array"  # whose own event counts the children
        if found.is_node:
            return "left to its multi-node job"
        if found.was_replaced:
            return "replaced by a later run"
        if found.status == "SUCCEEDED":
            return self._recovered(found)
        if found.gave_way:
            return "gave way to another run"
        return self._failed(found)

    # --- failures

    def _failed(self, job: JobEvent) -> str:
        key = grouping.key(job)
        if was_sent(key):
            return "sent already"
        if self._table is not None and self._gathering is not None:
            try:
                if self._table.sent([key]):
                    return "sent already"
                self._table.put_pending(key, job.to_json(), self._dependencies.now())
                return self._gathering.send(self._owner)
            except Unavailable as error:
                # Noise is better than silence.
                say(table=str(error))
                if was_sent(key):
                    return "sent"
        self._dependencies.deliver(self._one(job))
        remember(key)
        return "sent"

    def _one(self, job: JobEvent, route: Route | None = None, decision: Decision | None = None) -> Message:
        children = self._children(job)
        speaker = children[0] if children else job
        log, note = self._dependencies.tail(speaker, self._settings.log_lines) if self._settings.details else ([], "")
        group = decision.group if decision else Group(job)
        return message.failed(
            job,
            self._settings,
            route=route,
            log=log,
            log_note=note,
            repeats=decision.repeats if decision else None,
            dependents=group.dependents,
            children=children,
            is_paused=self._is_paused(job),
        )

    def _children(self, job: JobEvent) -> list[JobEvent]:
        """Those children of an array that failed."""
        is_array = bool(job.array_failed) and job.array_index is None
        return self._dependencies.children(job) if is_array and self._settings.details else []

    def _is_paused(self, job: JobEvent) -> bool:
        """Whether this failure has paused the job, as far as the submit function has noted it by now."""
        runs = self._dependencies.runs
        if runs is None:
            return False
        try:
            return bool(job.job_id) and runs.paused_by(job.name) == job.job_id
        except Unavailable as error:
            say(job=job.name, runs=str(error))
            return False

    def _sweep(self) -> str:
        """Sends what was left behind, and reports runs that never came."""
        outcomes = [self._left_behind(), self._late()]
        return ", ".join(outcome for outcome in outcomes if outcome != NOTHING) or NOTHING

    def _late(self) -> str:
        """Reports each run that was due and did not start; the next sweep finds again what Slack refuses."""
        table = self._table
        if table is None:
            return NOTHING
        now, outcomes = self._dependencies.now(), []
        late = lateness.find(
            table.watches,
            self._dependencies.runs,
            now,
            self._settings.repeat_seconds,
            self._dependencies.last_start,
            self._dependencies.remaining_seconds,
        )
        for found, watched, noted in late:
            try:
                if found is not None:
                    outcomes.append(self._send_late(found))
            except DeliveryFailed as error:
                outcomes.append(f"{watched.job_name} not delivered: {error}")
                break
            if noted is not None:
                table.watches.put_watching(watched.job_name, noted)
        return ", ".join(outcomes) or NOTHING

    def _send_late(self, run: lateness.LateRun | lateness.Unreadable) -> str:
        name = run.watched.job_name
        if isinstance(run, lateness.Unreadable):
            key = f"unreadable-{name}-{zlib.crc32(run.watched.schedule.text.encode()):x}"
            return self._once(key, lambda route: lateness.unreadable_message(run, self._settings, route), name)
        return self._once(f"late-{name}-{run.due}", lambda route: lateness.message(run, self._settings, route), name)

    def _left_behind(self) -> str:
        """Sends what a process left behind that was stopped, or that Slack refused.

        What Slack does not take for long goes where it is seen: into the dead-letter queue.
        """
        if self._table is None or self._gathering is None:
            return NOTHING
        now = self._dependencies.now()
        left = [one for one in self._table.pending() if now - one.since >= _LEFT_BEHIND_SECONDS]
        if not left:
            return NOTHING
        try:
            return self._gathering.send(self._owner, at_once=True)
        except DeliveryFailed as error:
            old = [one for one in left if now - one.since >= self._settings.give_up_seconds]
            for one in old:
                self._dependencies.keep(json.dumps({"batchtab": "kept", "job": one.content}, ensure_ascii=False))
                self._table.drop_pending([one.job_id])
            return f"not delivered: {error}; {len(old)} put into the dead-letter queue"

    # --- other events

    def _recovered(self, job: JobEvent) -> str:
        if self._table is None:
            return NOTHING
        try:
            state = self._table.states([job.name]).get(job.name)
            if state is None or (job.created_ms or 0) < state.last_created_ms:
                return NOTHING
            if self._dependencies.gave_way(job):
                return "gave way to another run"
            outcome = self._once(
                f"recovered-{grouping.key(job)}",
                lambda route: message.recovered(job, self._settings, state.failures, state.since, route),
                job.name,
            )
            self._table.clear_state(job.name)
        except Unavailable as error:
            # No failure is lost by that, and the next success reports it.
            say(table=str(error))
            return "not sent: the table does not answer"
        return outcome

    def _send_trigger(self, trigger: FailedTrigger) -> str:
        job_name = trigger.job(self._settings)
        return self._once(
            f"trigger-{trigger.message_id}",
            lambda route: failed_trigger.message(trigger, self._settings, route),
            job_name,
        )

    def _once(self, key: str, make: Callable[[Route | None], Message], job_name: str) -> str:
        """Sends something once, and again only where the table does not answer."""
        if was_sent(key):
            return "sent already"
        route = None
        with self._claimed(key) as mine:
            if not mine:
                return "sent already"
            if self._gathering is not None:
                with contextlib.suppress(Unavailable):
                    route = self._gathering.routes([job_name]).get(job_name)
            if not (route and route.mute):
                self._dependencies.deliver(make(route))
            remember(key)
            if self._table is not None:
                with contextlib.suppress(Unavailable):
                    self._table.mark_sent([key], self._dependencies.now())
        return "muted" if route and route.mute else "sent"

    @contextlib.contextmanager
    def _claimed(self, key: str) -> Iterator[bool]:
        """Whether this process is the one that sends; it is where the table does not answer."""
        mine, table = True, self._table
        if table is not None:
            with contextlib.suppress(Unavailable):
                mine = not table.sent([key]) and table.claim(key, self._owner, self._dependencies.now(), CLAIM_SECONDS)
        try:
            yield mine
        finally:
            if table is not None and mine:
                with contextlib.suppress(Unavailable):
                    table.release(key, self._owner)
