"""Batch.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import Find, by_arn, linked_role, on, pass_role, passing, table, tagging

_LINKED = "AWSServiceRoleForBatch"


def _named(kind: str, *names: str) -> Find:
    """Find a resource by a parameter that is its name or its ARN."""
    return lambda call: [_target(call, kind, call.need(*names))]


def _target(call: Call, kind: str, reference: str) -> Target:
    return Target(kind, reference if reference.startswith("arn:") else call.arn(f"{kind}/{reference}"))


def _environments(call: Call) -> Iterable[Target]:
    """A queue is made and changed on its compute environments too."""
    for place in call.get("computeEnvironmentOrder") or []:
        yield _target(call, "compute-environment", str(place.get("computeEnvironment")))
    if policy := call.get("schedulingPolicyArn"):
        yield Target("scheduling-policy", policy)


def _environment_roles(call: Call) -> Iterable[Check]:
    service_role = call.get("serviceRole")
    if service_role:
        yield pass_role(call, service_role, "batch.amazonaws.com")
    elif call.operation == "CreateComputeEnvironment":
        yield from linked_role(call, "batch.amazonaws.com", _LINKED)
    profile = call.get("computeResources.instanceRole")
    for role in call.world.profile_roles(str(profile).rpartition("/")[2]) if profile else []:
        yield pass_role(call, role, "ec2.amazonaws.com")


def _definition(call: Call) -> Iterable[Check]:
    """A definition's name; AWS says nothing of its revision before it is there."""
    container = call.get("containerProperties") or {}
    log = container.get("logConfiguration") or {}
    options = log.get("options") or {}
    yield call.check(
        None,
        Target("job-definition", call.arn(f"job-definition/{call.need('jobDefinitionName')}")),
        batch__Image=container.get("image"),
        batch__User=container.get("user"),
        batch__Privileged=_text(container.get("privileged")),
        batch__LogDriver=log.get("logDriver"),
        batch__AWSLogsGroup=options.get("awslogs-group"),
        batch__AWSLogsRegion=options.get("awslogs-region"),
        batch__AWSLogsStreamPrefix=options.get("awslogs-stream-prefix"),
        batch__AWSLogsCreateGroup=options.get("awslogs-create-group"),
    )


def _text(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _definition_roles(call: Call) -> Iterable[Check]:
    roles = _members(call.request.params, ("jobRoleArn", "executionRoleArn", "taskRoleArn"))
    return [pass_role(call, role, "ecs-tasks.amazonaws.com") for role in sorted(set(roles))]


def _members(content: Any, names: tuple[str, ...]) -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            if name in names and isinstance(value, str):
                yield value
            else:
                yield from _members(value, names)
    elif isinstance(content, list):
        for each in content:
            yield from _members(each, names)


def _new_revision(call: Call) -> Iterable[Target]:
    return [Target("job-definition-revision", call.arn(f"job-definition/{call.need('jobDefinitionName')}:*"))]


def _submitted(call: Call) -> Iterable[Target]:
    """The queue, and the definition as the request names it: with its revision, or without one and without its tags.

    https://docs.aws.amazon.com/batch/latest/userguide/iam-example-restrict-job-submission.html
    """
    share: dict[str, Any] = {}
    if identifier := call.get("shareIdentifier"):
        share = {"batch:ShareIdentifier": identifier}
    definition = _target(call, "job-definition", call.need("jobDefinition")).arn
    has_revision = ":" in definition.partition(":job-definition/")[2]
    yield Target("job-queue", _target(call, "job-queue", call.need("jobQueue")).arn, share)
    yield Target("job-definition-revision" if has_revision else "job-definition", definition, share)


def _new_job(call: Call) -> Iterable[Target]:
    return [Target("job", call.arn("job/*"))]


TABLE = table(
    {
        "CreateComputeEnvironment": (
            on(_named("compute-environment", "computeEnvironmentName")),
            tagging(_named("compute-environment", "computeEnvironmentName")),
            _environment_roles,
            passing("spotfleet.amazonaws.com", "computeResources.spotIamFleetRole"),
        ),
        "UpdateComputeEnvironment": (on(_named("compute-environment", "computeEnvironment")), _environment_roles),
        "DeleteComputeEnvironment": on(_named("compute-environment", "computeEnvironment")),
        "CreateJobQueue": (
            on(_named("job-queue", "jobQueueName"), _environments),
            tagging(_named("job-queue", "jobQueueName")),
        ),
        "GetJobQueueSnapshot": on(_named("job-queue", "jobQueue")),
        "UpdateJobQueue": on(_named("job-queue", "jobQueue"), _environments),
        "DeleteJobQueue": on(_named("job-queue", "jobQueue")),
        "CreateSchedulingPolicy": (
            on(_named("scheduling-policy", "name")),
            tagging(_named("scheduling-policy", "name")),
        ),
        "UpdateSchedulingPolicy DeleteSchedulingPolicy": on(by_arn("arn")),
        "RegisterJobDefinition": (_definition, tagging(_new_revision), _definition_roles),
        "DeregisterJobDefinition": on(
            lambda call: [
                Target("job-definition-revision", _target(call, "job-definition", call.need("jobDefinition")).arn)
            ]
        ),
        "SubmitJob": (on(_submitted), tagging(_new_job)),
        "TerminateJob CancelJob": on(_named("job", "jobId")),
        "ListTagsForResource TagResource UntagResource": on(by_arn("resourceArn")),
    }
)
