"""What `Ref`, `GetAtt` and `ImportValue` come to, also for the resources that jobs refer to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from batchtab.importers.intrinsics.stacks import Reader, Template
from batchtab.importers.intrinsics.unresolved import NoValue, joined, names_in, unknown

#: For each type: the property with the name, an ARN's service, and its resource.
_TYPES: Mapping[str, tuple[str, str, str]] = {
    "AWS::Batch::ComputeEnvironment": ("ComputeEnvironmentName", "batch", "compute-environment/{}"),
    "AWS::Batch::JobDefinition": ("JobDefinitionName", "batch", "job-definition/{}"),
    "AWS::Batch::JobQueue": ("JobQueueName", "batch", "job-queue/{}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "table/{}"),
    "AWS::ECR::Repository": ("RepositoryName", "ecr", "repository/{}"),
    "AWS::ECS::Cluster": ("ClusterName", "ecs", "cluster/{}"),
    "AWS::Events::Rule": ("Name", "events", "rule/{}"),
    "AWS::IAM::Role": ("RoleName", "iam", "role/{}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs", "log-group:{}:*"),
    "AWS::S3::Bucket": ("BucketName", "s3", "{}"),
    "AWS::SNS::Topic": ("TopicName", "sns", "{}"),
    "AWS::SQS::Queue": ("QueueName", "sqs", "{}"),
    "AWS::SSM::Parameter": ("Name", "ssm", "parameter/{}"),
    "AWS::Scheduler::Schedule": ("Name", "scheduler", "schedule/{}"),
    "AWS::Scheduler::ScheduleGroup": ("Name", "scheduler", "schedule-group/{}"),
    "AWS::SecretsManager::Secret": ("Name", "secretsmanager", "secret:{}"),
}
_ARN_REFS = {"AWS::Batch::JobQueue", "AWS::Batch::JobDefinition", "AWS::SNS::Topic", "AWS::SecretsManager::Secret"}
_ARN_ATTRIBUTES = {"Arn", "JobQueueArn", "JobDefinitionArn", "Id"}


def ref(values: Reader, name: str, template: Template) -> Any:
    """What `Ref` gives for a pseudo parameter, a parameter or a resource."""
    place = values.stacks.place
    pseudo: dict[str, Any] = {
        "AWS::AccountId": place.account or unknown(name),
        "AWS::Region": place.region or unknown(name),
        "AWS::Partition": place.partition,
        "AWS::URLSuffix": "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com",
        "AWS::StackName": template.stack or unknown(name),
        "AWS::NoValue": NoValue,
    }
    if name in pseudo:
        return pseudo[name]
    if name in template.section("Parameters"):
        return _parameter(values, name, template)
    kind = _kind(values, name, template)
    if kind in _ARN_REFS:
        return _arn(values, name, template)
    if kind in _TYPES and kind != "AWS::SQS::Queue":
        return physical_name(values, name, template)
    return values.stacks.physical.get(name) or unknown(name)


def attribute(values: Reader, path: str, template: Template) -> Any:
    """What `GetAtt` gives: `Queue.Arn`."""
    logical, _, name = path.partition(".")
    kind = _kind(values, logical, template)
    if kind in _TYPES and name in _ARN_ATTRIBUTES:
        return _arn(values, logical, template)
    if kind == "AWS::ECR::Repository" and name == "RepositoryUri":
        account, region, suffix = (
            ref(values, f"AWS::{each}", template) for each in ("AccountId", "Region", "URLSuffix")
        )
        return joined([account, ".dkr.ecr.", region, ".", suffix, "/", physical_name(values, logical, template)])
    return unknown(path)


def imported(values: Reader, name: str) -> Any:
    """An export's value: of the file of exports, or of another template's outputs.

    Raises:
        KeyError: There is none.
    """
    if name in values.stacks.exports:
        return values.stacks.exports[name]
    for template in values.stacks.templates:
        for output in template.section("Outputs").values():
            export = output.get("Export") if isinstance(output, Mapping) else None
            if isinstance(export, Mapping) and str(values.of(export.get("Name"), template)) == str(name):
                return values.of(output.get("Value"), template)
    raise KeyError(name)


def _once(compute: Callable[[Reader, str, Template], str]) -> Callable[[Reader, str, Template], str]:
    """The function, which computes a text of a resource only the first time."""

    @wraps(compute)
    def of(values: Reader, logical: str, template: Template) -> str:
        found: str = values.once(compute.__name__, template, logical, lambda: compute(values, logical, template))
        return found

    return of


@_once
def physical_name(values: Reader, logical: str, template: Template) -> str:
    """A resource's name in AWS; unknown where CloudFormation makes one that no file says."""
    resource = template.section("Resources")[logical]
    key, service, form = _TYPES[str(resource["Type"])]
    given = resource.get("Properties")
    if isinstance(given, Mapping) and (name := values.text(given.get(key), template)):
        return name
    if logical in values.stacks.physical:
        last = values.stacks.physical[logical]
        after = last.rpartition(form.partition("{")[0] or ":")[2] if last.startswith("arn:") else last
        return after.partition(":")[0] if service == "batch" else after
    return unknown(f"{_title(values, template)}/{logical}" if len(values.stacks.templates) > 1 else logical)


@_once
def _arn(values: Reader, logical: str, template: Template) -> str:
    """A resource's ARN; of a job definition with its revision where that is known."""
    resource = template.section("Resources")[logical]
    _, service, form = _TYPES[str(resource["Type"])]
    physical = values.stacks.physical.get(logical, "")
    if physical.startswith("arn:"):
        return physical
    name = physical_name(values, logical, template)
    if service == "secretsmanager" and not physical and names_in(name):
        return name
    region = "" if service in {"iam", "s3"} else ref(values, "AWS::Region", template)
    account = "" if service == "s3" else ref(values, "AWS::AccountId", template)
    properties = resource.get("Properties")
    path = values.text(properties.get("Path", "/"), template) if isinstance(properties, Mapping) else "/"
    folder = path.strip("/") + "/" if service == "iam" and path.strip("/") else ""
    before, _, after = form.partition("{}")
    before = before.removesuffix("/") if service == "ssm" and name.startswith("/") else before
    begin = f"arn:{values.stacks.place.partition}:{service}:"
    return joined([begin, region, ":", account, ":", before, folder, name, after])


def _title(values: Reader, template: Template) -> str:
    """What no other template is called: the stack's name, or the file's path."""
    stacks = [each.stack for each in values.stacks.templates]
    return template.stack if stacks.count(template.stack) == 1 else template.file.path.as_posix()


def _kind(values: Reader, logical: str, template: Template) -> str:
    """A resource's type; empty where there is none, or its name is not taken from the template."""
    resource = template.section("Resources").get(logical)
    kind = str(resource.get("Type")) if isinstance(resource, Mapping) else ""
    return "" if kind in values.without else kind


def _parameter(values: Reader, name: str, template: Template) -> Any:
    declared = template.section("Parameters")[name]
    declared = declared if isinstance(declared, Mapping) else {}
    kind = str(declared.get("Type", "String"))
    value = values.stacks.parameters.get(name)
    if value is None:
        is_secret = str(declared.get("NoEcho")).lower() == "true"
        if declared.get("Default") is None or is_secret or kind.startswith("AWS::SSM::Parameter::Value"):
            return unknown(name)
        values.used.add(name)
        value = values.text(declared["Default"], template)
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    return [each.strip() for each in str(value).split(",")] if is_list else value
