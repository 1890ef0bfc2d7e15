"""The `aws` commands that look at what `batchtab doctor` checks, as far as the files name it. Calls nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from batchtab import limits, names
from batchtab.aws.checkup.pauses import pausing
from batchtab.aws.checkup.quotas import FARGATE_QUOTAS
from batchtab.aws.checkup.secrets import used
from batchtab.aws.checkup.survey import Survey
from batchtab.aws.client import Aws
from batchtab.cli.explain import aws_command
from batchtab.cli.jobs.aws_commands import AwsCommands
from batchtab.declarations.image_registry import image_uri
from batchtab.terraform.session import Session

_BUCKET = (
    *("head-bucket", "get-bucket-versioning", "get-bucket-encryption", "get-public-access-block"),
    "get-bucket-policy",
)
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def commands(session: Session) -> Iterator[str]:
    """The commands, in the order of the checks."""
    catalog, stage = session.catalog, session.catalog.stage
    aws = partial(aws_command, session)
    survey = Survey(catalog, Aws(stage.region, session.endpoint_url))  # unread: it knows what the files say
    yield aws("sts", "get-caller-identity", {})
    bucket = stage.state.bucket
    for operation in _BUCKET:
        yield aws("s3api", operation, {"bucket": bucket})
    yield aws("s3api", "list-objects-v2", {"bucket": bucket, "prefix": f"{stage.name}/"})
    yield aws("batch", "describe-job-queues", {})
    for queue in stage.environment.queues:
        yield aws("batch", "get-job-queue-snapshot", {"jobQueue": survey.queue_name(queue)})
    yield aws("batch", "describe-compute-environments", {})
    for job in survey.jobs:
        named = {"jobDefinitionName": survey.definition_name(job), "status": "ACTIVE"}
        yield aws("batch", "describe-job-definitions", named)
    for stack in session.stacks():
        yield f"{aws('s3api', 'get-object', {'bucket': bucket, 'key': f'{stage.name}/{stack}.tfstate'})} /dev/stdout"
    yield aws("events", "list-rules", {})
    yield aws("scheduler", "list-schedules", {"namePrefix": f"{stage.prefix}-"})
    yield from AwsCommands(session).states(job.full for job in pausing(survey))
    for role in _roles(survey):
        yield aws("iam", "get-role", {"roleName": role})
    yield from _secrets(session, survey)
    if not stage.is_local:
        yield from _images(session, survey)
    if stage.network.subnet_ids:
        chosen = {"Name": "subnet-id", "Values": list(stage.network.subnet_ids)}
        yield aws("ec2", "describe-subnets", {"filters": [chosen]})
        yield aws("ec2", "describe-route-tables", {})
        yield aws("ec2", "describe-vpc-endpoints", {})
    if not stage.is_local:
        quotas = [("events", limits.RULES_QUOTA.code), *(("fargate", code) for code in FARGATE_QUOTAS.values())]
        for service, code in quotas:
            yield aws("service-quotas", "get-service-quota", {"serviceCode": service, "quotaCode": code})
    for queue in ("trigger-dead-letter", "job-alerts-dead-letter"):
        url = aws("sqs", "get-queue-url", {"queueName": f"{stage.prefix}-{queue}"})
        asked = aws("sqs", "get-queue-attributes", {})
        yield f'{asked} --attribute-names {" ".join(_COUNTS)} --queue-url "$({url} --query QueueUrl --output text)"'


def _roles(survey: Survey) -> list[str]:
    """Those that the files name, those of jobs, and the triggers'. What their definitions name beside is not known."""
    found: dict[str, None] = {}
    for job in survey.jobs:
        own = job.spec.job_role_arn, job.spec.execution_role_arn
        found |= {arn.rpartition("/")[2]: None for arn in own if arn}
    trigger = names.shorten(f"{survey.stage.prefix}-trigger", limits.ROLE_NAME_MAX)
    return [*found, trigger]


def _secrets(session: Session, survey: Survey) -> Iterator[str]:
    parameters = []
    for arn in used(survey):
        if ":secretsmanager:" in arn:
            yield aws_command(session, "secretsmanager", "describe-secret", {"secretId": arn})
        elif ":ssm:" in arn:
            name = arn.partition(":parameter/")[2]
            parameters.append(f"/{name}" if "/" in name else name)
    if parameters:
        chosen: dict[str, Any] = {"Key": "Name", "Option": "Equals", "Values": parameters}
        yield aws_command(session, "ssm", "describe-parameters", {"parameterFilters": [chosen]})


def _images(session: Session, survey: Survey) -> Iterator[str]:
    """The images in the account's own ECR."""
    named = [job.spec.image for job in survey.jobs]
    named += [each.image for job in survey.jobs for each in job.spec.containers.values() if each.image]
    stage = survey.stage
    for uri in dict.fromkeys(image_uri(session.catalog, image) for image in named if image or stage.runner_image):
        found = re.match(limits.ECR_IMAGE_PATTERN, uri)
        if found is None or (found[1], found[2]) != (stage.account_id, stage.region):
            continue
        repository, digest_mark, digest = uri.partition("/")[2].partition("@")
        repository, _, tag = repository.partition(":")
        image = {"imageDigest": digest} if digest_mark else {"imageTag": tag or "latest"}
        asked = {"repositoryName": repository, "imageIds": [image]}
        yield aws_command(session, "ecr", "batch-get-image", asked)
