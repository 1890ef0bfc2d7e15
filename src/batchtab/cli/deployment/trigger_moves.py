"""Waits for a quiet moment before a job's rule becomes a schedule, or the other way round.

Terraform makes the one and destroys the other within seconds, in no certain order. A run that is due just then could
come twice, or not at all; so the deployment waits until none is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import typer

from batchtab import names
from batchtab.aws.client import Aws
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.errors import UsageError
from batchtab.schedules.timing import ScheduleError, Timing
from batchtab.terraform.session import Session

_JOBS = "jobs-"
_BEFORE = timedelta(minutes=1)  # a trigger fires within its minute
_AHEAD = timedelta(minutes=3)  # until Terraform has come to it
_LONGEST = timedelta(minutes=15)
_HORIZON = timedelta(days=1)
_WORDS = {"rule": "a rule", "schedule": "a schedule"}
_Span = tuple[datetime, datetime]  # from when a run is due until it has surely come


@dataclass(frozen=True)
class Side:
    """A trigger that a job has, or will have.

    Attributes:
        kind: rule or schedule.
        timing: When it starts the job; None where that can't be known, as of a rate.
        window: Within which a run may start.
        is_managed: Whether the submit function decides about its runs, and makes of two deliveries one run.
    """

    kind: str
    timing: Timing | None
    window: timedelta
    is_managed: bool

    def spans(self, since: datetime, until: datetime) -> Iterator[_Span]:
        """When its runs are due."""
        if self.timing is not None and not self.timing.is_rate:
            for due in self.timing.between(since - self.window, until):
                yield due, due + self.window


@dataclass(frozen=True)
class Move:
    """A job that moves from one trigger to another while both are on."""

    job: str
    old: Side
    new: Side

    @property
    def may_double(self) -> bool:
        """Whether two deliveries of a time may become two runs: one of them goes to Batch directly."""
        return not (self.old.is_managed and self.new.is_managed)

    @property
    def words(self) -> str:
        """What happens to it."""
        return f"{self.job} moves from {_WORDS[self.old.kind]} to {_WORDS[self.new.kind]}"

    def spans(self, since: datetime, until: datetime) -> list[_Span]:
        """When a run of it is due, by either trigger."""
        return [*self.old.spans(since, until), *self.new.spans(since, until)]


def check(session: Session, aws: Aws, stacks: Iterable[str]) -> None:
    """Refuses at once what `wait_for_quiet` would refuse when a stack's turn comes.

    Raises:
        UsageError: a job of these stacks moves, and has no quiet moment in the next quarter of an hour.
    """
    within_reach(moves_of(session, aws, stacks), datetime.now(UTC))


def wait_for_quiet(session: Session, aws: Aws, stacks: Iterable[str]) -> list[Move]:
    """Waits until no job of stacks is due that moves to another trigger, and returns these; at once if none moves.

    Raises:
        UsageError: there is no such moment in the next quarter of an hour.
    """
    moves = moves_of(session, aws, stacks)
    wait(moves)
    return moves


def moves_of(session: Session, aws: Aws, stacks: Iterable[str]) -> list[Move]:
    """The jobs of stacks that have another kind of trigger in the states than in the files."""
    stage = session.catalog.stage
    found: list[Move] = []
    for stack in (stack for stack in stacks if stack.startswith(_JOBS)):
        state = aws.state(stage.state.bucket, stage.name, stack)
        jobs = [job for job in all_jobs(session.catalog) if job.service == stack.removeprefix(_JOBS)]
        found += find(state or {}, jobs, stage.prefix)
    return found


def find(state: dict[str, Any], jobs: Iterable[NamedJob], prefix: str) -> list[Move]:
    """The jobs that have another kind of trigger in a stack's state than in the files.

    Args:
        state: As Terraform writes it.
        jobs: The stack's jobs.
        prefix: What the stage's names begin with.
    """
    there = _Deployed.read(state)
    found = []
    for job in jobs:
        timing = job.spec.timing
        if timing is None or job.spec.suspend:
            continue
        full_name = f"{prefix}-{job.service}-{job.name}"
        other = "schedule" if timing.trigger == "rule" else "rule"
        old = there.side(other, names.rule(full_name) if other == "rule" else names.schedule(full_name))
        if old is not None:
            window = timedelta(minutes=job.spec.flexible_window_minutes or 0)
            found.append(Move(job.full, old, Side(timing.trigger, timing, window, job.spec.is_managed)))
    return found


def wait(
    moves: Sequence[Move],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until none of the moving jobs is due, and says so.

    A job whose runs the submit function claims can't run twice, so it is no reason to refuse.

    Raises:
        UsageError: there is no such moment in the next quarter of an hour.
    """
    begin = now()
    quiet = within_reach(moves, begin)
    for move in (move for move in moves if not move.may_double and _soon(move, quiet)):
        text = f"{move.words}, and is due too often to wait for: what is due just then is asked for afterwards"
        typer.echo(text, err=True)
    if quiet <= begin:
        return
    for move in moves:
        if due := next((at for at, end in sorted(move.spans(begin - _BEFORE, quiet)) if end > begin - _BEFORE), None):
            typer.echo(f"{move.words}, and is due at {due:%H:%M} UTC: waits until {quiet:%H:%M:%S} UTC", err=True)
    while (left := (quiet - now()).total_seconds()) > 0:
        sleep(left)


def within_reach(moves: Sequence[Move], now: datetime) -> datetime:
    """The quiet moment that is waited for: of all moves, or else of those whose runs could come twice.

    Raises:
        UsageError: there is none in the next quarter of an hour.
    """
    must = [move for move in moves if move.may_double]
    for some in (moves, must):
        quiet = quiet_moment(some, now)
        if quiet is not None and quiet - now <= _LONGEST:
            return quiet
    raise _refusal(must, quiet)


def _soon(move: Move, moment: datetime) -> bool:
    """Whether a run of it is due around a moment, though that is the best."""
    return quiet_moment([move], moment) != moment


def quiet_moment(moves: Sequence[Move], now: datetime) -> datetime | None:
    """The first moment from now on at which no run of them is due, or will be soon; None if a day has none."""
    moment = now
    spans = (span for move in moves for span in move.spans(now - _BEFORE, now + _HORIZON))
    for due, until in sorted(spans):
        if due - _AHEAD > moment:
            return moment
        moment = max(moment, until + _BEFORE)
    return moment if moment < now + _HORIZON - _AHEAD else None


def _refusal(moves: Sequence[Move], quiet: datetime | None) -> Exception:
    what = ", ".join(move.words for move in moves)
    if quiet is None:
        hint = "suspend: true for one deployment, or a concurrency_policy other than allow for good"
        return UsageError(
            f"{what}, and is due too often for a moment in which it could move without running twice", hint
        )
    text = f"{what}, and is due, so that it could run twice, until {quiet:%Y-%m-%d %H:%M:%S} UTC"
    return UsageError(text, "deploy then, or with suspend: true")


@dataclass(frozen=True)
class _Deployed:
    """The triggers in a stack's state, by kind and name, and the targets of rules by the rule's name."""

    triggers: dict[tuple[str, str], dict[str, Any]]
    targets: dict[str, str]

    @classmethod
    def read(cls, state: dict[str, Any]) -> _Deployed:
        triggers: dict[tuple[str, str], dict[str, Any]] = {}
        targets: dict[str, str] = {}
        for resource in state.get("resources") or ():
            for instance in resource.get("instances") or ():
                found = instance.get("attributes") or {}
                if resource.get("type") == "aws_cloudwatch_event_rule":
                    triggers["rule", found.get("name", "")] = found
                elif resource.get("type") == "aws_scheduler_schedule":
                    triggers["schedule", found.get("name", "")] = found
                elif resource.get("type") == "aws_cloudwatch_event_target":
                    targets[found.get("rule", "")] = found.get("arn") or ""
        return cls(triggers, targets)

    def side(self, kind: str, name: str) -> Side | None:
        """A trigger that is on; None if there is none."""
        found = self.triggers.get((kind, name))
        if found is None or found.get("state") == "DISABLED" or not found.get("schedule_expression"):
            return None
        target = (found.get("target") or [{}])[0].get("arn", "") if kind == "schedule" else self.targets.get(name, "")
        window = ((found.get("flexible_time_window") or [{}])[0]).get("maximum_window_in_minutes") or 0
        return Side(kind, _timing(found, kind), timedelta(minutes=window), ":lambda:" in target)


def _timing(found: dict[str, Any], kind: str) -> Timing | None:
    try:
        zone = ZoneInfo(found.get("schedule_expression_timezone") or "UTC")
        start, end = (
            datetime.fromisoformat(text) if (text := found.get(name)) else None for name in ("start_date", "end_date")
        )
        timing = Timing(found["schedule_expression"], zone, kind, start, end)
        _ = timing.is_rate  # reads the expression
    except (ScheduleError, ValueError, OSError, KeyError):  # somebody else's; the new one's times are known
        return None
    return timing
