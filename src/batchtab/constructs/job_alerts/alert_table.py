"""The state of the alerts: a table, the routes that Terraform writes into it, and a clock that looks for leftovers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from batchtab.constructs._terraform.aws import DynamodbTableItem
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    any_of,
    choose,
    hcl,
    is_expression,
    negate,
    not_empty,
)
from batchtab.constructs._terraform.items import Item
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource, require
from batchtab.declarations import alert_arguments
from batchtab.declarations.alert_arguments import JobRoute, WatchedSchedule

#: What the function does with the table.
ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)


def write_routes(scope: BatchtabConstruct, made: ResourceRef, routes: Any, quiet: Condition) -> None:
    """Puts each route into the table, where the function looks it up by the job's name and by each beginning of it."""
    if quiet is False:
        return
    if is_expression(routes):
        each: Any = Expression.of(f"{{ for name, route in {hcl(routes)} : name => route if {hcl(quiet)} }}")
    else:
        each = _rows(routes, JobRoute)
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


def write_schedules(scope: BatchtabConstruct, made: ResourceRef, schedules: Any, quiet: Condition) -> None:
    """Puts each schedule whose runs are watched into the table, where the sweep reads them."""
    if quiet is False:
        return
    if is_expression(schedules):
        each: Any = Expression.of(f"{{ for name, watched in {hcl(schedules)} : name => watched if {hcl(quiet)} }}")
    else:
        each = _rows(schedules, WatchedSchedule)
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
            text = f"{name}: {alert_arguments.ONLY_QUIET}: set quiet to true."
            require(function, need, text)


def environment(made: ResourceRef, quiet: Condition, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The function's settings of all this."""
    if quiet is False:
        return {}
    name = made["name"] if quiet is True else choose(quiet, made["name"], "")
    return {"ALERT_TABLE_NAME": name, **settings}


def _rows(given: Mapping[str, Mapping[str, Any]], model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Rows in which nothing is missing, as Terraform wants the values of one map to be alike."""
    rows = {name: Item(model, value) for name, value in sorted(given.items())}
    return {name: {field: row[field] for field in model.model_fields} for name, row in rows.items()}
