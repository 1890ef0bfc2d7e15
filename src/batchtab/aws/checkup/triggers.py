"""Triggers: each declared job's rule or schedule is there and on, and none is there without a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchtab import limits, names
from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, fail, warn
from batchtab.aws.checkup.survey import Survey
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import how_many

_NAME = "triggers"
_SHOWN = 10


@dataclass(frozen=True)
class Expected:
    """A trigger that a declared job has. Only a schedule has a group."""

    job: NamedJob
    name: str
    group: str = ""

    @property
    def noun(self) -> str:
        """In AWS's words."""
        return f"schedule {self.name}" if self.group else f"rule {self.name}"


def checks(survey: Survey) -> list[Check]:
    """The rules and the schedules."""
    wanted = expected(survey)
    rules = Question("rules", lambda: [*_missing(survey, wanted, of_rules=True), *_rules_without_jobs(survey, wanted)])
    schedules = Question(
        "schedules", lambda: [*_missing(survey, wanted, of_rules=False), *_schedules_without_jobs(survey, wanted)]
    )
    good = f"{how_many(len(wanted), 'trigger')} of declared jobs, and no other"
    return [Check(_NAME, good, [rules, schedules])] if survey.is_deployed else []


def expected(survey: Survey) -> list[Expected]:
    """The triggers of all declared jobs."""
    found = []
    for job in survey.jobs:
        full, timing = survey.definition_name(job), job.spec.timing
        if timing is not None and timing.trigger == "schedule":
            group = names.schedule_group(survey.stage.prefix, job.service)
            found.append(Expected(job, names.schedule(full), group))
        elif timing is not None:
            found.append(Expected(job, names.rule(full)))
        if job.spec.upstream:
            found.append(Expected(job, names.after_rule(full)))
    return found


def _missing(survey: Survey, wanted: list[Expected], *, of_rules: bool) -> Iterator[Finding]:
    rules = survey.rules.get() if of_rules else {}
    schedules = {} if of_rules else survey.schedules.get()
    for each in wanted:
        if bool(each.group) is of_rules:
            continue
        is_on = schedules.get((each.group, each.name)) if each.group else rules.get(each.name)
        if is_on is None:
            if survey.definition(each.job) or survey.definitions.error:  # else nothing of the job is deployed
                yield fail(_NAME, f"job {each.job.full}", f"has no {each.noun}, so nothing starts it", survey.deploy)
        elif not is_on and not each.job.spec.suspend:
            command = f"batchtab resume {each.job.full} --stage {survey.stage.name}"
            yield warn(_NAME, f"job {each.job.full}", f"is paused: its {each.noun} is DISABLED", command)
        elif is_on and each.job.spec.suspend:
            text = f"says suspend: true, and its {each.noun} is ENABLED"
            yield warn(_NAME, f"job {each.job.full}", text, survey.deploy)


def _rules_without_jobs(survey: Survey, wanted: list[Expected]) -> Iterator[Finding]:
    known = {each.name for each in wanted if not each.group}
    prefix = f"{survey.stage.prefix}-"
    extra = [
        name
        for name in survey.rules.get()
        # Rules of alerts and of runs have names that no job may have.
        if name not in known and survey.is_own(name) and not _is_of_stage(name.removeprefix(prefix))
    ]
    yield from _without_jobs(
        survey, [(f"rule {name}", f"aws events disable-rule --name {name}") for name in sorted(extra)]
    )


def _is_of_stage(name: str) -> bool:
    return limits.RESERVED_JOB_NAME.refusal(name) is not None


def _schedules_without_jobs(survey: Survey, wanted: list[Expected]) -> Iterator[Finding]:
    known = {(each.group, each.name) for each in wanted if each.group}
    extra = [each for each in survey.schedules.get() if each not in known and survey.is_own(each[1])]
    commands = [
        (f"schedule {name}", f"aws scheduler delete-schedule --name {name} --group-name {group}")
        for group, name in sorted(extra)
    ]
    yield from _without_jobs(survey, commands)


def _without_jobs(survey: Survey, found: list[tuple[str, str]]) -> Iterator[Finding]:
    for subject, command in found[:_SHOWN]:
        text = "belongs to no job of the files"
        yield warn(_NAME, subject, text, f"{command} {survey.where}")
    if more := len(found) - _SHOWN if len(found) > _SHOWN else 0:
        text = f"belong to no job of the files, such as {found[_SHOWN][0]}"
        yield warn(_NAME, f"{more} more", text, f"batchtab plan --all --stage {survey.stage.name}")
