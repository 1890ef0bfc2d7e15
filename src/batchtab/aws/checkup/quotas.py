"""Quotas of the account that the stage comes near, with what is used of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from batchtab import limits
from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, warn
from batchtab.aws.checkup.survey import Survey

_NAME = "quotas"
_NEAR_PERCENT = 80
#: vCPUs of running tasks, by capacity. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
FARGATE_QUOTAS = {"FARGATE": "L-3032A538", "FARGATE_SPOT": "L-36FBB829"}


def checks(survey: Survey) -> list[Check]:
    """The quotas; local AWS has none."""
    if survey.stage.is_local:
        return []
    questions = [
        Question("quota of job queues", _counted(survey, limits.QUEUES_QUOTA, lambda: len(survey.queues.get()))),
        Question(
            "quota of compute environments",
            _counted(survey, limits.COMPUTE_ENVIRONMENTS_QUOTA, lambda: len(survey.environments.get())),
        ),
        Question("quota of EventBridge rules", _counted(survey, limits.RULES_QUOTA, lambda: len(survey.rules.get()))),
    ]
    for capacity, code in FARGATE_QUOTAS.items():
        vcpus = sum(each.max_vcpus for each in survey.stage.compute_environments.values() if each.capacity == capacity)
        if vcpus:
            questions.append(Question(f"quota of {capacity} vCPUs", _fargate(survey, capacity, code, vcpus)))
    return [Check(_NAME, f"less than {_NEAR_PERCENT} % of {len(questions)} quotas are used", questions)]


def _counted(survey: Survey, quota: limits.Quota, count: Callable[[], int]) -> Callable[[], Iterator[Finding]]:
    def ask() -> Iterator[Finding]:
        region, used = survey.stage.region, count()
        most: float = quota.regional.get(region, quota.maximum)
        if used * 100 < most * _NEAR_PERCENT:  # AWS may have raised it, and is asked only where that matters
            return
        if quota.code:
            most = _applied(survey, "events", quota.code) or most
        if used * 100 >= most * _NEAR_PERCENT:
            raise_it = _raise(survey, "events", quota.code) if quota.code else "another account or region for a stage"
            yield warn(_NAME, quota.noun, f"{used:,} of {most:,.0f} in {region} are there", raise_it)

    return ask


def _fargate(survey: Survey, capacity: str, code: str, vcpus: int) -> Callable[[], Iterator[Finding]]:
    def ask() -> Iterator[Finding]:
        most = _applied(survey, "fargate", code)
        if most is not None and vcpus > most:
            text = f"the account may run {most:,.0f} in {survey.stage.region}, and max_vcpus asks for {vcpus:,}"
            yield warn(_NAME, f"{capacity} vCPUs", text, _raise(survey, "fargate", code, vcpus))

    return ask


def _applied(survey: Survey, service: str, code: str) -> float | None:
    """A quota as it is applied to the account; None where AWS has no such quota in the region."""
    try:
        answer = survey.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchResourceException":
            return None
        raise
    return float(answer["Quota"]["Value"])


def _raise(survey: Survey, service: str, code: str, value: int | str = "N") -> str:
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code}"
        f" --desired-value {value} {survey.where}"
    )
