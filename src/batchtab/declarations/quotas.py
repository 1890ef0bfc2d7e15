"""What stages make, beside what an AWS account may have: notes, because AWS may have raised a quota.

AWS is not asked: what else is in the account is not counted, nor are the roles of `batchtab ci roles`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from batchtab import limits
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.job import JobSpec
from batchtab.declarations.stage import StageConfig
from batchtab.errors import listed
from batchtab.schedules.timing import Timing

_ASK = "ask AWS for more"
_NEVER_RAISED = ", which AWS never raises"
# A quota, and what keeps below it.
_QUOTAS = (
    (limits.RULES_QUOTA, f"with `trigger: schedule` or a timezone a job's times need no rule; or {_ASK}"),
    (limits.ROLES_QUOTA, f"jobs that share a job_role_arn need none of their own; or {_ASK}"),
    (limits.SCHEDULES_QUOTA, _ASK),
    (limits.SCHEDULE_GROUPS_QUOTA, f"fewer services; or {_ASK}"),
    (limits.QUEUES_QUOTA, "fewer queues, or another account or region for a stage"),
    (limits.COMPUTE_ENVIRONMENTS_QUOTA, "another account or region for a stage"),
)
_QUEUES_PER_RULE = 8  # as the rules on events of queues have it
_RULES_ON_QUEUES = 3  # failed jobs, blocked queues, ended runs
_ROLES_OF_A_STAGE = 3  # of triggers, of the two functions
_LOOKED_AHEAD = timedelta(days=7)


def notes(catalogs: Sequence[Catalog], now: datetime) -> Iterator[str]:
    """One line for each quota that the stages of an account pass together; none for local AWS.

    Args:
        catalogs: The stages that are known, each with its services.
        now: From when the schedules are looked at.
    """
    by_region: dict[tuple[str, str], list[Catalog]] = defaultdict(list)
    by_account: dict[tuple[str, str], list[Catalog]] = defaultdict(list)
    numbers: dict[str, dict[str, int]] = {}
    for catalog in catalogs:
        if not catalog.stage.is_local:
            by_region[catalog.stage.account_id, catalog.stage.region].append(catalog)
            by_account[catalog.stage.account_id, ""].append(catalog)
            numbers[catalog.stage.name] = counts(catalog)
    for quota, hint in _QUOTAS:
        for (_, region), together in (by_account if quota.is_global else by_region).items():
            number = sum(numbers[catalog.stage.name][quota.noun] for catalog in together)
            maximum = quota.regional.get(region, quota.maximum)
            if number > maximum:
                allowed = f"an account may have {maximum:,}{f' in {region}' if region else ''}"
                raised = (
                    f" unless AWS has raised that (quota {quota.code})" if quota.code else ", which AWS never raises"
                )
                yield f"{_stages(together)}: note: {number:,} {quota.noun}: {allowed}{raised} [hint: {hint}]"
    for together in by_region.values():
        yield from _burst(together, now)


def counts(catalog: Catalog) -> dict[str, int]:
    """How many of each kind a stage makes, by the quotas' nouns."""
    jobs = _jobs([catalog])
    stage = catalog.stage
    queues = len(stage.environment.queues)
    triggers = Counter(timing.trigger for job in jobs if (timing := job.timing) is not None)
    rules_on_queues = _RULES_ON_QUEUES * -(-queues // _QUEUES_PER_RULE) + stage.alerts.quiet
    return {
        limits.RULES_QUOTA.noun: triggers["rule"] + sum(bool(job.upstream) for job in jobs) + rules_on_queues,
        limits.ROLES_QUOTA.noun: sum(map(_roles, jobs))
        + _ROLES_OF_A_STAGE
        + _roles_of_capacity(stage)
        + stage.alerts.stand_in,
        limits.SCHEDULES_QUOTA.noun: triggers["schedule"],
        limits.SCHEDULE_GROUPS_QUOTA.noun: sum(
            any(timing.trigger == "schedule" for job in service.jobs.values() if (timing := job.timing) is not None)
            for service in catalog.services
        ),
        limits.QUEUES_QUOTA.noun: queues,
        limits.COMPUTE_ENVIRONMENTS_QUOTA.noun: len(stage.compute_environments),
    }


def busiest_minute(timings: Iterable[Timing], now: datetime) -> tuple[datetime, int]:
    """The minute of the next seven days in which most of them are due, and how many; the first of several.

    A rate counts in each minute, because only AWS knows from when it counts.
    """
    due: Counter[datetime] = Counter({now: 0})
    rates = 0
    for timing, number in Counter(timings).items():
        if timing.is_rate:
            rates += number
            continue
        for moment in timing.between(now, now + _LOOKED_AHEAD):
            due[moment] += number
    moment = min(due, key=lambda each: (-due[each], each))
    return moment, due[moment] + rates


def _burst(together: Sequence[Catalog], now: datetime) -> Iterator[str]:
    rate, most = limits.SUBMIT_JOB_PER_SECOND, limits.SUBMIT_JOB_PER_SECOND * limits.SUBMIT_JOB_BURST_SECONDS
    timings = [
        timing
        for job in _jobs(together)
        if not job.suspend and not job.flexible_window_minutes and (timing := job.timing) is not None
    ]
    if len(timings) <= most:
        return
    moment, number = busiest_minute(timings, now)
    if number > most:
        text = (
            f"{number:,} jobs are due at {moment:%Y-%m-%d %H:%M} UTC: Batch takes {rate} SubmitJob a second of an"
            f" account{_NEVER_RAISED}, so the last is submitted {number // rate} seconds later at best"
        )
        yield f"{_stages(together)}: note: {text} [hint: flexible_window_minutes, or other minutes for some of them]"


def _jobs(catalogs: Iterable[Catalog]) -> list[JobSpec]:
    return [job for catalog in catalogs for service in catalog.services for job in service.jobs.values()]


def _roles(job: JobSpec) -> int:
    """Of the program, and one that reads its secrets."""
    return (job.job_role_arn is None) + (job.execution_role_arn is None and bool(job.secrets))


def _roles_of_capacity(stage: StageConfig) -> int:
    """One for the instances of each environment that brings no profile, and one that starts jobs on Fargate."""
    made = stage.compute_environments.values()
    own = sum(not each.is_fargate and each.instance_profile_arn is None for each in made)
    return own + any(each.is_fargate for each in made)


def _stages(catalogs: Sequence[Catalog]) -> str:
    names = [catalog.stage.name for catalog in catalogs]
    return f"stage{'s' if len(names) > 1 else ''} {listed(names)}"
