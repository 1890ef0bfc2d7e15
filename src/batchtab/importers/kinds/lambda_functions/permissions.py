"""What a function may do: statements, SAM's policy templates and roles, as permissions of a job's own role."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.lambda_functions.template import Template, is_open
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

_DECIDE = "write the permission in jobs.yaml"
_LOGS = re.compile(r"(logs|xray):\S+")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_RESOURCE = re.compile(r"\*|arn:(?:(?!\$\{).)+")
_STATEMENT = {"Sid", "Effect", "Action", "Resource"}
#: Managed policies that Lambda's own parts need, and a container does not.
_OF_LAMBDA = re.compile(
    r"(AWSLambda(BasicExecutionRole|VPCAccessExecutionRole|BasicDurableExecutionRolePolicy)|AWSXRayDaemonWriteAccess"
    r"|AWSXrayWriteOnlyAccess|CloudWatchLambda(Application)?InsightsExecutionRolePolicy)$"
)
_READ_TABLE = ("GetItem", "Scan", "Query", "BatchGetItem", "DescribeTable")
_WRITE_TABLE = ("PutItem", "UpdateItem", "BatchWriteItem")
_CHANGE_TABLE = ("DeleteItem", "ConditionCheckItem")
_TABLE = ("arn:aws:dynamodb:{at}:table/{}", "arn:aws:dynamodb:{at}:table/{}/index/*")
_BUCKET = ("arn:aws:s3:::{}", "arn:aws:s3:::{}/*")
_READ_BUCKET = ("GetObject", "ListBucket", "GetBucketLocation", "GetObjectVersion", "GetLifecycleConfiguration")
_WRITE_BUCKET = ("PutObject", "PutObjectAcl", "PutLifecycleConfiguration")
_READ_PARAMETER = ("GetParameters", "GetParameter", "GetParametersByPath")
#: Policy templates: the service, its operations, the one parameter, the resources. As in
#: https://github.com/aws/serverless-application-model: samtranslator/policy_templates_data/policy_templates.json
_TEMPLATES: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...]]] = {
    "S3ReadPolicy": ("s3", _READ_BUCKET, "BucketName", _BUCKET),
    "S3WritePolicy": ("s3", _WRITE_BUCKET, "BucketName", _BUCKET),
    "S3CrudPolicy": ("s3", (*_READ_BUCKET, *_WRITE_BUCKET, "DeleteObject"), "BucketName", _BUCKET),
    "DynamoDBReadPolicy": ("dynamodb", _READ_TABLE, "TableName", _TABLE),
    "DynamoDBWritePolicy": ("dynamodb", _WRITE_TABLE, "TableName", _TABLE),
    "DynamoDBCrudPolicy": ("dynamodb", (*_READ_TABLE, *_WRITE_TABLE, *_CHANGE_TABLE), "TableName", _TABLE),
    "SQSSendMessagePolicy": ("sqs", ("SendMessage*",), "QueueName", ("arn:aws:sqs:{at}:{}",)),
    "SNSPublishMessagePolicy": ("sns", ("Publish",), "TopicName", ("arn:aws:sns:{at}:{}",)),
    "SSMParameterReadPolicy": ("ssm", _READ_PARAMETER, "ParameterName", ("arn:aws:ssm:{at}:parameter/{}",)),
    "SSMParameterWithSlashPrefixReadPolicy": (
        *("ssm", _READ_PARAMETER, "ParameterName"),
        ("arn:aws:ssm:{at}:parameter{}",),
    ),
    "AWSSecretsManagerGetSecretValuePolicy": ("secretsmanager", ("GetSecretValue",), "SecretArn", ("{}",)),
    "LambdaInvokePolicy": ("lambda", ("InvokeFunction",), "FunctionName", ("arn:aws:lambda:{at}:function:{}*",)),
    "StepFunctionsExecutionPolicy": (
        *("states", ("StartExecution",), "StateMachineName"),
        ("arn:aws:states:{at}:stateMachine:{}",),
    ),
    "EventBridgePutEventsPolicy": ("events", ("PutEvents",), "EventBusName", ("arn:aws:events:{at}:event-bus/{}",)),
    "CloudWatchPutMetricPolicy": ("cloudwatch", ("PutMetricData",), "", ("*",)),
    "KMSDecryptPolicy": ("kms", ("Decrypt",), "KeyId", ("arn:aws:kms:{at}:key/{}",)),
}
#: A second statement, which some of them have.
_MORE: dict[str, tuple[str, str]] = dict.fromkeys(
    ("SSMParameterReadPolicy", "SSMParameterWithSlashPrefixReadPolicy"), ("ssm:DescribeParameters", "*")
)


class Allowed:
    """Permissions and managed policies of one job, as they are found."""

    def __init__(self, recorder: Recorder, place: str) -> None:
        """Take a region and account as `REGION:ACCOUNT`, `*` where unknown."""
        self._recorder = recorder
        self._place = place
        self.permissions: list[dict[str, Any]] = []
        self.managed: list[str] = []

    def settings(self) -> dict[str, Any]:
        """Fields of jobs.yaml."""
        found = {"permissions": self.permissions, "managed_policy_arns": [*dict.fromkeys(self.managed)]}
        return {key: value for key, value in found.items() if value}

    def policies(self, value: object, field: str) -> None:
        """SAM's `Policies`: names, ARNs, statements and policy templates; one or a list."""
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            where = f"{field}[{index}]" if isinstance(value, list) else field
            if isinstance(each, str):
                self.managed_policy(each, where)
            elif isinstance(each, Mapping) and "Statement" in each:
                self.document(each, where)
            elif isinstance(each, Mapping) and len(each) == 1 and next(iter(each)) in _TEMPLATES:
                self._template_of(str(next(iter(each))), next(iter(each.values())), where)
            else:
                self._open(where, each)

    def managed_policy(self, name: str, field: str) -> None:
        """A managed policy, by its name or ARN."""
        if _OF_LAMBDA.search(name):
            self._recorder.not_carried(field, name, "Lambda itself needs it; a container's output needs no permission")
        elif name.startswith("arn:"):
            self._recorder.carried(field, name, "managed_policy_arns")
            self.managed.append(name)
        elif is_open(name):
            self._open(field, name)
        else:
            self._recorder.changed(field, name, "managed_policy_arns, by its ARN")
            self.managed.append(f"arn:aws:iam::aws:policy/{name}")

    def document(self, value: Mapping[str, Any], field: str) -> None:
        """A policy document."""
        node = Node(value, self._recorder, field)
        for key in ("Version", "Id"):
            node.leave(key, "a permission has none")
        found = node.take("Statement")
        is_list = isinstance(found, list)
        for index, each in enumerate(found if is_list else [found]):
            self._statement(each, f"{field}.Statement[{index}]" if is_list else f"{field}.Statement")
        node.rest()

    def role(self, template: Template, name: str) -> None:
        """A role of the template: what its policies allow, also those that are resources of their own."""
        node = Node(template.with_wild(name, "ManagedPolicyArns", "Policies"), self._recorder, f"Resources.{name}")
        for where, each in self._items(node, "ManagedPolicyArns"):
            if isinstance(each, str):
                self.managed_policy(each, where)
            else:
                self._open(where, each)
        for where, each in self._items(node, "Policies"):
            if isinstance(each, Mapping) and not is_open(each):
                self._policy(Node(each, self._recorder, where))
            else:
                self._open(where, each)
        for other in template.policies_of(name):
            policy = Node(template.with_wild(other, "PolicyDocument"), self._recorder, f"Resources.{other}")
            policy.take("Roles")
            for key in ("ManagedPolicyName", "Path", "Description"):
                policy.leave(key, "a permission has none")
            self._policy(policy)
        node.leave("AssumeRolePolicyDocument", "the job's own role trusts ECS tasks")
        for key in ("RoleName", "Path", "Description", "MaxSessionDuration", "Tags"):
            node.leave(key, "the job gets a role of its own")
        node.rest()

    def _items(self, node: Node, key: str) -> list[tuple[str, Any]]:
        """The items of a list with their paths; what is no list is open."""
        found = node.take(key)
        if isinstance(found, list):
            return [(f"{node.name(key)}[{index}]", each) for index, each in enumerate(found)]
        if found is not None:
            self._open(node.name(key), found)
        return []

    def _policy(self, policy: Node) -> None:
        policy.leave("PolicyName", "a permission has no name")
        document, where = policy.take("PolicyDocument"), policy.name("PolicyDocument")
        if isinstance(document, Mapping) and not is_open(document):
            self.document(document, where)
        else:
            self._open(where, document)
        policy.rest()

    def _statement(self, value: object, field: str) -> None:
        if not isinstance(value, Mapping):
            self._open(field, value)
            return
        actions, resources = _list(value.get("Action")), _list(value.get("Resource"))
        is_plain = str(value.get("Effect", "Allow")) == "Allow" and set(value) <= _STATEMENT
        if is_plain and actions and all(isinstance(each, str) and _LOGS.fullmatch(each) for each in actions):
            self._recorder.not_carried(field, plain(value), "a container's output needs no permission")
        elif (
            is_plain and actions and resources
            and all(isinstance(each, str) and _ACTION.fullmatch(each) for each in actions)
            and all(isinstance(each, str) and _RESOURCE.fullmatch(each) for each in resources)
        ):  # fmt: skip
            self._recorder.carried(field, plain(value), "permissions")
            self._add(actions, resources)
        else:
            self._open(field, value)

    def _template_of(self, name: str, given: object, field: str) -> None:
        service, operations, parameter, resources = _TEMPLATES[name]
        values = given if isinstance(given, Mapping) else {}
        value = values.get(parameter, "")
        if set(values) - {parameter} or (parameter and (not isinstance(value, str) or not value or is_open(value))):
            self._open(f"{field}.{name}", given)
            return
        self._recorder.changed(f"{field}.{name}", plain(given), "permissions, as SAM's policy template has them")
        at = {"at": self._place}
        if name in _MORE:
            action, resource = _MORE[name]
            self._add([action], [resource])
        self._add([f"{service}:{each}" for each in operations], [each.format(value, **at) for each in resources])

    def _add(self, actions: list[str], resources: list[str]) -> None:
        self.permissions.append({"actions": [*map(str, actions)], "resources": [*map(str, resources)]})

    def _open(self, field: str, value: object) -> None:
        why = "is no statement of actions and resources that the template itself names"
        self._recorder.not_carried(field, plain(value), why, _DECIDE)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
