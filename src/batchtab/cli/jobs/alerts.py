"""`batchtab alerts`: what could not be told to Slack, and telling it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from batchtab.aws import answers
from batchtab.aws.dead_letters import DeadLetter, DeadLetters, RefusedError
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
    show(_letters(stage), limit)


@app.command()
def redrive(
    stage: StageOption = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be sent.")] = False,
    limit: LimitOption = 1000,
) -> int:
    """Re-send undelivered alerts; delete those that succeed. Safe to interrupt and to run twice.

    Exit status 1: some were refused again and stay in the queue.
    """
    letters = _letters(stage)
    if dry_run:
        show(letters, limit)
        return 0
    return tell_again(letters, limit)


def show(letters: DeadLetters, limit: int) -> int:
    """Prints each message of the queue; returns how many."""
    held: list[DeadLetter] = []
    try:
        for batch in _batches(letters, limit):
            held += batch
            for letter in batch:
                typer.echo(describe(letter))
    finally:
        letters.release(held)
    more = f" (--limit {limit}: there may be more)" if len(held) == limit else ""
    typer.echo(f"{letters.queue_name}: {_count(len(held))}{more}")
    return len(held)


def tell_again(letters: DeadLetters, limit: int) -> int:
    """Gives each message to the alert function; returns the exit status."""

    def tell(letter: DeadLetter) -> str | None:
        """The function's answer; None if it refused."""
        try:
            outcome = letters.deliver(letter)
        except RefusedError as error:
            typer.echo(f"{describe(letter)}: refused: {_line(str(error))}", err=True)
            return None
        letters.delete(letter)  # only now: what is cut off before is there again, and told once all the same if quiet
        typer.echo(f"{describe(letter)}: {outcome}")
        return outcome

    told, refused = 0, list[Any]()
    try:
        # Of quiet alerts the first of a batch gathers the others, which go into its message.
        with ThreadPoolExecutor(10) as pool:
            for batch in _batches(letters, limit):
                for letter, outcome in zip(batch, pool.map(tell, batch), strict=True):
                    told += outcome is not None
                    refused += [letter] if outcome is None else []
                if len(refused) >= len(batch) and not told:
                    break  # Slack is still away: each try takes the function's time
    finally:
        letters.release(refused)
    typer.echo(f"{letters.queue_name}: {told} told and deleted, {len(refused)} refused and kept")
    return _KEPT if refused else 0


def describe(letter: DeadLetter) -> str:
    """A message in one line: since when it lies there, which job, what is known."""
    when = datetime.fromtimestamp(letter.sent_ms / 1000, UTC)
    error = f" [{_line(letter.error)}]" if letter.error else ""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}  {_what(letter.body)}{error}"


def _what(body: str) -> str:
    """What an event is about, whoever put it there."""
    event = _object(body)
    event = _object(event.get("requestPayload")) or event
    if event.get("batchtab") == "sweep":
        return "the sweep, which comes each minute"
    detail = _object(event.get("job")) or _object(event.get("detail"))
    name = detail.get("name") or detail.get("jobName")
    if not name:
        return "an event that names no job"
    status = "blocks its queue" if event.get("detail-type") == "Batch Job Queue Blocked" else detail.get("status", "?")
    job_id = detail.get("job_id") or detail.get("jobId") or ""
    return _line(f"{name} {status} {job_id}")


def _batches(letters: DeadLetters, limit: int) -> Iterator[list[DeadLetter]]:
    """What lies in the queue, each message once; what comes back meanwhile, because it was hidden long, is left."""
    seen: set[str] = set()
    while len(seen) < limit:
        batch = letters.receive()
        fresh = [letter for letter in batch if letter.id not in seen][: limit - len(seen)]
        letters.release([letter for letter in batch if letter not in fresh and letter.id not in seen])
        seen |= {letter.id for letter in fresh}
        if not fresh:
            return
        yield fresh


def _letters(stage: str) -> DeadLetters:
    session = Session.open(stage)
    config = session.catalog.stage
    letters = DeadLetters(connect(session), config.prefix)
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
