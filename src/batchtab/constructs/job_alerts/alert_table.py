"""What the alerts remember: a table, the routes that Terraform writes into it, and a clock that looks for leftovers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.arguments import Limit, check
from batchtab.constructs._terraform.aws import DynamodbTableItem
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    any_of,
    choose,
    hcl,
    is_expression,
    literal,
    negate,
    not_empty,
)
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource, require

#: What the function does with the table.
ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
_SCHEDULE_KEYS = {"schedule", "job_queue_arn", "late_after_seconds"}
_OPTIONAL_LIMITS: Mapping[str, Limit] = {
    "timezone": limits.TIMEZONE,
    "start": limits.MOMENT,
    "end": limits.MOMENT,
    "flexible_window_minutes": limits.FLEXIBLE_WINDOW_MINUTES,
}
_ROUTE_KEYS = {"channel", "mention", "mute", "service"}


def check_routes(routes: Any, quiet: Condition) -> None:
    """Checks known routes.

    Raises:
        ValueError: a route has a key or a value that is not allowed, or there is no table for it.
    """
    if is_expression(routes):
        return
    if routes and quiet is False:
        raise ValueError("routes: they are kept in the table, which only quiet alerts have: set quiet to true")
    for name, route in routes.items():
        check("routes: a name", name, limits.JOB_NAME)
        unknown = sorted(set(route) - _ROUTE_KEYS)
        if unknown:
            raise ValueError(f"routes: {name}: unknown key {unknown[0]!r}: channel, mention, mute or service")
        check(f"routes: {name}: channel", route.get("channel"), limits.SLACK_CHANNEL)
        check(f"routes: {name}: mention", route.get("mention"), limits.SLACK_MENTION)
        check(f"routes: {name}: service", route.get("service"), limits.JOB_NAME)


def write_routes(scope: BatchtabConstruct, made: ResourceRef, routes: Any, quiet: Condition) -> None:
    """Puts each route into the table, where the function looks it up by the job's name and by each beginning of it."""
    if quiet is False:
        return
    if is_expression(routes):
        each: Any = Expression.of(f"{{ for name, route in {hcl(routes)} : name => route if {hcl(quiet)} }}")
    else:
        each = {name: _whole(route) for name, route in sorted(routes.items())}
        if not each:
            return
    item = (
        'jsonencode({ channel = { S = each.value.channel == null ? "" : each.value.channel },'
        ' mention = { S = each.value.mention == null ? "" : each.value.mention },'
        ' mute = { BOOL = each.value.mute }, pk = { S = "route" },'
        ' service = { S = each.value.service == null ? "" : each.value.service }, sk = { S = each.key } })'
    )
    create_resource(
        scope,
        DynamodbTableItem,
        "route",
        for_each=each,
        table_name=made["name"],
        hash_key="pk",
        range_key="sk",
        item=Expression.of(item),
    )


def check_schedules(schedules: Any, quiet: Condition) -> None:
    """Checks known schedules.

    Raises:
        ValueError: one lacks a key, or has a value that is not allowed, or there is no table for it.
    """
    if is_expression(schedules):
        return
    if schedules and quiet is False:
        raise ValueError("schedules: they are kept in the table, which only quiet alerts have: set quiet to true")
    for name, watched in schedules.items():
        check("schedules: a name", name, limits.JOB_NAME)
        if set(watched) - _OPTIONAL_LIMITS.keys() != _SCHEDULE_KEYS:
            raise ValueError(
                f"schedules: {name}: give schedule, job_queue_arn and late_after_seconds,"
                f" at most {', '.join(_OPTIONAL_LIMITS)} beside, and nothing else"
            )
        check(f"schedules: {name}: schedule", watched["schedule"], limits.AWS_SCHEDULE_SHAPE)
        for key, limit in _OPTIONAL_LIMITS.items():
            check(f"schedules: {name}: {key}", watched.get(key), limit)
        said = [key for key in _OPTIONAL_LIMITS if watched.get(key)]
        if said and str(watched["schedule"]).startswith("rate("):
            raise ValueError(f"schedules: {name}: a rate does not go with {', '.join(said)}: its times are not known")
        check(f"schedules: {name}: job_queue_arn", watched["job_queue_arn"], limits.JOB_QUEUE_ARN)
        check(f"schedules: {name}: late_after_seconds", watched["late_after_seconds"], limits.LATE_AFTER_SECONDS)


def write_schedules(scope: BatchtabConstruct, made: ResourceRef, schedules: Any, quiet: Condition) -> None:
    """Puts each schedule whose runs are watched into the table, where the sweep reads them."""
    if quiet is False:
        return
    if is_expression(schedules):
        each: Any = Expression.of(f"{{ for name, watched in {hcl(schedules)} : name => watched if {hcl(quiet)} }}")
    else:
        each = {name: _filled(watched) for name, watched in sorted(schedules.items())}
        if not each:
            return
    said = "{ timezone = each.value.timezone, start = each.value.start, end = each.value.end }"
    item = (
        "jsonencode(merge({ job_queue_arn = { S = each.value.job_queue_arn },"
        # A run may be as late as its window is wide before it is late.
        " late_after_seconds = { N ="
        " tostring(each.value.late_after_seconds + 60 * each.value.flexible_window_minutes) },"
        ' pk = { S = "late" }, schedule = { S = each.value.schedule }, sk = { S = each.key } },'
        f' {{ for key, text in {said} : key => {{ S = text }} if text != "" }}))'
    )
    create_resource(
        scope,
        DynamodbTableItem,
        "schedule",
        for_each=each,
        table_name=made["name"],
        hash_key="pk",
        range_key="sk",
        item=Expression.of(item),
    )


def require_table(function: ResourceRef, quiet: Condition, **kept: Any) -> None:
    """What is kept in a table is refused without one when Terraform plans, where it was not known before."""
    for name, values in kept.items():
        if is_expression(values):
            need = any_of(quiet, negate(not_empty(values)))
            text = f"{name}: they are kept in the table, which only quiet alerts have: set quiet to true."
            require(function, need, text)


def environment(made: ResourceRef, quiet: Condition, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The function's settings of all this."""
    if quiet is False:
        return {}
    name = made["name"] if quiet is True else choose(quiet, made["name"], "")
    return {"ALERT_TABLE_NAME": name, **settings}


def _whole(route: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "channel": literal(route.get("channel") or ""),
        "mention": literal(route.get("mention") or ""),
        "mute": bool(route.get("mute", False)),
        "service": route.get("service") or "",
    }


def _filled(watched: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule in which nothing is missing, as Terraform wants the values of one map to be alike."""
    optional = {key: watched.get(key) or ("" if key != "flexible_window_minutes" else 0) for key in _OPTIONAL_LIMITS}
    return {**watched, **optional}
