"""Pauses: no job is paused because a run of it failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, warn
from batchtab.aws.checkup.survey import Survey
from batchtab.aws.runs import Runs
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import printable


def checks(survey: Survey) -> list[Check]:
    """The jobs with `pause_on_failure`."""
    jobs = pausing(survey)
    if not jobs or not survey.is_deployed:
        return []
    runs = Runs(survey.aws, survey.stage.prefix)  # here, since boto3 makes clients in one thread at a time
    return [Check("pauses", "no job is paused by a failure", [Question("pauses", lambda: _paused(survey, runs, jobs))])]


def pausing(survey: Survey) -> list[NamedJob]:
    """The jobs that a failure pauses."""
    return [job for job in survey.jobs if job.spec.pause_on_failure]


def _paused(survey: Survey, runs: Runs, jobs: Sequence[NamedJob]) -> Iterator[Finding]:
    states = runs.states([job.full for job in jobs])
    for job in jobs:
        if job.full in states and (paused := states[job.full].paused):
            text = printable(f"is paused since {paused.get('since')}: {paused.get('reason')}")
            yield warn("pauses", f"job {job.full}", text, f"batchtab resume {job.full} --stage {survey.stage.name}")
