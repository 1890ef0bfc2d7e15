"""DynamoDB.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, table, tagging

_ITEM_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
}


def _arn(call: Call, reference: str) -> str:
    return reference if reference.startswith("arn:") else call.arn(f"table/{reference}")


def _table(call: Call) -> Iterable[Target]:
    return [Target("table", _arn(call, call.need("TableName")))]


def _read(call: Call) -> Iterable[Check]:
    """A query of an index is one on the index alone."""
    arn, index = _arn(call, call.need("TableName")), call.get("IndexName")
    target = Target("index", f"{arn}/index/{index}") if index else Target("table", arn)
    return [call.check(None, target, dynamodb__Select=call.get("Select") or "ALL_ATTRIBUTES")]


def _keyed(call: Call, table_name: str, items: Iterable[Mapping[str, Any]], enclosing: str = "") -> Target:
    """A table, with the hash keys of the items that a request names."""
    arn = _arn(call, table_name)
    name = call.world.hash_key(arn.rpartition("/")[2])
    values = [str(value) for item in items for value in (item.get(name or "") or {}).values()]
    context: dict[str, Value] = {"dynamodb:LeadingKeys": values} if values else {}
    return Target("table", arn, context | ({"dynamodb:EnclosingOperation": enclosing} if enclosing else {}))


def _item(call: Call) -> Iterable[Target]:
    return [_keyed(call, call.need("TableName"), [call.get("Key") or call.get("Item") or {}])]


def _batch(call: Call) -> Iterable[Target]:
    for name, asked in (call.get("RequestItems") or {}).items():
        if isinstance(asked, Mapping):
            items = asked.get("Keys") or []
        else:
            items = [part.get("Item") or part.get("Key") or {} for each in asked for part in each.values()]
        yield _keyed(call, name, items)


def _transaction(call: Call) -> Iterable[Check]:
    """A transaction is no action: each of its items is one.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    for each in call.get("TransactItems") or []:
        for kind, item in each.items():
            action = f"dynamodb:{_ITEM_ACTIONS.get(kind, 'GetItem')}"
            items = [item.get("Key") or item.get("Item") or {}]
            yield call.check(action, _keyed(call, str(item.get("TableName")), items, call.operation))


TABLE = table(
    {
        "CreateTable": (on(_table), tagging(_table)),
        "DeleteTable DescribeContinuousBackups DescribeKinesisStreamingDestination DescribeTable"
        " DescribeTableReplicaAutoScaling DescribeTimeToLive UpdateContinuousBackups UpdateTable"
        " UpdateTimeToLive DescribeContributorInsights UpdateContributorInsights CreateBackup": on(_table),
        "GetItem PutItem UpdateItem DeleteItem": on(_item),
        "Query Scan": _read,
        "BatchGetItem BatchWriteItem": on(_batch),
        "TransactGetItems TransactWriteItems": _transaction,
        "ListTagsOfResource TagResource UntagResource": on(by_arn("ResourceArn")),
        "DeleteResourcePolicy GetResourcePolicy PutResourcePolicy": on(by_arn("ResourceArn")),
        "ListTables DescribeLimits DescribeEndpoints": everywhere(),
    }
)
