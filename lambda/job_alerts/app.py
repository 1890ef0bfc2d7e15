"""What is done with each event."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import events, quiet, story
from .events import FailedTrigger, JobEvent, Sweep
from .failures import DeliveryFailed
from .journal import say
from .quiet import Decision, Group
from .settings import Settings
from .story import Route, Story
from .table import Table, Unavailable

_CLAIM_SECONDS = 150  # longer than this function may run
_GATHER = "gather"
_GATHER_MAX_SECONDS = 40
_CALM_MESSAGES = 2  # of two minutes
_DOUBLINGS_MAX = 3
_ROUNDS = 5
_RESERVE_SECONDS = 45  # of the function's time, for what follows a pause
_ALONE_MAX = 3  # more failures at once are told in one message
_NAMES_MAX = 400  # of one message
_LEFT_BEHIND_SECONDS = 120
_REMEMBERED = 1000
NOTHING = "nothing to tell"

# EventBridge delivers at least once. What this process has sent is not sent again, whatever becomes of the table.
_sent: dict[str, None] = {}


def remember(key: str) -> None:
    """Notes that something was sent by this process."""
    _sent[key] = None
    if len(_sent) > _REMEMBERED:
        del _sent[next(iter(_sent))]


class App:
    """The function, with all that it calls."""

    def __init__(
        self,
        settings: Settings,
        *,
        deliver: Callable[[Story], None],
        tail: Callable[[JobEvent, int], tuple[list[str], str]],
        gave_way: Callable[[JobEvent], bool],
        keep: Callable[[str], None],
        table: Table | None,
        now: Callable[[], int],
        sleep: Callable[[float], None],
        remaining_seconds: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._deliver = deliver
        self._tail = tail
        self._gave_way = gave_way
        self._keep = keep
        self._table = table
        self._now = now
        self._sleep = sleep
        self._remaining = remaining_seconds

    def handle(self, event: Any) -> str:
        """Tells what is to be told of an event, and returns in a few words what became of it.

        Raises:
            UnreadableEvent: it is none that this function knows.
            DeliveryFailed: a message did not arrive.
        """
        found = events.read(event)
        if isinstance(found, Sweep):
            return self._sweep()
        if isinstance(found, list):
            return ", ".join([self._tell_trigger(trigger) for trigger in found])
        if found.blocks_queue:
            return self._once(
                f"blocked-{quiet.key(found)}", lambda route: story.blocked(found, self._settings, route), found.name
            )
        if found.status not in events.FINAL:
            return "not final"  # a retry that Batch will still make is no failure
        if found.array_index is not None:
            return "left to its array"  # whose own event counts the children
        if found.status == "SUCCEEDED":
            return self._recovered(found)
        if found.gave_way:
            return "gave way to another run"
        return self._failed(found)

    # --- failures

    def _failed(self, job: JobEvent) -> str:
        key = quiet.key(job)
        if key in _sent:
            return "told already"
        if self._table is not None:
            try:
                if self._table.told([key]):
                    return "told already"
                self._table.put_pending(key, job.to_json(), self._now())
                return self._gather(key)
            except Unavailable as error:
                # Noise is better than silence.
                say(table=str(error))
                if key in _sent:
                    return "told"
        self._deliver(self._one(job))
        remember(key)
        return "told"

    def _gather(self, owner: str, *, at_once: bool = False) -> str:
        """Tells all that is pending, if no other process is about to; waits first for what belongs to it."""
        table = self._needed()
        told = 0
        for turn in range(_ROUNDS):
            if not table.claim(_GATHER, owner, self._now(), _CLAIM_SECONDS):
                return "told" if told else "left to another"
            try:
                if not (at_once and turn == 0):
                    self._sleep(self._pause())
                told += self._tell_pending()
            finally:
                with contextlib.suppress(Unavailable):
                    table.release(_GATHER, owner)
            # Whoever came while this one told has left theirs to it; whoever comes now takes it up.
            if not table.pending() or self._remaining() < _RESERVE_SECONDS:
                break
        return f"told {told}"

    def _pause(self) -> float:
        """Longer the more messages there were of late, so that a storm makes few."""
        minute = self._now() // 60
        recent = self._needed().messages(minute) + self._needed().messages(minute - 1)
        doublings = min(max(0, recent - _CALM_MESSAGES), _DOUBLINGS_MAX)
        wanted = self._settings.gather_seconds * 2**doublings
        return float(max(0, min(wanted, _GATHER_MAX_SECONDS, self._remaining() - _RESERVE_SECONDS)))

    def _tell_pending(self) -> int:
        table = self._needed()
        pending = table.pending()
        told = table.told(one.job_id for one in pending) | (_sent.keys() & {one.job_id for one in pending})
        if told:
            table.mark_told(sorted(told), self._now())
        jobs = [JobEvent.from_json(one.content) for one in pending if one.job_id not in told]
        if not jobs:
            return 0
        groups = quiet.group(jobs)
        states = table.states(one.job.name for one in groups)
        routes = self._routes([one.job.name for one in groups])
        now = self._now()
        loud: dict[tuple[str, str], list[Decision]] = {}
        count = 0
        for one in groups:
            decision = quiet.decide(one, states.get(one.job.name), now, self._settings.repeat_seconds)
            route = routes.get(one.job.name)
            if decision.tell and not (route and route.mute):
                count += 1
                where = (route.channel, route.mention) if route else ("", "")
                loud.setdefault(where, []).append(decision)
            else:
                self._note([decision])
        if count <= _ALONE_MAX:
            for decision in (decision for decisions in loud.values() for decision in decisions):
                route = routes.get(decision.group.job.name)
                self._send(self._one(decision.group.job, route, decision), [decision])
        else:
            for (channel, mention), decisions in loud.items():
                for part in _parts(decisions):
                    failed = [job for decision in part for job in decision.group.all]
                    self._send(story.many(failed, self._settings, channel=channel, mention=mention), part)
        return len(jobs)

    def _send(self, message: Story, decisions: Sequence[Decision]) -> None:
        self._deliver(message)
        for decision in decisions:
            for job in decision.group.all:
                remember(quiet.key(job))
        self._needed().count_message(self._now())
        self._note(decisions)

    def _note(self, decisions: Sequence[Decision]) -> None:
        table = self._needed()
        table.mark_told([quiet.key(job) for decision in decisions for job in decision.group.all], self._now())
        for decision in decisions:
            table.put_state(decision.group.job.name, decision.state, self._now())

    def _one(self, job: JobEvent, route: Route | None = None, decision: Decision | None = None) -> Story:
        log, note = self._tail(job, self._settings.log_lines) if self._settings.details else ([], "")
        group = decision.group if decision else Group(job)
        return story.failed(
            job,
            self._settings,
            route=route,
            log=log,
            log_note=note,
            repeats=decision.repeats if decision else None,
            dependents=group.dependents,
        )

    def _sweep(self) -> str:
        """Tells what a process left behind that was stopped, or that Slack refused.

        What Slack does not take for long goes where it is seen: into the dead-letter queue.
        """
        if self._table is None:
            return NOTHING
        now = self._now()
        left = [one for one in self._table.pending() if now - one.since >= _LEFT_BEHIND_SECONDS]
        if not left:
            return NOTHING
        try:
            return self._gather("sweep", at_once=True)
        except DeliveryFailed as error:
            old = [one for one in left if now - one.since >= self._settings.give_up_seconds]
            for one in old:
                self._keep(json.dumps({"batchtab": "kept", "job": one.content}, ensure_ascii=False))
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
            if self._gave_way(job):
                return "gave way to another run"
            outcome = self._once(
                f"recovered-{quiet.key(job)}",
                lambda route: story.recovered(job, self._settings, state.failures, state.since, route),
                job.name,
            )
            self._table.clear_state(job.name)
        except Unavailable as error:
            # No failure is lost by that, and the next success tells it.
            say(table=str(error))
            return "not told: the table does not answer"
        return outcome

    def _tell_trigger(self, trigger: FailedTrigger) -> str:
        name = story.trigger_job(trigger, self._settings)
        return self._once(
            f"trigger-{trigger.message_id}",
            lambda route: story.not_submitted(trigger, self._settings, route),
            name,
        )

    def _once(self, key: str, make: Callable[[Route | None], Story], job_name: str) -> str:
        """Tells something once, and again only where the table does not answer."""
        if key in _sent:
            return "told already"
        route = None
        with self._claimed(key) as mine:
            if not mine:
                return "told already"
            if self._table is not None:
                with contextlib.suppress(Unavailable):
                    route = self._routes([job_name]).get(job_name)
            if not (route and route.mute):
                self._deliver(make(route))
            remember(key)
            if self._table is not None:
                with contextlib.suppress(Unavailable):
                    self._table.mark_told([key], self._now())
        return "muted" if route and route.mute else "told"

    @contextlib.contextmanager
    def _claimed(self, key: str) -> Iterator[bool]:
        """Whether this process is the one that tells; it is where the table does not answer."""
        mine, owner = True, f"{id(self)}-{self._now()}"
        table = self._table
        if table is not None:
            with contextlib.suppress(Unavailable):
                mine = not table.told([key]) and table.claim(key, owner, self._now(), _CLAIM_SECONDS)
        try:
            yield mine
        finally:
            if table is not None and mine:
                with contextlib.suppress(Unavailable):
                    table.release(key, owner)

    def _routes(self, job_names: Sequence[str]) -> dict[str, Route]:
        """Each job's route, of those that have one."""
        wanted = {name for job_name in job_names if job_name for name in quiet.route_names(job_name)}
        known = self._needed().routes(wanted) if wanted else {}
        found = {name: quiet.route_of(name, known) for name in job_names}
        return {name: route for name, route in found.items() if route is not None}

    def _needed(self) -> Table:
        if self._table is None:
            raise DeliveryFailed("there is no table")
        return self._table


def _parts(decisions: Sequence[Decision]) -> Iterator[list[Decision]]:
    """The decisions in handfuls whose names fit in one message."""
    part: list[Decision] = []
    size = 0
    for decision in decisions:
        length = len(decision.group.all)
        if part and size + length > _NAMES_MAX:
            yield part
            part, size = [], 0
        part.append(decision)
        size += length
    if part:
        yield part
