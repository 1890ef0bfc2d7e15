"""`batchtab alerts`: lists alerts that were not delivered, and sends them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.aws.dead_letters import DeadLetter, DeadLetters, RefusedError
from batchtab.aws.parallel import mapped
from batchtab.cli.connection import connect
from batchtab.cli.options import StageOption
from batchtab.errors import printable
from batchtab.terraform.session import Session

_ERROR_MAX = 120
_KEPT = 1  # exit status: something was not delivered

LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of messages.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _alerts() -> None:
    """Manage undelivered alerts (kept 14 days)."""


@app.command("list")
def list_(stage: StageOption = "local", limit: LimitOption = 100) -> None:
    """List undelivered alerts."""
    session = Session.open(stage)
    show(letters_of(session, connect(session)), limit)


@app.command()
def redrive(
    stage: StageOption = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be sent.")] = False,
    limit: LimitOption = 1000,
) -> int:
    """Re-send undelivered alerts; delete those that succeed. Safe to interrupt and to run twice.

    Exit status 1: some were refused again and stay in the queue.
    """
    session = Session.open(stage)
    letters = letters_of(session, connect(session))
    if dry_run:
        show(letters, limit)
        return 0
    return send_again(letters, limit)


def show(letters: DeadLetters, limit: int) -> int:
    """Prints each message of the queue; returns how many."""
    number = 0
    with closing(looked_at(letters, limit)) as found:
        for letter in found:
            typer.echo(describe(letter))
            number += 1
    more = f" (--limit {limit}: there may be more)" if number == limit else ""
    typer.echo(f"{letters.queue_name}: {_count(number)}{more}")
    return number


def looked_at(letters: DeadLetters, limit: int) -> Generator[DeadLetter]:
    """Each message of the queue; after the last, others may have them again."""
    received: list[DeadLetter] = []
    try:
        for batch in _batches(letters, limit):
            received += batch
            yield from batch
    finally:
        letters.release(received)


def _complain(text: str) -> None:
    typer.echo(text, err=True)


def send_again(
    letters: DeadLetters,
    limit: int,
    say: Callable[[str], None] = typer.echo,
    complain: Callable[[str], None] = _complain,
) -> int:
    """Sends each message to the alert function; returns the exit status.

    Args:
        letters: The queue.
        limit: The maximum number of messages.
        say: Called with the outcome of each, and of all.
        complain: Called with those that were refused.
    """

    def send(letter: DeadLetter) -> str | None:
        """The function's answer; None if it refused."""
        try:
            outcome = letters.deliver(letter)
        except RefusedError as error:
            complain(f"{describe(letter)}: refused: {_line(str(error))}")
            return None
        letters.delete(letter)  # only now: if interrupted before, it is in the queue again, and sent once if quiet
        say(f"{describe(letter)}: {outcome}")
        return outcome

    sent, refused = 0, list[Any]()
    try:
        # Of quiet alerts the first of a batch gathers the others, which go into its message.
        for batch in _batches(letters, limit):
            for letter, outcome in zip(batch, mapped(send, batch, 10), strict=True):
                sent += outcome is not None
                refused += [letter] if outcome is None else []
            if len(refused) >= len(batch) and not sent:
                break  # Slack is still away: each try takes the function's time
    finally:
        letters.release(refused)
    say(f"{letters.queue_name}: {sent} sent and deleted, {len(refused)} refused and kept")
    return _KEPT if refused else 0


def describe(letter: DeadLetter) -> str:
    """A message in one line: since when it is there, which job, what is known."""
    error = f" [{_line(letter.error)}]" if letter.error else ""
    return f"{came(letter):%Y-%m-%dT%H:%M:%SZ}  {what(letter)}{error}"


def came(letter: DeadLetter) -> datetime:
    """Since when it is there."""
    return datetime.fromtimestamp(letter.sent_ms / 1000, UTC)


def job_id(letter: DeadLetter) -> str:
    """The job that it is about; empty if it names none."""
    detail = _detail(_event(letter))
    return str(detail.get("job_id") or detail.get("jobId") or "")


def _event(letter: DeadLetter) -> dict[str, Any]:
    event = _object(letter.body)
    return _object(event.get("requestPayload")) or event


def _detail(event: dict[str, Any]) -> dict[str, Any]:
    return _object(event.get("job")) or _object(event.get("detail"))


def what(letter: DeadLetter) -> str:
    """What an event is about, whoever put it there."""
    event = _event(letter)
    if event.get("batchtab") == "sweep":
        return "the sweep, which comes each minute"
    detail = _detail(event)
    name = detail.get("name") or detail.get("jobName")
    if not name:
        return "an event that names no job"
    status = "blocks its queue" if event.get("detail-type") == "Batch Job Queue Blocked" else detail.get("status", "?")
    return _line(f"{name} {status} {job_id(letter)}")


def _batches(letters: DeadLetters, limit: int) -> Iterator[list[DeadLetter]]:
    """The queue's messages, each once; one that reappears meanwhile, as it was hidden long, is left."""
    seen: set[str] = set()
    while len(seen) < limit:
        batch = letters.receive()
        fresh = [letter for letter in batch if letter.id not in seen][: limit - len(seen)]
        letters.release([letter for letter in batch if letter not in fresh and letter.id not in seen])
        seen |= {letter.id for letter in fresh}
        if not fresh:
            return
        yield fresh


def letters_of(session: Session, aws: Aws) -> DeadLetters:
    """A stage's queue.

    Raises:
        UsageError: there is none.
    """
    config = session.catalog.stage
    letters = DeadLetters(aws, config.prefix)
    try:
        letters.url()
    except LookupError:
        raise answers.not_deployed(f"alerts: there is no queue {letters.queue_name} in {config.region}") from None
    return letters


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _count(number: int) -> str:
    return "empty" if number == 0 else f"{number} alert{'s' if number > 1 else ''} not delivered"


def _line(text: str) -> str:
    short = printable(text)
    return short if len(short) <= _ERROR_MAX else f"{short[: _ERROR_MAX - 1]}…"
