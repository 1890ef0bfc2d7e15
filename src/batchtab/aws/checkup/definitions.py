"""Whether each declared job has a definition that Batch runs."""

from __future__ import annotations

from collections.abc import Iterator

from batchtab.aws.checkup.check import Check, Question, UncheckedError
from batchtab.aws.checkup.finding import Finding, fail
from batchtab.aws.checkup.survey import Survey
from batchtab.errors import listed


def checks(survey: Survey) -> list[Check]:
    """The job definitions."""
    number = len(survey.jobs)
    question = Question("job definitions", lambda: _missing(survey))
    good = "the job's definition is ACTIVE" if number == 1 else f"definitions of all {number} jobs are ACTIVE"
    return [Check("definitions", good, [question])] if number else []


def _missing(survey: Survey) -> Iterator[Finding]:
    definitions = survey.definitions.get()
    missing = [job for job in survey.jobs if survey.definition(job) is None]
    if not missing:
        return
    if definitions.read is not None:
        text = f"{len(missing)} jobs have no definition among the {definitions.read:,} that were read of more"
        raise UncheckedError(text)
    if len(missing) == len(survey.jobs):
        text = f"none of {len(missing)} jobs has one: nothing is deployed" if len(missing) > 1 else "is not deployed"
        yield fail("definitions", "job definitions", text, survey.deploy)
        return
    for job in missing[:10]:
        yield fail("definitions", f"job {job.full}", "has no ACTIVE definition and cannot run", survey.deploy)
    if more := missing[10:]:
        text = f"{len(more)} more have no ACTIVE definition: {listed(job.full for job in more)}"
        yield fail("definitions", "jobs", text, survey.deploy)
