"""EventBridge.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, pass_role, passing, table, tagging

_SERVICE = "events.amazonaws.com"


def _bus_name(reference: str | None) -> str:
    return (reference or "default").rpartition("event-bus/")[2] or "default"


def _rule(call: Call) -> Iterable[Target]:
    name, bus = call.need("Name", "Rule"), _bus_name(call.get("EventBusName"))
    if bus == "default":
        return [Target("rule-on-default-event-bus", call.arn(f"rule/{name}"))]
    return [Target("rule-on-custom-event-bus", call.arn(f"rule/{bus}/{name}"))]


def _bus(call: Call) -> Iterable[Target]:
    return [Target("event-bus", call.arn(f"event-bus/{_bus_name(call.get('Name') or call.get('EventBusName'))}"))]


def _with_targets(call: Call) -> Iterable[Check]:
    """One check for each target: a policy may limit what a rule can start."""
    targets = call.get("Targets") or []
    for arn in sorted({str(each.get("Arn") or "") for each in targets}):
        for rule in _rule(call):
            yield call.check(None, rule, events__TargetArn=arn)
    for role in sorted({each["RoleArn"] for each in targets if each.get("RoleArn")}):
        yield pass_role(call, role, _SERVICE)


def _put_events(call: Call) -> Iterable[Check]:
    for entry in call.get("Entries") or []:
        target = Target("event-bus", call.arn(f"event-bus/{_bus_name(entry.get('EventBusName'))}"))
        source, kind = entry.get("Source"), entry.get("DetailType")
        yield call.check(None, target, events__source=source, **{"events__detail_type": kind})


TABLE = table(
    {
        "PutRule": (on(_rule), tagging(_rule), passing(_SERVICE, "RoleArn")),
        "DeleteRule DescribeRule DisableRule EnableRule ListTargetsByRule RemoveTargets": on(_rule),
        "PutTargets": _with_targets,
        "PutEvents": _put_events,
        "ListRules ListRuleNamesByTarget ListEventBuses": everywhere(),
        "CreateEventBus": (on(_bus), tagging(_bus)),
        "DeleteEventBus DescribeEventBus UpdateEventBus PutPermission RemovePermission": on(_bus),
        "ListTagsForResource TagResource UntagResource": on(by_arn("ResourceARN")),
    }
)
