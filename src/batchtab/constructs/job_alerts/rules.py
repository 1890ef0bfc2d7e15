"""Which events reach the function: rules, and what lets each of them in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from batchtab.constructs._terraform import job_events
from batchtab.constructs._terraform.aws import (
    CloudwatchEventRule,
    CloudwatchEventTarget,
    CloudwatchEventTargetRetryPolicy,
    LambdaEventSourceMapping,
    LambdaPermission,
)
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map, choose, hcl, is_set, not_empty
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

#: The names of the rules, with their namespace in front, for policies that allow them.
NAMES = ("failed-job-*", "blocked-queue-*", "alerts-sweep")


def on_jobs(
    scope: BatchtabConstruct,
    label: str,
    namespace: str,
    job_queue_arns: Any,
    kind: str,
    detail: Mapping[str, Any],
    tags: Any,
) -> ResourceRef:
    """Rules on one kind of Batch's events."""
    return job_events.rules_on_jobs(
        scope,
        label,
        namespace=namespace,
        job_queue_arns=job_queue_arns,
        kind=kind,
        detail=detail,
        description={"failed_job": "Jobs that ended.", "blocked_queue": "Jobs that block their queue."}[label],
        tags=tags,
    )


def connect(
    scope: BatchtabConstruct, rule: ResourceRef, label: str, function: ResourceRef, dead_letter_queue: ResourceRef
) -> None:
    """Lets rules invoke the function, and only these; what they cannot deliver is kept."""
    prefix = "" if label == "failed_job" else f"{label}_"
    permission = create_resource(
        scope,
        LambdaPermission,
        f"{prefix}permission",
        for_each=Expression.of(rule.address),
        statement_id=f"{label.replace('_', '-')}-${{each.key}}",
        action="lambda:InvokeFunction",
        function_name=function["function_name"],
        principal="events.amazonaws.com",
        source_arn=Expression.of("each.value.arn"),
    )
    job_events.deliver(
        scope, f"{prefix}target", rule, function, dead_letter_queue["arn"], depends_on=[permission.address]
    )


def sweep(scope: BatchtabConstruct, namespace: str, when: Condition, function: ResourceRef, tags: Any) -> None:
    """Lets the function look each minute for what was left behind."""
    if when is False:
        return
    rule = create_resource(
        scope,
        CloudwatchEventRule,
        "sweep",
        when=when,
        name=f"{namespace}-alerts-sweep",
        description="Alerts that were left behind.",
        schedule_expression="rate(1 minute)",
        tags=as_map(tags),
    )
    permission = create_resource(
        scope,
        LambdaPermission,
        "sweep_permission",
        when=when,
        statement_id="sweep",
        action="lambda:InvokeFunction",
        function_name=function["function_name"],
        principal="events.amazonaws.com",
        source_arn=rule.get("arn"),
    )
    create_resource(
        scope,
        CloudwatchEventTarget,
        "sweep_target",
        when=when,
        rule=rule.get("name"),
        arn=function["arn"],
        input=document({"batchtab": "sweep"}),
        retry_policy=CloudwatchEventTargetRetryPolicy(maximum_event_age_in_seconds=60, maximum_retry_attempts=0),
        depends_on=[permission.address],
    )


def on_triggers(
    scope: BatchtabConstruct,
    dead_letter_queue_arn: str | None,
    further: Any,
    function: ResourceRef,
    role_policy: str,
    tags: Any,
) -> None:
    """Lets the function read the triggers' dead-letter queues: each message is a run that was not submitted."""
    mapping = partial(
        create_resource,
        scope,
        LambdaEventSourceMapping,
        function_name=function["arn"],
        batch_size=10,
        tags=as_map(tags),
        depends_on=[role_policy],
    )
    mapping("trigger_mapping", when=is_set(dead_letter_queue_arn), event_source_arn=dead_letter_queue_arn)
    if not_empty(further) is not False:
        # By numbers, because of a queue that is yet to be made Terraform knows no ARN.
        numbered = f"{{ for index, arn in {hcl(further)} : tostring(index + 1) => arn }}"
        mapping(
            "further_trigger_mapping", for_each=Expression.of(numbered), event_source_arn=Expression.of("each.value")
        )


def trigger_grants(dead_letter_queue_arn: str | None, further: Any) -> list[tuple[list[str], Any]]:
    """What Lambda needs to read those queues."""
    actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return [(actions, choose(is_set(dead_letter_queue_arn), [dead_letter_queue_arn], [])), (actions, further)]
