"""The state bucket: whose it is, how it is protected, and locks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, fail, warn
from batchtab.aws.checkup.survey import Survey

_NAME = "state"
_LOCK = ".tfstate.tflock"
_OF_ANOTHER = {"403", "AccessDenied", "Forbidden"}


def checks(survey: Survey) -> list[Check]:
    """The bucket, and the locks of the stage's states."""
    bucket = survey.stage.state.bucket
    subject = f"state bucket {bucket}"

    def exists() -> Iterator[Finding]:
        try:
            there = survey.bucket.get()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _OF_ANOTHER:
                raise
            text = f"is not of account {survey.stage.account_id}, or the credentials may not s3:ListBucket it"
            yield fail(_NAME, subject, text, "give state.bucket another name, or AWS_PROFILE=NAME")
            return
        if not there:
            yield fail(_NAME, subject, "does not exist", _bootstrap(survey))

    questions = [Question(subject, exists)]
    if survey.bucket.known(otherwise=False):
        questions += _settings(survey, subject)
    found = [Check(_NAME, subject, questions)]
    if survey.bucket.known(otherwise=False):
        locks = Question(f"locks in {bucket}", lambda: _locks(survey))
        found.append(Check("locks", "no state is locked", [locks]))
    return found


def _settings(survey: Survey, subject: str) -> Iterator[Question]:
    aws = survey.aws
    settings: list[tuple[Callable[[str], bool], str]] = [
        (aws.versioning, "keeps no old versions: a state that is lost cannot be restored"),
        (aws.encryption, "has no default encryption"),
        (aws.public_access_blocked, "does not block public access"),
        (lambda bucket: denies_plain_http(aws.bucket_policy(bucket)), "takes requests without TLS"),
    ]
    for is_on, problem in settings:

        def ask(is_on: Callable[[str], bool] = is_on, problem: str = problem) -> Iterator[Finding]:
            if not is_on(survey.stage.state.bucket):
                yield warn(_NAME, subject, problem, _bootstrap(survey))

        yield Question(subject, ask)


def denies_plain_http(policy: dict[str, Any]) -> bool:
    """Whether a bucket's policy denies requests without TLS to everybody."""
    statements = policy.get("Statement") or []
    return any(_is_tls_only(each) for each in (statements if isinstance(statements, list) else [statements]))


def _is_tls_only(statement: Any) -> bool:
    conditions = statement.get("Condition") or {}
    flags = [(conditions.get(name) or {}).get("aws:SecureTransport") for name in ("Bool", "BoolIfExists")]
    everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return statement.get("Effect") == "Deny" and everybody and any(each in ("false", ["false"]) for each in flags)


def _locks(survey: Survey) -> Iterator[Finding]:
    bucket, stage = survey.stage.state.bucket, survey.stage.name
    pages = survey.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{stage}/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", []) if each["Key"].endswith(_LOCK)]
    for key in keys:
        stack = key.removeprefix(f"{stage}/").removesuffix(_LOCK)
        lock = survey.aws.lock(bucket, stage, stack)
        if lock is None:  # its run has just ended
            continue
        age = _age(lock.created)
        text = f"is locked{f' for {age}' if age else ''} by {lock.who} ({lock.operation})"
        fix = f"if that run is gone: batchtab unlock {stack} --stage {stage}"
        yield warn("locks", f"state of stack {stack}", text, fix)


def _age(created: str) -> str:
    """How long ago a moment was: `3 h`; empty if it cannot be read."""
    try:
        minutes = int((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds() // 60)
    except (ValueError, TypeError):
        return ""
    if minutes < 120:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _bootstrap(survey: Survey) -> str:
    # `up` makes the bucket of a local stage.
    return f"batchtab {'up' if survey.stage.is_local else 'bootstrap'} --stage {survey.stage.name}"
