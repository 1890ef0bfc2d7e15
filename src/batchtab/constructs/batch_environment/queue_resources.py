"""The job queues and their scheduling policies in Terraform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.aws import (
    BatchJobQueue,
    BatchJobQueueComputeEnvironmentOrder,
    BatchSchedulingPolicy,
    BatchSchedulingPolicyFairSharePolicy,
)
from batchtab.constructs._terraform.expressions import (
    Expression,
    as_map,
    as_number,
    choose,
    hcl,
    is_expression,
    is_set,
)
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource, require
from batchtab.constructs.batch_environment.queues import Queues

#: Why a job may be stuck at the head of a queue; Batch wants these strings exactly.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html
_STUCK_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)


def scheduling_policy(
    scope: BatchtabConstruct, policies: Expression | Mapping[str, Any], name: str, tags: Any
) -> ResourceRef:
    """A policy for each queue that has one, called as the queue."""
    return create_resource(
        scope,
        BatchSchedulingPolicy,
        "scheduling_policy",
        when=isinstance(policies, Expression) or bool(policies),
        for_each=policies,
        name=name,
        fair_share_policy=BatchSchedulingPolicyFairSharePolicy(
            compute_reservation=as_number(Expression.of("try(each.value.compute_reservation, 0)")),
            share_decay_seconds=as_number(Expression.of("try(each.value.share_decay_seconds, 0)")),
        ),
        blocks={
            "fair_share_policy.share_distribution": (
                Expression.of("try(each.value.share_distribution, {})"),
                {
                    "share_identifier": Expression.of("share_distribution.key"),
                    "weight_factor": Expression.of("share_distribution.value"),
                },
            )
        },
        tags=as_map(tags),
    )


def job_queue(
    scope: BatchtabConstruct,
    queues: Queues,
    *,
    name: str,
    arns: Expression | Mapping[str, Any],
    capacities: Expression | Mapping[str, Any],
    scheduling_policy: ResourceRef,
    runnable_timeout_seconds: Any,
    tags: Any,
) -> ResourceRef:
    """The queues, by their short names.

    Args:
        scope: The environment.
        queues: Their priorities and settings.
        name: What they are called, with `each.key` in it.
        arns: Of all compute environments, by their names.
        capacities: Likewise.
        scheduling_policy: Their policies.
        runnable_timeout_seconds: Of queues that have no other.
        tags: On each.
    """
    blocks: dict[str, tuple[Any, Mapping[str, Any]]] = {}
    order = None
    if queues.has("compute_environments"):
        blocks["compute_environment_order"] = (
            queues.order,
            {
                "order": Expression.of("compute_environment_order.key + 1"),
                "compute_environment": Expression.of(f"{hcl(arns)}[compute_environment_order.value]"),
            },
        )
    else:
        own = Expression.of(f"{hcl(arns)}.{limits.OWN_ENVIRONMENT}")
        own = arns[limits.OWN_ENVIRONMENT] if isinstance(arns, Mapping) else own
        order = [BatchJobQueueComputeEnvironmentOrder(order=1, compute_environment=own)]
    seconds = runnable_timeout_seconds
    reasons: Any = choose(is_set(seconds), list(_STUCK_REASONS), [])
    if queues.has("runnable_timeout_seconds"):
        seconds = queues.of_each("runnable_timeout_seconds", seconds)
        reasons = Expression.of(f"{seconds.text} != null ? {hcl(list(_STUCK_REASONS))} : []")
    blocks["job_state_time_limit_action"] = (
        reasons,
        {
            "action": "CANCEL",
            "max_time_seconds": seconds,
            "reason": Expression.of("job_state_time_limit_action.value"),
            "state": "RUNNABLE",
        },
    )
    state = limits.QUEUE_DEFAULTS["state"]
    policy = scheduling_policy.address
    made = create_resource(
        scope,
        BatchJobQueue,
        "job_queue",
        for_each=queues.priorities,
        name=name,
        priority=as_number(Expression.of("each.value")),
        state=queues.of_each("state", state) if queues.has("state") else state,
        scheduling_policy_arn=(
            Expression.of(f"try({policy}[each.key].arn, null)") if scheduling_policy.when is not False else None
        ),
        compute_environment_order=order,
        blocks=blocks,
        tags=as_map(tags),
    )
    known = isinstance(capacities, Mapping) and not any(map(is_expression, capacities.values()))
    if queues.has("compute_environments") and not (queues.order_is_known and known):
        _require_order(made, queues, capacities)
    return made


def _require_order(made: ResourceRef, queues: Queues, capacities: Any) -> None:
    """What only Terraform knows of the environments that queues name."""
    order, kinds = queues.order.text, hcl(capacities)
    require(
        made,
        Expression.of(f"alltrue([for name in {order} : contains(keys({kinds}), name)])"),
        f'queue_settings: ${{each.key}}: compute_environments names ${{join(", ", {order})}}, and there are'
        f' ${{join(", ", keys({kinds}))}}.',
    )
    on_fargate = f'contains({hcl(list(limits.FARGATE_CAPACITIES))}, lookup({kinds}, name, ""))'
    require(
        made,
        Expression.of(f"length(distinct([for name in {order} : {on_fargate}])) < 2"),
        "queue_settings: ${each.key}: compute_environments mixes Fargate with EC2 or SPOT, which Batch takes in no"
        " queue.",
    )
