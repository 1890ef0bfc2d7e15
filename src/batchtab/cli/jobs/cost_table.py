"""How `batchtab cost` prints what runs cost."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import typer

from batchtab.cli.output import Column, Listing, Output, print_data
from batchtab.cli.spans import words
from batchtab.costs.prices import Prices
from batchtab.costs.sizing import Smaller
from batchtab.costs.usage import JobCost
from batchtab.errors import how_many, listed
from batchtab.schedules.timestamps import utc_text

_WORTH_USD = 0.01


@dataclass(frozen=True)
class Report:
    """What runs cost.

    Attributes:
        costs: Of each job that had runs, the most expensive first.
        total: Of all of them.
        smaller: By job, a smaller memory that would do.
        since: From when runs were looked at.
        until: Until when.
        oldest: When the oldest run was made that Batch knows; None for none.
        listed_at_most: How many jobs of a queue were looked at, if there are more; else None.
        unmeasured: Of how many jobs, the cheapest ones, the memory was not read, as it would take too long.
        idle: How many vCPUs are kept running, and what they cost in that time.
        is_local: Whether the stage is local AWS, which costs nothing.
    """

    costs: tuple[JobCost, ...]
    total: JobCost
    smaller: Mapping[str, Smaller]
    prices: Prices
    since: datetime
    until: datetime
    oldest: datetime | None
    listed_at_most: int | None
    unmeasured: int
    idle: tuple[int, float]
    is_local: bool = False

    @property
    def forgotten_usd(self) -> float | None:
        """What the forgotten runs of all jobs cost, each like its job's others; None where nothing is known of any."""
        guesses = [each.forgotten_usd for each in self.costs if each.forgotten and each.forgotten_usd is not None]
        return sum(guesses) if guesses else None


def show(report: Report, output: Output) -> None:
    """Prints it; below a table are the notes, the last of them on the prices."""
    if output in (Output.JSON, Output.YAML):
        print_data(_as_dict(report), output)
        return
    rows = [*report.costs]
    if output is not Output.NAME and len(rows) > 1:
        rows.append(report.total)
    listing(report, rows).print(rows, output)
    if output is not Output.NAME and rows:
        typer.echo()
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for note in notes(report):
            for line in textwrap.wrap(note, width, break_long_words=False) if width else [note]:
                typer.echo(line)


def listing(report: Report, rows: Sequence[JobCost]) -> Listing[JobCost]:
    """The table of these rows, numbers as wide as the widest."""

    def number(heading: str, cell: Callable[[JobCost], str], *, is_wide: bool = False) -> Column[JobCost]:
        """A column on whose right side its numbers end."""
        width = max(map(len, [heading, *map(cell, rows)]))
        return Column(heading.rjust(width), lambda each: cell(each).rjust(width), is_wide)

    return Listing(
        columns=(
            Column("job", lambda each: each.job),
            number("runs", lambda each: f"{each.runs:,}"),
            number("attempts", lambda each: f"{each.attempts:,}", is_wide=True),
            number("hours", lambda each: _hours(each.hours), is_wide=True),
            number("billed_hours", lambda each: _hours(each.billed_hours), is_wide=True),
            number("vcpu_h", lambda each: _hours(each.vcpu_hours)),
            number("gib_h", lambda each: _hours(each.gib_hours)),
            number("now_usd", lambda each: f"{'~' if each.is_estimated else ''}{_usd(each.money.now)}"),
            number("fargate", lambda each: _usd(each.money.fargate)),
            number("spot", lambda each: _usd(each.money.fargate_spot)),
            number("arm", lambda each: _usd(each.money.fargate_arm)),
            number("ec2", lambda each: _usd(each.money.ec2)),
            number("forgotten", lambda each: f"{each.forgotten:,}", is_wide=True),
            Column("capacity", lambda each: ",".join(each.capacities), is_wide=True),
            Column("size", _sizes, is_wide=True),
        ),
        as_dict=lambda each: _job(each, report.smaller.get(each.job)),
        name=lambda each: each.job,
        note=lambda each: _hint(report.smaller[each.job]) if _is_advised(report, each) else "",
        empty=f"No runs since {utc_text(report.since)}.",
    )


def _is_advised(report: Report, cost: JobCost) -> bool:
    """Whether less memory is worth a line: not of a job that costs nothing either way."""
    return cost.job in report.smaller and (cost.money.now or 0) >= _WORTH_USD


def _hint(smaller: Smaller) -> str:
    runs = how_many(smaller.measured, "run")
    saves = f", saves {_usd(smaller.saved_usd)} USD" if smaller.saved_usd >= 0.005 else ""
    return (
        f"memory_mib {smaller.instead_of_mib} → {smaller.memory_mib} would do{saves}"
        f" (peak of the largest process in {runs}: {smaller.peak_mib:,.0f} MiB)"
    )


def notes(report: Report) -> Iterator[str]:
    """What is to be known below the table."""
    if report.is_local:
        yield "Local AWS costs nothing: this is what these runs would cost on AWS."
    oldest = f"the oldest run that it knows here is of {utc_text(report.oldest)}" if report.oldest else "it knows none"
    period = words(report.until - report.since)
    yield f"Runs of the last {period}. Batch forgets a job about a week after its end; {oldest}."
    if number := report.total.forgotten:
        guess = report.forgotten_usd
        about = "" if guess is None else f", about {_usd(guess)} USD if they were like the others"
        yield f"Not in the table: {number:,} further runs that are recorded and that Batch has forgotten{about}."
    if most := report.listed_at_most:
        yield f"The newest {most:,} jobs of a queue were looked at, and there are more: name a JOB, or --since."
    if report.unmeasured:
        yield f"Memory was not read of the {report.unmeasured:,} cheapest jobs: name a JOB."
    if report.total.is_estimated:
        yield "~ children of arrays that were not looked at one by one are reckoned with the mean of the others."
    vcpus, usd = report.idle
    if vcpus:
        yield f"Not in the table: min_vcpus keeps {vcpus} vCPUs running, jobs or not, for about {_usd(usd)} USD."
    yield (
        f"now_usd: by the queue's capacity. ec2: the share of {report.prices.family_name} instances that are full."
        " spot: Fargate Spot, an estimated share of the price on demand. arm: Fargate on ARM."
    )
    unconfirmed = [*report.prices.unconfirmed()]
    sources = f"not confirmed at a source: {listed(unconfirmed)}" if unconfirmed else "all confirmed at a source"
    yield f"Prices of {report.prices.name} in USD, {sources}."


def _as_dict(report: Report) -> dict[str, Any]:
    vcpus, usd = report.idle
    return {
        "since": utc_text(report.since),
        "until": utc_text(report.until),
        "oldest_known_run": utc_text(report.oldest) if report.oldest else None,
        "is_cut": report.listed_at_most is not None,
        "unmeasured_jobs": report.unmeasured,
        "prices": {
            "file": report.prices.name,
            "currency": "USD",
            "ec2_family": report.prices.family_name,
            "unconfirmed": [*report.prices.unconfirmed()],
        },
        "idle_vcpus": vcpus,
        "idle_usd": round(usd, 2),
        "total": {**_job(report.total, None), "forgotten_usd": _rounded(report.forgotten_usd)},
        "jobs": [_job(each, report.smaller.get(each.job)) for each in report.costs],
    }


def _job(cost: JobCost, smaller: Smaller | None) -> dict[str, Any]:
    return {
        "job": cost.job,
        "runs": cost.runs,
        "attempts": cost.attempts,
        "hours": round(cost.hours, 1),
        "billed_hours": round(cost.billed_hours, 1),
        "vcpu_hours": round(cost.vcpu_hours, 1),
        "gib_hours": round(cost.gib_hours, 1),
        "usd": {name: _rounded(usd) for name, usd in asdict(cost.money).items()},
        "is_estimated": cost.is_estimated,
        "capacities": [*cost.capacities],
        "sizes": [asdict(size) for size in cost.sizes],
        "forgotten_runs": cost.forgotten,
        "forgotten_usd": _rounded(cost.forgotten_usd),
        "smaller_memory": None if smaller is None else {**asdict(smaller), "saved_usd": round(smaller.saved_usd, 2)},
    }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 2)


def _sizes(cost: JobCost) -> str:
    return "; ".join(f"{size.vcpus:g} vCPU {size.memory_mib} MiB" for size in cost.sizes)


def _hours(number: float) -> str:
    return f"{number:,.1f}"


def _usd(number: float | None) -> str:
    return "-" if number is None else f"{number:,.2f}"
