"""Check: questions to AWS about one kind of thing, asked in parallel; what cannot be asked is a warning of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from batchtab.aws import answers
from batchtab.aws.checkup.finding import Finding, Status, warn
from batchtab.aws.checkup.permissions import permission_of
from batchtab.aws.parallel import together
from batchtab.errors import one_line

# What an emulator answers to an operation that it does not have.
_NOT_THERE = {"InvalidAction", "NotImplemented", "UnknownOperationException"}
_NOT_THERE_WORDS = "Unknown action"


@dataclass(frozen=True)
class Question:
    """One thing to look at.

    Attributes:
        subject: What is looked at.
        ask: Returns what is wrong with it; nothing if all is well. AWS's refusals leave it as botocore raises them.
    """

    subject: str
    ask: Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """Questions of one kind.

    Attributes:
        name: Of what it is, such as `roles`.
        good: What is said if none of the questions finds anything.
        questions: In the order in which their findings are shown. A check without any says nothing.
    """

    name: str
    good: str
    questions: Sequence[Question]


class UncheckedError(Exception):
    """A question has no answer, for a reason that is not AWS's; the text says it in one line."""


@dataclass(frozen=True)
class _Outcome:
    """What came of a question: what was found, or why it has no answer.

    Attributes:
        reason: Why it could not be asked; empty if it could.
        fix: What helps.
        is_skipped: Whether the emulator has no such operation.
    """

    found: Sequence[Finding] = ()
    reason: str = ""
    fix: str = ""
    is_skipped: bool = False


def conduct(checks: Sequence[Check], *, is_local: bool) -> list[Finding]:
    """Asks all questions of all checks, several at once, and returns the findings in the checks' order.

    Args:
        checks: What to ask.
        is_local: Whether an emulator answers; what it does not have is left out.
    """
    questions = [question for check in checks for question in check.questions]
    asked = iter(together([partial(_asked, each, is_local) for each in questions]))
    outcomes = [[next(asked) for _ in check.questions] for check in checks]
    return [finding for check, its in zip(checks, outcomes, strict=True) for finding in _findings(check, its)]


def _asked(question: Question, is_local: bool) -> _Outcome:
    try:
        return _Outcome(tuple(question.ask()))
    except UncheckedError as error:
        return _Outcome(reason=str(error))
    except Exception as error:  # botocore raises Python's own too
        said = answers.answer(error)
        if said is None:
            raise
        code, message = _said(error)
        if is_local and (code in _NOT_THERE or _NOT_THERE_WORDS in message):
            return _Outcome(is_skipped=True)
        if code in answers.DENIED:
            permission = permission_of(str(getattr(error, "operation_name", "?")))
            return _Outcome(reason=f"AWS denied {permission}", fix=f"allow {permission}, or AWS_PROFILE=NAME")
        return _Outcome(reason=one_line(said.message), fix=said.hint)


def _said(error: Exception) -> tuple[str, str]:
    """The code and the message of AWS; empty for what never reached it."""
    given = getattr(error, "response", {}).get("Error", {})
    return str(given.get("Code", "")), str(given.get("Message", ""))


def _findings(check: Check, outcomes: Sequence[_Outcome]) -> list[Finding]:
    found = [finding for outcome in outcomes for finding in outcome.found]
    reasons: dict[tuple[str, str], list[str]] = {}  # one line for all that has no answer for the same reason
    for question, outcome in zip(check.questions, outcomes, strict=True):
        if outcome.reason:
            reasons.setdefault((outcome.reason, outcome.fix), []).append(question.subject)
    for (reason, fix), subjects in reasons.items():
        more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
        found.append(warn(check.name, f"{subjects[0]}{more}", f"not checked: {reason}", fix))
    if not found and not all(outcome.is_skipped for outcome in outcomes):
        return [Finding(Status.OK, check.name, check.good)]
    return found
