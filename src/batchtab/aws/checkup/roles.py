"""Roles: those that job definitions and triggers name exist, and trust the services that take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from batchtab import limits, names
from batchtab.aws.checkup.check import Check, Question, UncheckedError
from batchtab.aws.checkup.finding import Finding, fail
from batchtab.aws.checkup.survey import Survey

_NAME = "roles"
_ONE_BY_ONE = 50  # of more all of the account are listed
_PAGES_MOST = 10  # of a thousand roles; an account has 5,000 at most
_TASKS = "ecs-tasks.amazonaws.com"
_TRIGGERS = ("events.amazonaws.com", "scheduler.amazonaws.com")


@dataclass
class _Wanted:
    """A role that something names.

    Attributes:
        who: What names it.
        services: Which have to be able to take it.
    """

    who: str
    services: set[str] = field(default_factory=set)


def checks(survey: Survey) -> list[Check]:
    """The roles."""
    wanted = _wanted(survey)
    find = _one(survey) if len(wanted) <= _ONE_BY_ONE else None
    good = f"{len(wanted)} roles exist and trust the services that take them"
    if find:
        questions = [Question(f"role {name}", _asking(survey, find, name, its)) for name, its in wanted.items()]
    else:
        questions = [Question(f"{len(wanted)} roles", lambda: _of_all(survey, wanted))]
    return [Check(_NAME, good, questions)] if wanted else []


def _wanted(survey: Survey) -> dict[str, _Wanted]:
    """The roles by name."""
    stage = survey.stage
    found: dict[str, _Wanted] = {}
    for job in survey.jobs:
        definition = survey.definition(job)
        arns = {arn for arn in (job.spec.job_role_arn, job.spec.execution_role_arn) if arn}
        for arn in sorted(arns | (definition.role_arns if definition else set())):
            found.setdefault(arn.rpartition("/")[2], _Wanted(f"job {job.full}")).services.add(_TASKS)
    if survey.is_deployed:
        trigger = names.shorten(f"{stage.prefix}-trigger", limits.ROLE_NAME_MAX)
        found.setdefault(trigger, _Wanted("the triggers")).services.update(_TRIGGERS)
    return found


def _one(survey: Survey) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        try:
            return survey.client("iam").get_role(RoleName=name)["Role"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return None
            raise

    return find


def _asking(survey: Survey, find: Callable[[str], Any], name: str, wanted: _Wanted) -> Callable[[], Iterator[Finding]]:
    return lambda: _problems(survey, name, wanted, find(name))


def _of_all(survey: Survey, wanted: Mapping[str, _Wanted]) -> Iterator[Finding]:
    there: dict[str, Any] = {}
    following: dict[str, str] = {}
    for _ in range(_PAGES_MOST):
        page = survey.client("iam").list_roles(MaxItems=1000, **following)
        there |= {role["RoleName"]: role for role in page["Roles"]}
        if not page.get("IsTruncated"):
            break
        following = {"Marker": page["Marker"]}
    else:
        raise UncheckedError(f"the account has more than {len(there):,} roles")
    for name, its in wanted.items():
        yield from _problems(survey, name, its, there.get(name))


def _problems(survey: Survey, name: str, wanted: _Wanted, role: Any) -> Iterator[Finding]:
    if role is None:
        yield fail(_NAME, f"role {name}", f"does not exist, needed by {wanted.who}", survey.deploy)
        return
    for service in sorted(wanted.services - trusted(role.get("AssumeRolePolicyDocument") or {})):
        fix = f"{survey.deploy}, or aws iam update-assume-role-policy --role-name {name} --policy-document file://FILE"
        yield fail(_NAME, f"role {name}", f"does not trust {service}, needed by {wanted.who}", fix)


def trusted(policy: Mapping[str, Any]) -> set[str]:
    """The services that a trust policy lets take the role; conditions are not evaluated."""
    found: set[str] = set()
    for statement in _listed(policy.get("Statement")):
        principal = statement.get("Principal")
        actions = _listed(statement.get("Action"))
        if statement.get("Effect") == "Allow" and {"sts:AssumeRole", "sts:*", "*"} & set(actions):
            found |= set(_listed(principal.get("Service"))) if isinstance(principal, dict) else set()
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
