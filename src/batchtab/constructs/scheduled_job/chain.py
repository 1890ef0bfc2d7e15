"""One job after another: a rule on the end of jobs, which submits the next one."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import CloudwatchEventRule
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map, hcl, is_expression, pick
from batchtab.constructs._terraform.naming import namespaced, shorten
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

_STATUSES = {"succeeded": ["SUCCEEDED"], "failed": ["FAILED"], "any": ["SUCCEEDED", "FAILED"]}


def rule_name(full_name: str) -> str:
    """The rule's name: the job's, and a dot, which no other job's name can contain."""
    return shorten(f"{full_name}.after", limits.RULE_NAME_MAX)


def rule(
    scope: BatchtabConstruct,
    when: Condition,
    *,
    full_name: str,
    namespace: str | None,
    account: Account,
    after: Any,
    after_status: str,
    state: Any,
    tags: Any,
) -> ResourceRef:
    """The rule on the end of the jobs in `after` or `after_all`.

    It knows them by their job definitions, in any revision, so that a manual run continues the chain too. Batch says
    SUCCEEDED or FAILED once, after the last attempt; an array's children say it as well, and only the parent, which has
    no index, counts.

    See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
    """
    return create_resource(
        scope,
        CloudwatchEventRule,
        "upstream",
        when=when,
        name=rule_name(full_name),
        description="Ends of the jobs that come before.",
        event_pattern=document(
            {
                "source": ["aws.batch"],
                "detail-type": ["Batch Job State Change"],
                "detail": {
                    "status": _statuses(after_status),
                    "jobDefinition": _definitions(namespace, account, after),
                    "arrayProperties": {"index": [{"exists": False}]},
                    "nodeDetails": {"nodeIndex": [{"exists": False}]},
                    # A run that was ended for the next one has not failed.
                    "statusReason": [{"exists": False}, {"anything-but": {"prefix": limits.REPLACED_PREFIX}}],
                },
            }
        ),
        state=state,
        tags=as_map(tags),
    )


def _statuses(after_status: str) -> Any:
    found = pick(after_status, _STATUSES)
    return found if isinstance(found, Expression) else list(found or [])


def _definitions(namespace: str | None, account: Account, after: Any) -> Any:
    """Prefixes of the definitions' ARNs: up to the revision's colon, so that no longer name is meant."""
    if is_expression(after):
        arn = account.arn("batch", f"job-definition/{namespaced(namespace, Expression.of('name'))}:")
        return Expression.of(f"[for name in {hcl(after)} : {{ prefix = {hcl(arn)} }}]")
    return [{"prefix": account.arn("batch", f"job-definition/{namespaced(namespace, name)}:")} for name in after]
