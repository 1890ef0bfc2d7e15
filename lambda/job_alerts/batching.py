"""Sends what belongs together in one message, by one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from . import grouping
from .dependencies import Dependencies
from .dynamo_table import Unavailable
from .grouping import Decision
from .job_event import JobEvent, UnreadableEvent
from .journal import say
from .message import Message, Route, many
from .settings import Settings
from .table import Pending, Table

CLAIM_SECONDS = 150  # longer than this function may run
_GATHER = "gather"
_GATHER_MAX_SECONDS = 40
_CALM_MESSAGES = 2  # of two minutes
_DOUBLINGS_MAX = 3
_ROUNDS = 5
_RESERVE_SECONDS = 45  # of the function's time, for what follows a pause
_ALONE_MAX = 3  # more failures at once are one message
_NAMES_MAX = 120  # of one message: they fit in what Slack takes, each with its reason
_REMEMBERED = 1000

# EventBridge delivers at least once. What this process has sent is not sent again, even if the table does not record
# it.
_sent: dict[str, None] = {}


def remember(key: str) -> None:
    """Notes that something was sent by this process."""
    _sent[key] = None
    if len(_sent) > _REMEMBERED:
        del _sent[next(iter(_sent))]


def was_sent(key: str) -> bool:
    """Whether this process sent it."""
    return key in _sent


class Batching:
    """A process with a failure waits a moment for what belongs to it; those that come meanwhile leave theirs to it."""

    def __init__(
        self,
        settings: Settings,
        dependencies: Dependencies,
        table: Table,
        *,
        one: Callable[[JobEvent, Route | None, Decision | None], Message],
    ) -> None:
        self._settings = settings
        self._dependencies = dependencies
        self._table = table
        self._one = one

    def send(self, owner: str, *, at_once: bool = False) -> str:
        """Sends all that is pending, if no other process is about to; waits first for what belongs to it."""
        table = self._table
        sent = 0
        for turn in range(_ROUNDS):
            if not table.claim(_GATHER, owner, self._dependencies.now(), CLAIM_SECONDS):
                return "sent" if sent else "left to another"
            try:
                if not (at_once and turn == 0):
                    self._dependencies.sleep(self._pause())
                sent += self._send_pending()
            finally:
                with contextlib.suppress(Unavailable):
                    table.release(_GATHER, owner)
            # What came while this one was sending was left to it; what comes now takes it up.
            if not table.pending() or self._dependencies.remaining_seconds() < _RESERVE_SECONDS:
                break
        return f"sent {sent}"

    def _pause(self) -> float:
        """Longer the more messages there were of late, so that a storm makes few."""
        minute = self._dependencies.now() // 60
        recent = self._table.messages(minute) + self._table.messages(minute - 1)
        doublings = min(max(0, recent - _CALM_MESSAGES), _DOUBLINGS_MAX)
        wanted = self._settings.gather_seconds * 2**doublings
        return float(
            max(0, min(wanted, _GATHER_MAX_SECONDS, self._dependencies.remaining_seconds() - _RESERVE_SECONDS))
        )

    def _send_pending(self) -> int:
        table = self._table
        pending = table.pending()
        sent = table.sent(one.job_id for one in pending) | (_sent.keys() & {one.job_id for one in pending})
        if sent:
            table.mark_sent(sorted(sent), self._dependencies.now())
        jobs = list(self._readable([one for one in pending if one.job_id not in sent]))
        if not jobs:
            return 0
        groups = grouping.group(jobs)
        states = table.states(one.job.name for one in groups)
        routes = self.routes([one.job.name for one in groups])
        now = self._dependencies.now()
        loud: dict[tuple[str, str], list[Decision]] = {}
        count = 0
        for one in groups:
            decision = grouping.decide(one, states.get(one.job.name), now, self._settings.repeat_seconds)
            route = routes.get(one.job.name)
            if decision.is_sent and not (route and route.mute):
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
                    self._send(many(failed, self._settings, channel=channel, mention=mention), part)
        return len(jobs)

    def _send(self, message: Message, decisions: Sequence[Decision]) -> None:
        self._dependencies.deliver(message)
        for decision in decisions:
            for job in decision.group.all:
                remember(grouping.key(job))
        self._table.count_message(self._dependencies.now())
        self._note(decisions)

    def _note(self, decisions: Sequence[Decision]) -> None:
        table = self._table
        table.mark_sent(
            [grouping.key(job) for decision in decisions for job in decision.group.all], self._dependencies.now()
        )
        for decision in decisions:
            table.put_state(decision.group.job.name, decision.state, self._dependencies.now())

    def _readable(self, pending: Sequence[Pending]) -> Iterator[JobEvent]:
        """The jobs; what is none must not delay the others."""
        for one in pending:
            try:
                yield JobEvent.from_json(one.content)
            except UnreadableEvent as error:
                say(dropped=one.content, because=str(error))
                self._table.drop_pending([one.job_id])

    def routes(self, job_names: Sequence[str]) -> dict[str, Route]:
        """Each job's route, of those that have one."""
        wanted = {name for job_name in job_names if job_name for name in grouping.route_names(job_name)}
        known = self._table.routes(wanted) if wanted else {}
        found = {name: grouping.route_of(name, known) for name in job_names}
        return {name: route for name, route in found.items() if route is not None}


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
