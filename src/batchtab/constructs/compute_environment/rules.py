"""What of an environment's settings goes together: refused at once where it is known, else when Terraform plans."""

from __future__ import annotations

from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    any_of,
    hcl,
    is_expression,
    is_set,
    negate,
    one_of,
)
from batchtab.constructs._terraform.resources import ResourceRef, require
from batchtab.declarations.environment import NO_EFFECT_BESIDE, SAY_IN_TEMPLATE, missing_beside, only_for

_ON_HOSTS = (
    "allocation_strategy",
    "user_data",
    "launch_template_id",
    "image_type",
    "image_id",
    "instance_profile_arn",
)


def check_together(made: ResourceRef, *, capacity: Any, min_vcpus: Any, max_vcpus: Any, **given: Any) -> None:
    """Refuses what Batch would refuse, and what would have no effect.

    Args:
        made: The compute environment.
        capacity: Its capacity.
        min_vcpus: Its least vCPUs.
        max_vcpus: Its most vCPUs.
        given: The settings that may be left out.

    Raises:
        ValueError: the values are known.
    """
    on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
    on_hosts = negate(on_fargate)
    on_spot = _equal(capacity, "SPOT")
    shown = f"${{{hcl(capacity)}}}" if is_expression(capacity) else capacity
    known = not any(map(is_expression, (capacity, min_vcpus, max_vcpus)))
    fits: Condition = (
        int(min_vcpus) <= int(max_vcpus) if known else Expression.of(f"{hcl(min_vcpus)} <= {hcl(max_vcpus)}")
    )
    least, most = (f"${{{hcl(value)}}}" if is_expression(value) else value for value in (min_vcpus, max_vcpus))
    require(made, any_of(on_fargate, fits), f"min_vcpus: {least} is more than max_vcpus, {most}.")
    for name in _ON_HOSTS:
        left_out = negate(is_set(given[name]))
        require(made, any_of(on_hosts, left_out), f"{name}: {only_for('EC2 and SPOT', shown)}.")
    left_out = negate(is_set(given["bid_percentage"]))
    require(made, any_of(on_spot, left_out), f"bid_percentage: {only_for('SPOT', shown)}.")
    strategy = given["allocation_strategy"]
    progressive = any_of(negate(is_set(strategy)), _equal(strategy, limits.ALLOCATION_STRATEGIES["EC2"]))
    require(
        made,
        any_of(on_spot, progressive),
        f"allocation_strategy: what begins with SPOT_ {only_for('SPOT', shown)}.",
    )
    supplied = is_set(given["launch_template_id"])
    numbered = is_set(given["launch_template_version"])
    require(
        made,
        any_of(negate(supplied), numbered),
        f"launch_template_version: {missing_beside('launch_template_id')}: give both.",
    )
    require(
        made,
        any_of(supplied, negate(numbered)),
        f"launch_template_id: {missing_beside('launch_template_version')}: give both.",
    )
    require(
        made,
        any_of(negate(supplied), negate(is_set(given["user_data"]))),
        f"user_data: {NO_EFFECT_BESIDE}: {SAY_IN_TEMPLATE}.",
    )


def _equal(value: Any, text: str) -> Condition:
    return Expression.of(f"{hcl(value)} == {hcl(text)}") if is_expression(value) else value == text
