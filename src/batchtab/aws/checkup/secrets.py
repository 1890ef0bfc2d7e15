"""Secrets: those that jobs and alerts read exist and are not about to be deleted. No value is ever read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from botocore.exceptions import ClientError

from batchtab.aws.checkup.check import Check, Question, UncheckedError
from batchtab.aws.checkup.finding import Finding, fail
from batchtab.aws.checkup.survey import Survey
from batchtab.declarations.one_job import OneJob
from batchtab.declarations.sidecars import Sidecar

_NAME = "secrets"
_MOST = 200  # calls to Secrets Manager
_NAMES_AT_ONCE = 25  # DescribeParameters takes 50 values, and each name is asked for in two forms


def checks(survey: Survey) -> list[Check]:
    """The secrets of Secrets Manager and the parameters of SSM."""
    by_arn = used(survey)
    here = f":{survey.stage.region}:{survey.stage.account_id}:"
    own = {arn: who for arn, who in by_arn.items() if here in arn}
    secrets = {arn: who for arn, who in own.items() if ":secretsmanager:" in arn}
    parameters = {arn.partition(":parameter/")[2]: who for arn, who in own.items() if ":ssm:" in arn}
    questions = [
        Question(f"secret {_secret_name(arn)}", _secret(survey, arn, secrets[arn])) for arn in list(secrets)[:_MOST]
    ]
    if more := len(secrets) - _MOST if len(secrets) > _MOST else 0:
        questions.append(Question(f"{more} secrets", _too_many))
    listed = list(parameters)
    for begin in range(0, len(listed), _NAMES_AT_ONCE):
        some = {name: parameters[name] for name in listed[begin : begin + _NAMES_AT_ONCE]}
        more_words = f" and {len(some) - 1} more" if len(some) > 1 else ""
        questions.append(Question(f"parameter {next(iter(some))}{more_words}", _parameters(survey, some)))
    others = len(by_arn) - len(own)
    good = f"{len(own)} secrets and parameters exist"
    good += f" ({others} elsewhere not checked)" if others else ""
    return [Check(_NAME, good, questions)] if questions else []


def used(survey: Survey) -> dict[str, str]:
    """ARNs to who reads them; what follows a secret's name (its key, its version) is cut off."""
    stage = survey.stage
    found: dict[str, str] = {}
    for job in survey.jobs:
        references: set[str] = set()
        containers: list[OneJob | Sidecar] = [job.spec, *job.spec.containers.values()]
        for each in containers:
            references |= {*each.secrets.values(), *each.log.secret_options.values()}
            references |= {each.registry_credentials} if each.registry_credentials else set()
        definition = survey.definition(job)
        for reference in sorted(references | (definition.secrets if definition else set())):
            found.setdefault(_bare(stage.secret_arn(_qualified(reference))), f"job {job.full}")
    if stage.alerts.webhook_secret_arn:
        found.setdefault(_bare(stage.alerts.webhook_secret_arn), "alerts")
    return found


def _qualified(reference: str) -> str:
    """In a definition a parameter of the same region may be a name alone."""
    return reference if reference.startswith(("arn:", "ssm:", "secretsmanager:")) else f"ssm:{reference}"


def _bare(arn: str) -> str:
    return ":".join(arn.split(":")[:7]) if ":secretsmanager:" in arn else arn


def _secret_name(arn: str) -> str:
    return arn.partition(":secret:")[2]


def _secret(survey: Survey, arn: str, who: str) -> Callable[[], Iterator[Finding]]:
    name = _secret_name(arn)
    subject = f"secret {name}"

    def ask() -> Iterator[Finding]:
        try:
            found = survey.client("secretsmanager").describe_secret(SecretId=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            fix = f"aws secretsmanager create-secret --name {shlex.quote(name)} --secret-string file://FILE"
            yield fail(_NAME, subject, f"does not exist, and {who} reads it", f"{fix} {survey.where}")
            return
        if when := found.get("DeletedDate"):
            fix = f"aws secretsmanager restore-secret --secret-id {shlex.quote(name)} {survey.where}"
            yield fail(_NAME, subject, f"is scheduled for deletion on {when:%Y-%m-%d}, and {who} reads it", fix)

    return ask


def _too_many() -> Iterator[Finding]:
    raise UncheckedError(f"only {_MOST} are asked for")


def _parameters(survey: Survey, wanted: dict[str, str]) -> Callable[[], Iterator[Finding]]:
    def ask() -> Iterator[Finding]:
        there = {name.removeprefix("/") for name in _described(survey, list(wanted))}
        for name, who in wanted.items():
            if name not in there:
                path = f"/{name}" if "/" in name else name
                fix = f"aws ssm put-parameter --name {shlex.quote(path)} --type SecureString --value file://FILE"
                text = f"does not exist, and {who} reads it"
                yield fail(_NAME, f"parameter {path}", text, f"{fix} {survey.where}")

    return ask


def _described(survey: Survey, names: Sequence[str]) -> Iterator[str]:
    # An ARN does not say whether the name begins with a slash.
    values = [form for name in names for form in ([f"/{name}"] if "/" in name else [name, f"/{name}"])]
    chosen = [{"Key": "Name", "Option": "Equals", "Values": values}]
    pages = survey.client("ssm").get_paginator("describe_parameters").paginate(ParameterFilters=chosen)
    for page in pages:
        yield from (each["Name"] for each in page["Parameters"])
