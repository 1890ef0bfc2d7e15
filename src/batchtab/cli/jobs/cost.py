"""`batchtab cost`: what the runs of a stage cost, by their times and sizes, and what they would cost elsewhere.

Calls of AWS: those that `aws.run_usage` states, with at most 5 calls of GetLogEvents for each job, and for the 40
dearest jobs; those of `aws.noted_runs`, of at most 2,000 records of a job; and GetCallerIdentity.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from batchtab.aws.client import Aws
from batchtab.aws.noted_runs import noted
from batchtab.aws.parallel import mapped
from batchtab.aws.run_usage import MOST_JOBS, RunUsage, UsedRun
from batchtab.aws.runs import Runs
from batchtab.cli.connection import connect
from batchtab.cli.explain import ExplainOption
from batchtab.cli.jobs import cost_table
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.cli.jobs.cost_table import Report
from batchtab.cli.options import AnyJobArgument, StageOption
from batchtab.cli.output import Output, OutputOption
from batchtab.cli.progress import Step
from batchtab.cli.spans import span
from batchtab.costs import sizing, usage
from batchtab.costs.prices import Prices
from batchtab.costs.sizing import Smaller
from batchtab.costs.usage import Run, Size
from batchtab.declarations.named_jobs import NamedJob, all_jobs, find
from batchtab.declarations.stage import StageConfig
from batchtab.errors import how_many
from batchtab.terraform.session import Session

_MEASURED = 5  # runs of a job
_MEASURED_JOBS = 40


def cost(
    job: AnyJobArgument = None,
    stage: StageOption = "local",
    since: Annotated[str, typer.Option("--since", help="Only runs of the last 12h, 30d or 4w.")] = "30d",
    prices: Annotated[
        Path | None, typer.Option("--prices", help="A file of prices. Default: the package's, for the region.")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option("--family", help="EC2 instance family to compare with, from the file. Default: the file's."),
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory/--no-memory", help="Read peak memory of 5 runs of each job from their logs.")
    ] = True,
    output: OutputOption = Output.TABLE,
    explain: ExplainOption = False,
) -> None:
    """Show what runs cost, and would cost on Fargate, Fargate Spot, Fargate on ARM and EC2; most expensive job first.

    Run times and sizes come from Batch, which keeps jobs for about a week after their end; a line below the table
    estimates older runs. Costs are these times public
    prices: an estimate, not a bill. If no run used all of its memory, a smaller size is suggested.
    """
    session = Session.open(stage)
    now = datetime.now(UTC)
    begin = now - span(since, "cost")
    known = Prices.load(session.catalog.stage.region, prices, family)
    chosen = [find(session.catalog, job, "cost")] if job else list(all_jobs(session.catalog))
    if explain:
        for line in AwsCommands(session).of_cost(chosen, begin):
            typer.echo(line)
        return
    aws = connect(session)
    with Step("Reading runs") if sys.stderr.isatty() else nullcontext() as step:  # elsewhere an error is one line
        at = step.at if step is not None else _say_nothing
        found = report(session, aws, chosen, known, (begin, now), at, measure=memory)
        if step is not None:
            step.result = f"{how_many(found.total.runs, 'run')} of {how_many(len(found.costs), 'job')}"
    cost_table.show(found, output)


def _say_nothing(_: str) -> None: ...


def report(
    session: Session,
    aws: Aws,
    chosen: Sequence[NamedJob],
    prices: Prices,
    period: tuple[datetime, datetime],
    at: Callable[[str], None] = _say_nothing,
    *,
    measure: bool,
) -> Report:
    """What the runs of jobs cost.

    Args:
        session: The stage.
        aws: Its AWS.
        chosen: The jobs.
        prices: Those of the region.
        period: From when until when.
        at: Called with what it is at.
        measure: Whether to read peak memory from logs.
    """
    config = session.catalog.stage
    begin, now = period
    reader, names = RunUsage(aws, config.prefix), [job.full for job in chosen]
    found_records = noted(Runs(aws, config.prefix), chosen, MOST_JOBS, begin, now)
    records, is_cut = found_records.records, found_records.partly > 0
    details = []
    for queue in config.environment.queues:
        physical = session.catalog.job_queue_name(queue)
        found, more = (
            reader.of_one(physical, names[0], begin)
            if len(names) == 1
            else reader.of_all(physical, frozenset(names), begin)
        )
        details += found
        is_cut |= more
    ids = {each["jobId"] for each in details}
    submitted = [record for record in records if record.job_id and record.job_id not in ids]
    is_cut |= len(submitted) > MOST_JOBS
    submitted = submitted[:MOST_JOBS]
    details += reader.described([record.job_id for record in submitted])
    used = sorted((reader.read(each, now) for each in details), key=lambda run: run.created, reverse=True)
    ids |= {run.job_id for run in used}
    queues = {session.catalog.job_queue_name(queue): config.capacity_of(queue) for queue in config.environment.queues}
    costs = []
    used_of: dict[str, list[UsedRun]] = {name: [] for name in names}
    for run in used:
        used_of.setdefault(run.job, []).append(run)
    forgotten_of = Counter(record.job for record in submitted if record.job_id not in ids)
    runs_of: dict[str, tuple[list[UsedRun], list[Run]]] = {}
    for name in names:
        of_job = used_of[name]
        runs = [_run(run, queues.get(run.queue, "EC2")) for run in of_job]
        forgotten = forgotten_of[name]
        if not runs and not forgotten:
            continue
        costs.append(usage.of_job(name, runs, prices, forgotten))
        runs_of[name] = of_job, runs
    costs.sort(key=lambda each: (-(each.money.now or 0), -each.hours, each.job))
    smaller: dict[str, Smaller] = {}
    for each in costs[:_MEASURED_JOBS] if measure else ():
        at(f"memory of {each.job}")
        if less := _smaller(reader, *runs_of[each.job], prices):
            smaller[each.job] = less
    return Report(
        costs=tuple(costs),
        total=usage.total(costs),
        smaller=smaller,
        prices=prices,
        since=begin,
        until=now,
        oldest=min((run.created for run in used), default=None),
        listed_at_most=MOST_JOBS if is_cut else None,
        unmeasured=max(0, len(costs) - _MEASURED_JOBS) if measure else 0,
        idle=_idle(config, prices, now - begin),
        is_local=config.is_local,
    )


def _run(run: UsedRun, capacity: str) -> Run:
    size = Size(run.vcpus, run.memory_mib, run.gpus, run.architecture)
    return Run(run.job, size, capacity, run.seconds, run.estimated_seconds, run.estimated_attempts)


def _smaller(reader: RunUsage, used: Sequence[UsedRun], runs: Sequence[Run], prices: Prices) -> Smaller | None:
    """Of the newest runs of the newest size; of several containers the runner measures one, and their size is all's."""
    size = runs[0].size if runs else None
    streams = [
        run.log_stream
        for run, one in zip(used, runs, strict=True)
        if run.log_stream and run.is_alone and one.size == size
    ][:_MEASURED]
    peaks = [peak for peak in mapped(reader.peak_memory_mib, streams) if peak is not None]
    return sizing.smaller(runs, peaks, prices)


def _idle(config: StageConfig, prices: Prices, period: timedelta) -> tuple[int, float]:
    """The vCPUs that are kept running, and what they cost in a period, jobs or not."""
    vcpus = usd = 0.0
    for environment in config.compute_environments.values():
        if environment.is_fargate:
            continue
        share = prices.spot_share(fargate=False) if environment.capacity == "SPOT" else 1
        vcpus += environment.min_vcpus
        usd += environment.min_vcpus * prices.family.usd_per_vcpu_hour * share * period.total_seconds() / 3600
    return int(vcpus), usd
